"""P24: sync and async callables are equal as hooks and handlers."""

import asyncio
import threading
from dataclasses import replace

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.facts import CompensationFailed, EffectFailed, Failure, HandlerFailed, HookFailed
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.local_context import LocalContext
from runtime.messages import Request
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Controlled, Told
from tests.laws.plans import (
    Bench,
    Plan,
    Running,
    all_async,
    ending_steps,
    global_context,
    plans,
    programs,
    quiet_steps,
    version_for,
    waiting_steps,
)

requests = plans(programs(quiet_steps, waiting_steps, ending_steps, most=4), most_hooks=3)


def run(plan: Plan) -> tuple[Told, Running]:
    running = Running()
    version, everywhere = version_for(plan, running)
    harness = Controlled(version, gctx=global_context(Bench()), **everywhere)
    told = run_virtual(harness.send())
    harness.controller.close()
    return told, running


def modulo_lines(told: Told) -> list[tuple[object, ...]]:
    facts: list[tuple[object, ...]] = []
    for fact in told.facts:
        data = fact.data
        if isinstance(data, HandlerFailed | HookFailed | CompensationFailed | EffectFailed):
            data = msgspec.structs.replace(data, failure=bare(data.failure))
        facts.append((fact.type, fact.key, data, fact.at_us))
    return facts


def bare(failure: Failure | None) -> Failure | None:
    return failure and msgspec.structs.replace(failure, frames=())


@pytest.mark.proves("P24", "HO-4", "HW-5")
@given(plan=requests, mix=st.lists(st.booleans(), min_size=4, max_size=4))
def test_p24_a_mix_leaves_the_facts_of_its_all_async_twin(plan: Plan, mix: list[bool]) -> None:
    """Seen to fail with threads that do not know the context variables of their request."""
    hooks = tuple(replace(h, is_async=mix[i]) for i, h in enumerate(plan.hooks))
    mixed = replace(plan, hooks=hooks, is_async=mix[3])
    event("some sync" if all_async(mixed) != mixed else "all async")
    told, running = run(mixed)
    twin, twin_running = run(all_async(plan))

    assert modulo_lines(told) == modulo_lines(twin)
    assert running.ran == twin_running.ran
    assert told.answer == twin.answer


@pytest.mark.proves("P24", "HW-5")
def test_a_sync_handler_runs_in_a_thread_and_stubs_give_it_results() -> None:
    threads: list[int] = []

    def handle(lctx: LocalContext, gctx: GlobalContext) -> dict[str, object]:
        threads.append(threading.get_ident())
        lctx.sleep(2)
        answer: dict[str, object] = gctx.modules.bench.ask(3)
        return answer

    harness = Controlled(version_of(handle), gctx=global_context(Bench()))
    told = run_virtual(harness.send())
    harness.controller.close()

    assert threads != [threading.get_ident()]
    assert told.json == {"what": 3, "twice": [3, 3]}
    assert told.facts[-1].at_us - told.facts[0].at_us == 2_000_000


@pytest.mark.proves("HW-5")
def test_forty_threads_serve_and_who_waits_is_first_in_first_out() -> None:
    order: list[int] = []
    gate = threading.Event()
    full = asyncio.Event()

    def handle(req: Request[int], lctx: LocalContext) -> None:
        order.append(req.body)
        if len(order) == 40:
            lctx._run.loop.call_soon_threadsafe(full.set)
        gate.wait()

    harness = Controlled(version_of(handle, body=int), replayed=False)

    async def scenario() -> list[int]:
        sent = [asyncio.ensure_future(harness.send(str(n).encode())) for n in range(43)]
        await full.wait()
        served = sorted(order)
        gate.set()
        await asyncio.gather(*sent)
        return served

    served = run_virtual(scenario())
    harness.controller.close()

    assert served == list(range(40))
    assert sorted(order[40:]) == [40, 41, 42]
