"""Lines heard by `sys.monitoring` are those that `sys.settrace` is told of (RX-11, LN-1)."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType

import pytest

from runtime.effects import Sites
from runtime.replay.lines import Line
from runtime.replay.monitoring import monitored
from runtime.replay.tracing import Call, Tracer, by_settrace, traced
from tests.runtime.replay.walked import walk

ROOT = Path(__file__).parents[3]
HAS_MONITORING = hasattr(sys, "monitoring")


def new_tracer() -> Tracer:
    return Tracer(Sites(ROOT), lambda: 0)


def linesby_settrace() -> list[Line]:
    tracer = new_tracer()
    with tracer.current(), by_settrace(tracer):
        walk()
    return tracer.lines


def unheard(frame: FrameType, known: Callable[[FrameType], Call | None]) -> Call | None:
    return None


def lines_by_monitoring() -> list[Line]:
    tracer = new_tracer()
    with tracer.current(), monitored(tracer.opened_by, tracer.is_ours) as heard:
        assert heard
        walk()
    return tracer.lines


@pytest.mark.skipif(not HAS_MONITORING, reason="Python before 3.12 has no sys.monitoring")
@pytest.mark.proves("RX-11", "LN-1")
def test_both_hear_the_same_lines_calls_and_locals() -> None:
    assert lines_by_monitoring() == linesby_settrace()
    assert lines_by_monitoring() == linesby_settrace(), "what one leaves behind disturbs the next"


@pytest.mark.proves("RX-11")
def test_recursion_loops_and_generators_are_lines_with_their_locals() -> None:
    tracer = new_tracer()
    with traced(tracer):
        walk()
    seen = [(line.function, line.changed) for line in tracer.lines]

    assert len({line.call for line in tracer.lines if line.function == "factorial"}) == 4
    assert sum(function == "one_line" for function, _ in seen) >= 4
    assert ("squares", {"square": "4"}) in seen
    assert any(line.gone == ("done",) for line in tracer.lines)
    assert sys.gettrace() is None or not HAS_MONITORING


@pytest.mark.parametrize("heard", [linesby_settrace, *[lines_by_monitoring] * HAS_MONITORING])
@pytest.mark.proves("RX-11", "LN-2")
def test_a_call_that_waits_goes_on_as_one_and_knows_who_made_it(
    heard: Callable[[], list[Line]],
) -> None:
    lines = heard()
    within = {line.call: line.within for line in lines}
    calls: dict[str, list[int]] = {}
    for line in lines:
        numbers = calls.setdefault(line.function, [])
        if line.call not in numbers:
            numbers.append(line.call)

    assert {name: len(calls[name]) for name in ("walk", "later", "together", "patient")} == {
        "walk": 1, "later": 2, "together": 1, "patient": 1,
    }  # fmt: skip
    [walk_], factorials = calls["walk"], calls["factorial"]
    assert [within[call] for call in factorials] == [walk_, *factorials[:-1]]
    assert within[calls["fails"][0]] == calls["caught"][0]
    # Tasks are begun by the loop, which runs within the call that started it.
    assert {within[call] for call in calls["later"]} == {walk_}


@pytest.mark.skipif(not HAS_MONITORING, reason="Python before 3.12 has no sys.monitoring")
@pytest.mark.proves("RX-11")
def test_several_runs_are_heard_by_tools_of_their_own_and_where_none_is_leftby_settrace() -> None:
    def deaf() -> AbstractContextManager[bool]:
        return monitored(unheard, lambda _: True)

    with deaf() as one, deaf() as other, deaf() as third:
        tracer = new_tracer()
        with traced(tracer):
            walk()

    assert (one, other, third) == (True, True, False)
    assert tracer.lines == linesby_settrace()
