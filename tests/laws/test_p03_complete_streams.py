"""P3: every accepted request has an id of its own and one complete stream."""

import asyncio

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.lifecycle.problems import problem
from runtime.testing import run_virtual
from tests.builders import received
from tests.controlled import Controlled, Told
from tests.laws.grammar import GrammarError, check_stream
from tests.laws.plans import (
    Bench,
    Plan,
    async_steps,
    ending_steps,
    global_context,
    plans,
    programs,
    quiet_steps,
    version_for,
    waiting_steps,
)

requests = plans(programs(quiet_steps, waiting_steps, ending_steps, async_steps), most_hooks=2)
fates = st.sampled_from(["runs", "runs", "disconnected", "refused"])


async def batch(harness: Controlled, drawn: list[tuple[Plan, str]], stop_at: float) -> list[Told]:
    """Send all at once, let some clients go, and stop the runtime while they run."""

    async def one(plan: Plan, fate: str) -> Told:
        stream = harness.new_stream()
        message = received(stream, harness.clock())
        if fate == "refused":
            answer = problem(404, "route-not-found", instance="")
            return harness.told(stream, await harness.controller.refuse(message, answer))
        version, _ = version_for(plan)
        if fate == "disconnected":
            asyncio.get_running_loop().call_later(0.7, harness.controller.disconnected, stream)
        return harness.told(stream, await harness.controller.run(message, version))

    async def stop() -> None:
        await asyncio.sleep(stop_at)
        await harness.controller.drain(0.5)

    told = await asyncio.gather(*[one(*each) for each in drawn], stop())
    return [each for each in told if each is not None]


@pytest.mark.proves("P3", "HO-1", "LC-2", "GC-6")
@given(
    drawn=st.lists(st.tuples(requests, fates), min_size=1, max_size=4),
    stop_at=st.sampled_from([0.0, 0.6, 2.0, 60.0]),
    schedule=st.lists(st.integers(0, 5), max_size=12),
)
def test_p03_every_request_has_a_unique_id_and_one_complete_stream(
    drawn: list[tuple[Plan, str]], stop_at: float, schedule: list[int]
) -> None:
    """Seen to fail with streams that stay open after their last fact."""
    harness = Controlled(gctx=global_context(Bench()))
    told = run_virtual(batch(harness, drawn, stop_at), schedule)
    harness.controller.close()

    assert len({each.stream for each in told}) == len(drawn)
    for each in told:
        check_stream(each.facts)
        event(each.facts[-1].type)
        event(f"status {each.answer.status}")
        assert each.facts[-1].data.status == each.answer.status
        assert harness.store.head(each.stream).closed


@pytest.mark.proves("P3", "HO-1")
def test_a_plain_request_leaves_these_facts() -> None:
    plan = Plan(handler=(("set", "a", 1),))
    version, _ = version_for(plan)
    told = run_virtual(Controlled(version).send(b"{}"))

    assert told.types == [
        "request.received", "principal.established", "version.resolved", "phase.changed",
        "phase.changed", "handler.started", "context.set", "handler.ended", "response.sent",
    ]  # fmt: skip
    assert told.state.phase == "completed"


@pytest.mark.proves("HO-1")
def test_the_grammar_refuses_a_stream_without_its_end() -> None:
    version, _ = version_for(Plan())
    told = run_virtual(Controlled(version).send(b"{}"))

    with pytest.raises(GrammarError, match="terminal"):
        check_stream(told.facts[:-1])


@pytest.mark.proves("GC-6")
def test_what_still_runs_at_a_stop_gets_ten_seconds_and_then_503() -> None:
    version, _ = version_for(Plan(handler=(("wait", 25.0),)))
    harness = Controlled(version)

    async def scenario() -> tuple[Told, Told, float]:
        loop = asyncio.get_running_loop()
        running = asyncio.create_task(harness.send())
        await asyncio.sleep(1)
        stopping = asyncio.create_task(harness.controller.drain())
        await asyncio.sleep(0)
        refused = await harness.send()
        stopped = await running
        await stopping
        return stopped, refused, loop.time()

    stopped, refused, at = run_virtual(scenario())

    assert at == pytest.approx(11.0)
    assert (stopped.answer.status, refused.answer.status) == (503, 503)
    assert stopped.types[-3:] == ["handler.failed", "phase.changed", "response.sent"]
    assert "handler.started" not in refused.types
    assert dict(stopped.answer.headers)["retry-after"] == "1"
    assert stopped.facts[-1].data.code == refused.facts[-1].data.code == "shutting-down"
