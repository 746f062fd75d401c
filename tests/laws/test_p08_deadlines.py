"""P8: a deadline really ends the run."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.errors import ContextClosedError, RequestTimedOutError
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.local_context import LocalContext
from runtime.testing import VirtualLoop, run_virtual
from tests.builders import version_of
from tests.controlled import Controlled, Told
from tests.laws.grammar import check_stream
from tests.laws.plans import Bench, global_context

DEADLINE_S = 10.0
GRACE_S = 1.0
EACH_S = 5.0
CLEANUPS_S = 30.0
MANNERS = ("waits", "swallows", "raises instead", "thread in an effect", "thread that hangs")
ENDS = ("well", "raises", "hangs", "hangs on")


@dataclass(frozen=True)
class Case:
    """A handler that takes its time in some manner, and what it leaves to be done."""

    takes_s: float
    manner: str
    cleanups: tuple[str, ...]
    compensations: tuple[int, ...]

    @property
    def is_late(self) -> bool:
        return self.takes_s > DEADLINE_S

    @property
    def is_lost(self) -> bool:
        """Whether it goes on although it was cancelled."""
        return self.is_late and self.manner in ("swallows", "thread that hangs")


cases = st.builds(
    Case,
    takes_s=st.sampled_from([0.0, 3.0, 9.5, 10.5, 40.0]),
    manner=st.sampled_from(MANNERS),
    cleanups=st.lists(st.sampled_from(ENDS), max_size=8).map(tuple),
    compensations=st.lists(st.integers(-2, 2), max_size=3).map(tuple),
)


class Witness:
    """What the user code did, seen from outside the log."""

    def __init__(self) -> None:
        self.cleaned: list[int] = []
        self.late: list[type[BaseException]] = []
        self.thread_may_end = threading.Event()
        self.thread_ended = threading.Event()


def cleanup(witness: Witness, number: int, ends: str) -> Callable[..., Any]:
    async def call() -> None:
        witness.cleaned.append(number)
        if ends == "raises":
            raise ValueError
        if ends == "hangs":
            await asyncio.sleep(1_000)
        if ends == "hangs on":
            try:
                await asyncio.sleep(1_000)
            except asyncio.CancelledError:
                await asyncio.sleep(1_000)

    return call


def prepare(case: Case, witness: Witness, lctx: LocalContext, gctx: GlobalContext) -> None:
    for number, ends in enumerate(case.cleanups):
        lctx.on_cleanup(cleanup(witness, number, ends))
    for what in case.compensations:
        lctx.compensate(gctx.modules.bench.undo, what)


def handler(case: Case, witness: Witness) -> Callable[..., Any]:
    async def waits(lctx: LocalContext, gctx: GlobalContext) -> int:
        prepare(case, witness, lctx, gctx)
        try:
            await asyncio.sleep(case.takes_s)
        except asyncio.CancelledError:
            if case.manner == "raises instead":
                raise ValueError from None
            if case.manner != "swallows":
                raise
            await _go_on(lctx, witness)
        return 1

    def in_a_thread(lctx: LocalContext, gctx: GlobalContext) -> int:
        prepare(case, witness, lctx, gctx)
        if case.manner == "thread that hangs" and case.is_late:
            loop = lctx._run.loop
            assert isinstance(loop, VirtualLoop)
            with loop.thread_waits():
                witness.thread_may_end.wait()
            _try_to_write(lctx, witness)
            witness.thread_ended.set()
        else:
            lctx.sleep(case.takes_s)
        return 1

    return in_a_thread if case.manner.startswith("thread") else waits


async def _go_on(lctx: LocalContext, witness: Witness) -> None:
    # Not stopped by the second cancellation either, which comes when it is given up.
    for _ in range(2):
        try:
            await asyncio.sleep(0.5 if witness.late else 1_000)
        except asyncio.CancelledError:
            _try_to_write(lctx, witness)


def _try_to_write(lctx: LocalContext, witness: Witness) -> None:
    for attempt in (
        lambda: lctx.set("late", 1),
        lambda: lctx.get("a"),
        lctx.clean,
        lambda: lctx.publish("t"),
        lctx.now,
        lambda: lctx.on_cleanup(print),
    ):
        try:
            attempt()
        except ContextClosedError as error:
            witness.late.append(type(error))


def run_case(case: Case) -> tuple[Told, Witness, float, Bench]:
    witness, bench = Witness(), Bench()
    version = version_of(handler(case, witness), timeout_s=DEADLINE_S)
    harness = Controlled(version, gctx=global_context(bench))

    async def scenario() -> tuple[Told, float]:
        loop = asyncio.get_running_loop()
        told = await harness.send()
        took_s = loop.time()
        witness.thread_may_end.set()
        if case.is_lost and case.manner.startswith("thread"):
            witness.thread_ended.wait()
        await asyncio.sleep(10)
        assert harness.controller.abandoned == 0
        return harness.told(told.stream, told.answer), took_s

    told, took_s = run_virtual(scenario())
    harness.controller.close()
    return told, witness, took_s, bench


@pytest.mark.proves("P8", "CN-1", "CN-2", "CN-3", "CN-5", "CN-6")
@given(case=cases)
def test_p08_a_deadline_really_ends_the_run(case: Case) -> None:
    """Seen to fail with cleanups that have a limit each and none together."""
    told, witness, took_s, bench = run_case(case)
    event("late" if case.is_late else "in time")
    event(f"given up: {case.is_lost}")

    check_stream(told.facts)
    assert ("request.timed_out" in told.types) == case.is_late
    assert told.answer.status == (504 if case.is_late else 200)
    _undone_and_cleaned(case, told, witness, bench)
    if case.is_lost:
        assert witness.late == [ContextClosedError] * 6
    assert "late" not in told.state.values
    ended_s = min(case.takes_s, DEADLINE_S) + GRACE_S * case.is_lost
    cleanups_s = min(
        CLEANUPS_S + EACH_S + GRACE_S,
        sum(_cleanup_s(ends) for ends in case.cleanups),
    )
    assert took_s <= ended_s + cleanups_s + 0.001


def _cleanup_s(ends: str) -> float:
    return {"hangs": EACH_S, "hangs on": EACH_S + GRACE_S}.get(ends, 0.0)


def _undone_and_cleaned(case: Case, told: Told, witness: Witness, bench: Bench) -> None:
    undone = [what for name, what in bench.calls if name == "undo"]
    ends = [fact.type for fact in told.facts if fact.type.startswith("cleanup.")]
    ran = [fact.type for fact in told.facts if fact.type.startswith("compensation.r")]
    assert undone == (list(reversed(case.compensations)) if case.is_late else [])
    assert ran.count("compensation.ran") == sum(1 for what in undone if what >= 0)
    assert witness.cleaned == sorted(set(witness.cleaned))
    assert len(ends) == len(case.cleanups)
    budget_s, began = CLEANUPS_S, 0
    for each in case.cleanups:
        began += budget_s > 0
        budget_s -= _cleanup_s(each)
    assert len(witness.cleaned) >= began
    well = [case.cleanups[i] == "well" for i in witness.cleaned]
    assert [each == "cleanup.ran" for each in ends[: len(well)]][:began] == well[:began]


@pytest.mark.proves("P8", "CN-2")
def test_at_the_deadline_the_listeners_hear_before_the_catch_hooks() -> None:
    heard: list[str] = []

    async def slow(lctx: LocalContext) -> None:
        lctx.on_timeout(lambda: heard.append("timeout"))
        lctx.on_error(lambda error: heard.append(type(error).__name__))
        lctx.catch(lambda error: heard.append(f"catch {type(error).__name__}"))
        await asyncio.sleep(3)

    told = run_virtual(Controlled(version_of(slow, timeout_s=2.0)).send())

    name = RequestTimedOutError.__name__
    assert heard == ["timeout", name, f"catch {name}"]
    assert told.types[-6:] == [
        "request.timed_out", "handler.failed", "phase.changed", "hook.started", "hook.ended",
        "response.sent",
    ]  # fmt: skip
    assert told.facts[-1].at_us - told.facts[0].at_us == 2_000_000


@pytest.mark.proves("CN-1")
def test_the_callers_own_limit_only_lowers_the_handlers() -> None:
    async def slow() -> None:
        await asyncio.sleep(20)

    version = version_of(slow, timeout_s=30.0)
    short = run_virtual(Controlled(version).send(timeout_s=5.0))
    long = run_virtual(Controlled(version).send(timeout_s=500.0))

    assert (short.answer.status, long.answer.status) == (504, 204)
    assert [each.facts[0].data.timeout_s for each in (short, long)] == [5.0, 30.0]


@pytest.mark.proves("CN-1")
def test_code_that_lets_nobody_tell_it_is_late_all_the_same() -> None:
    async def burns(lctx: LocalContext) -> None:
        loop = lctx._run.loop
        assert isinstance(loop, VirtualLoop)
        loop.now_s += 11  # as a computation does that never waits

    told = run_virtual(Controlled(version_of(burns, timeout_s=10.0)).send())

    assert told.answer.status == 504
    assert "request.timed_out" in told.types


@pytest.mark.proves("HO-8")
def test_a_hook_has_five_seconds_and_its_timeout_is_no_timeout_of_the_request() -> None:
    async def hangs() -> None:
        await asyncio.sleep(100)

    told = run_virtual(Controlled(version_of(lambda: 1, before=[hangs])).send())

    assert told.answer.status == 500
    assert told.facts[-1].at_us - told.facts[0].at_us == 5_000_000
    assert "request.timed_out" not in told.types
    failed = next(fact for fact in told.facts if fact.type == "hook.failed")
    assert failed.data.failure.error == "HookTimedOutError"


@pytest.mark.proves("CN-5")
def test_a_cancelled_compensation_never_runs_and_success_drops_the_others() -> None:
    bench = Bench()

    async def handle(req: Any, lctx: LocalContext, gctx: GlobalContext) -> None:
        first = lctx.compensate(gctx.modules.bench.undo, 1)
        lctx.compensate(gctx.modules.bench.undo, 2)
        assert lctx.cancel_compensation(first)
        assert not lctx.cancel_compensation(first)
        if req.body:
            raise ValueError

    harness = Controlled(version_of(handle), gctx=global_context(bench))
    well = run_virtual(harness.send(b"0"))
    assert bench.calls == []
    failed = run_virtual(harness.send(b"1"))
    harness.controller.close()

    assert (well.answer.status, failed.answer.status) == (204, 500)
    assert bench.calls == [("undo", 2)]
