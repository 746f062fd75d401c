"""P47: seek, then resume, gives the original run."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import Event, NewEvent
from runtime.context import REQUEST_REDUCER
from runtime.effects import Live, Workers
from runtime.facts import EffectRequested
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.local_context import LocalContext
from runtime.modules import Method
from runtime.replay.answering import Given
from runtime.replay.following import Course
from runtime.replay.running import Program, Rerun
from runtime.replay.running import rerun as run_again
from runtime.testing import FakeClock, run_virtual
from tests.builders import version_of
from tests.controlled import Controlled, Told
from tests.laws.plans import (
    Bench,
    Plan,
    PlannedError,
    PlannedHook,
    async_steps,
    ending_steps,
    global_context,
    plans,
    programs,
    quiet_steps,
    version_for,
    waiting_steps,
)

requests = plans(programs(quiet_steps, waiting_steps, ending_steps, async_steps), most_hooks=3)


def record(plan: Plan) -> Told:
    version, everywhere = version_for(plan)
    harness = Controlled(version, gctx=global_context(Bench()), **everywhere)
    told = run_virtual(harness.send())
    harness.controller.close()
    return told


def rerun(plan: Plan, told: Told, bench: Bench, at: int = 0, beyond: Any = None) -> Rerun:
    version, everywhere = version_for(plan)
    program = Program(version, global_context(bench), **everywhere)
    return again(told, program) if beyond is None else resume(told, program, at, beyond)


def again(told: Told, program: Program) -> Rerun:
    return run_again(program, Course(told.facts, until=len(told.facts)))


def resume(told: Told, program: Program, at: int, beyond: Any) -> Rerun:
    course = Course(told.facts, until=at, lenient=True, leave=at)
    return run_again(program, course, given=Given(until=at, beyond=beyond))


def payloads(facts: Sequence[Event | NewEvent]) -> list[Any]:
    """Return what is compared: lines are not, and a module that is not called has none."""
    return [(each.type, each.key, without_lines(each.data)) for each in facts]


def without_lines(fact: Any) -> Any:
    failure = getattr(fact, "failure", None)
    if failure is None:
        return fact
    return msgspec.structs.replace(fact, failure=msgspec.structs.replace(failure, frames=()))


class Counting:
    """Answers effects as the record's run had them answered, and counts what it is asked."""

    def __init__(self, told: Told) -> None:
        self.asked: list[int] = []
        self._clock = FakeClock(told.facts[0].at_us)
        self._answers = {f.data.n: f for f in told.facts if f.type == "effect.returned"}
        self._live = Live(self._clock, Workers("test"))

    def now_us(self, n: int) -> int:
        self.asked.append(n)
        return round(self._instant(n) * 1_000_000)

    def _instant(self, n: int) -> float:
        text: str = self._answers[n].data.value["$datetime"]
        return dt.datetime.fromisoformat(text).timestamp()

    async def sleep(self, n: int, seconds: float) -> None:
        self.asked.append(n)
        await self._live.sleep(n, seconds)

    async def call(
        self, n: int, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        self.asked.append(n)
        return await self._live.call(n, method, args, kwargs)


@pytest.mark.proves("P47", "HO-8")
def test_the_limit_of_a_hook_counts_from_its_start_wherever_it_is_resumed() -> None:
    hook = PlannedHook("before", "global", (("sleep", 3.0), ("sleep", 3.0)), 0, 0, is_async=True)
    plan = Plan((), (hook,), 30.0)
    told = record(plan)

    assert [fact.at_us - told.facts[0].at_us for fact in told.facts][-1] == 5_000_000
    for at in range(1, len(told.facts) + 1):
        resumed = rerun(plan, told, Bench(), at, Counting(told))
        assert (at, resumed.divergence) == (at, None)
        assert payloads(resumed.facts) == payloads(told.facts)


@pytest.mark.proves("P47", "EF-1")
def test_what_a_limit_cut_short_before_the_moment_is_asked_of_nobody() -> None:
    both = ("both", [(0, 0.0), (0, 3.0)])
    hook = PlannedHook("before", "global", (("sleep", 3.0), both), 0, 0, is_async=True)
    plan = Plan((), (hook,), 30.0)
    told = record(plan)
    cut = next(n for n, fact in enumerate(told.facts, 1) if fact.type == "effect.failed")

    for at, asked in ((cut - 1, [3]), (cut, []), (len(told.facts), [])):
        outside = Counting(told)
        resumed = rerun(plan, told, Bench(), at, outside)
        assert payloads(resumed.facts) == payloads(told.facts)
        assert outside.asked == asked


@pytest.mark.proves("P47", "SN-1", "EF-1")
@given(plan=requests, cadence=st.integers(1, 9), data=st.data())
def test_p47_resumed_at_any_revision_a_run_gives_its_original_suffix(
    plan: Plan, cadence: int, data: st.DataObject
) -> None:
    """Seen to fail with the next answer taken out of the record behind the moment."""
    told = record(plan)
    facts = told.facts
    _keyframes_change_nothing(facts, cadence)
    bench = Bench()
    whole = rerun(plan, told, bench)
    assert (whole.divergence, whole.answer, bench.calls) == (None, told.answer, [])
    assert payloads(whole.facts) == payloads(facts)

    answered = [n for n, each in enumerate(facts) if each.type == "effect.returned"]
    anywhere = st.integers(1, len(facts))
    # The moment right before an answer is where it still has to be asked for.
    at = data.draw(st.sampled_from(answered) | anywhere if answered else anywhere, "revision")
    moment = REQUEST_REDUCER.apply_all(REQUEST_REDUCER.initial(), facts[:at])
    later = [f.data.n for f in facts[at:] if isinstance(f.data, EffectRequested)]
    outside = Counting(told)
    resumed = rerun(plan, told, Bench(), at, outside)
    event(f"pending {min(len(moment.pending), 1)}, later effects {min(len(later), 1)}")

    assert resumed.divergence is None
    kinds = {f.data.n: f.data.kind for f in facts if isinstance(f.data, EffectRequested)}
    answered_by_chance = {n for n, kind in kinds.items() if kind in ("random", "uuid")}
    expected = sorted({*moment.pending, *later} - answered_by_chance)
    if "request.timed_out" not in told.types:
        assert payloads(resumed.facts) == payloads(facts)
        assert sorted(outside.asked) == expected
    else:
        assert payloads(resumed.facts[:at]) == payloads(facts[:at])
        assert len(outside.asked) == len(set(outside.asked))


def _keyframes_change_nothing(facts: Sequence[Event], cadence: int) -> None:
    whole = REQUEST_REDUCER.apply_all(REQUEST_REDUCER.initial(), facts)
    state = REQUEST_REDUCER.initial()
    for start in range(0, len(facts), cadence):
        state = REQUEST_REDUCER.apply_all(state, facts[start : start + cadence])
    assert state == whole


@pytest.mark.proves("P47", "EF-2", "EF-3")
def test_a_replay_asks_nobody_and_says_the_same() -> None:
    bench = Bench()

    async def handle(lctx: LocalContext, gctx: GlobalContext) -> list[Any]:
        said = [str(lctx.now()), str(lctx.uuid()), lctx.random().random()]
        try:
            await gctx.modules.bench.refuse(1)
        except PlannedError:
            said.append("refused")
        return [*said, (await gctx.modules.bench.ask(2, takes_s=1.0))["what"]]

    version = version_of(handle)
    told = run_virtual(Controlled(version, gctx=global_context(bench), seed=5).send())
    repeated = again(told, Program(version, global_context(silent := Bench())))

    assert told.json[3:] == ["refused", 2]
    assert (repeated.divergence, repeated.answer) == (None, told.answer)
    assert (len(bench.calls), silent.calls) == (2, [])


@pytest.mark.proves("P47")
def test_changed_code_parts_at_the_first_fact_that_differs() -> None:
    told = run_virtual(Controlled(version_of(lambda lctx: lctx.set("a", 1))).send())
    changed = again(told, Program(version_of(lambda lctx: lctx.set("a", 2)), GlobalContext()))

    assert changed.answer is None
    assert changed.divergence is not None
    assert (changed.divergence.kind, changed.divergence.index) == ("value", 7)
    assert changed.divergence.recorded == told.facts[6]


@pytest.mark.proves("P47", "CN-2")
def test_a_timeout_is_replayed_without_waiting_for_it() -> None:
    plan = Plan(handler=(("set", "a", 1), ("wait", 3.0)), timeout_s=2.0)
    told = record(plan)
    repeated = rerun(plan, told, Bench())

    assert told.answer.status == 504
    assert (repeated.divergence, payloads(repeated.facts)) == (None, payloads(told.facts))
