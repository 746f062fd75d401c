"""P6: a failing request fails alone."""

import asyncio
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import Event, StreamId
from runtime.testing import SeededIds, run_virtual
from tests.builders import version_of
from tests.controlled import Controlled, Told
from tests.laws.plans import (
    Bench,
    Plan,
    PlannedHook,
    Running,
    ending_steps,
    global_context,
    plans,
    programs,
    quiet_steps,
    seconds,
    version_for,
    waiting_steps,
)

# Nothing concurrent within a request: its own order may depend on the schedule.
waits = st.tuples(st.just("wait"), seconds)
requests = plans(programs(quiet_steps, waiting_steps, ending_steps, waits), most_hooks=3)


class SameIds(SeededIds):
    """Gives every request the same chance, so that one more or less changes nothing."""

    def token(self, size: int) -> bytes:
        return b"\1" * size


def run_all(drawn: dict[int, Plan], schedule: list[int]) -> dict[int, tuple[Told, Running]]:
    harness = Controlled(gctx=global_context(Bench()), ids=SameIds())
    streams = {i: StreamId(SeededIds(i).uuid7(0)) for i in drawn}

    async def one(i: int, plan: Plan) -> tuple[Told, Running]:
        running = Running()
        version, _ = version_for(plan, running)
        return await harness.send(version=version, stream=streams[i]), running

    async def scenario() -> list[tuple[Told, Running]]:
        return await asyncio.gather(*[one(i, plan) for i, plan in drawn.items()])

    told = run_virtual(scenario(), schedule)
    harness.controller.close()
    return dict(zip(drawn, told, strict=True))


def as_compared(facts: list[Event] | Any) -> list[Any]:
    return [
        (each.revision, each.type, each.key, each.data, each.at_us, each.site) for each in facts
    ]


@pytest.mark.proves("P6", "HO-6", "HW-6", "LC-9")
@given(
    drawn=st.lists(requests, min_size=2, max_size=4),
    schedule=st.lists(st.integers(0, 5), max_size=12),
)
def test_p06_every_other_stream_is_as_without_the_failing_ones(
    drawn: list[Plan], schedule: list[int]
) -> None:
    """Seen to fail with no further catch hook after one that fails."""
    everyone = dict(enumerate(drawn))
    together = run_all(everyone, schedule)
    failing = [i for i, (told, _) in together.items() if told.answer.status >= 400]
    event(f"failing {min(len(failing), 1)}, others {min(len(drawn) - len(failing), 1)}")

    for i in failing:
        plan, (told, running) = everyone[i], together[i]
        caught = [each for each in running.ran if each.startswith("catch")]
        ordered = [n for level in ("local", "route") for n, _ in reversed(plan.of("catch", level))]
        if "hook.registered" not in told.types:
            ordered = [n for n in ordered if plan.hooks[n].level != "local"]
        attempts = [int(each.split()[-1]) for each in caught]
        assert list(dict.fromkeys(attempts)) == ordered
    alone = run_all({i: plan for i, plan in everyone.items() if i not in failing}, [])
    for i, (told, _) in alone.items():
        assert as_compared(told.facts) == as_compared(together[i][0].facts)


@pytest.mark.proves("P6", "HO-6")
def test_a_failing_catch_hook_does_not_stop_the_next() -> None:
    running = Running()
    plan = Plan(
        handler=(("raise",),),
        hooks=(
            PlannedHook("catch", "route", (("set", "a", 1),)),
            PlannedHook("catch", "route", (), fails=9),
        ),
    )
    version, _ = version_for(plan, running)
    told = run_virtual(Controlled(version).send())

    assert running.ran == ["handler", "catch route 1", "catch route 0"]
    assert told.answer.status == 500
    assert told.json["code"] == "handler-error"
    assert dict(told.state.values) == {"a": 1}


@pytest.mark.proves("HO-6")
def test_after_a_failing_before_hook_neither_later_ones_nor_the_handler_run() -> None:
    running = Running()
    hooks = (PlannedHook("before", "route", (), fails=9), PlannedHook("before", "route", ()))
    version, _ = version_for(Plan(hooks=hooks), running)
    told = run_virtual(Controlled(version).send())

    assert running.ran == ["before route 0"]
    assert "handler.started" not in told.types


@pytest.mark.proves("HO-6")
def test_of_failing_after_hooks_the_first_counts_and_the_others_are_its_notes() -> None:
    seen: list[BaseException] = []

    def first() -> None:
        raise ValueError

    def second() -> None:
        raise KeyError

    def note(error: BaseException) -> None:
        seen.append(error)

    version = version_of(lambda: 1, after=[first, second], catch=[note])
    run_virtual(Controlled(version).send())

    assert type(seen[0]) is KeyError
    assert "ValueError" in seen[0].__notes__[0]
