"""Folding: rows that hold all facts, and hide none that somebody looks for (TM-14)."""

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.timeline import Timeline, is_failure, subject
from debugger.timeline.folding import Run, fold, open_at, row_of
from eventstore import Event, Position, Revision, StreamId
from runtime import facts
from tests.debugger.stores import Story

FACTS: dict[str, Callable[[Story, int], Story]] = {
    "net": lambda story, n: story.edit("lines", facts.Change("replace", (n, "net"), 1)),
    "gross": lambda story, n: story.edit("lines", facts.Change("replace", (n, "gross"), 1)),
    "note": lambda story, n: story.set("note", n),
    "snapshot": lambda story, n: story.add(facts.ContextSnapshotted(), f"s{n}"),
    "failed": lambda story, n: story.add(facts.HandlerFailed(facts.Failure("E")), "shop.order"),
    "phase": lambda story, n: story.add(facts.PhaseChanged(), "running"),
}
STREAM = StreamId(UUID(int=1))
stories = st.lists(st.tuples(st.sampled_from(list(FACTS)), st.integers(0, 9)), max_size=25)


def told(parts: list[tuple[str, int]]) -> Timeline:
    """Return a history of a first fact and what *parts* name."""
    story = Story().set("lines", [{"net": 0, "gross": 0}] * 10)
    for name, n in parts:
        FACTS[name](story, n)
    return Timeline(
        STREAM,
        tuple(
            Event(Position(n), STREAM, Revision(n), e.type, e.data, e.key, e.at_us or 0, e.site)
            for n, e in enumerate(story.events, 1)
        ),
    )


def masked(event: Event) -> str:
    return f"{event.type} " + "/".join(
        "*" if step.isdecimal() else step for step in subject(event).split("/")
    )


def joins(timeline: Timeline, a: int, b: int, alone: set[int]) -> bool:
    """Say, fact by fact, whether neighbours may stand in one row."""
    events = [timeline.fact(n) for n in (a, b)]
    apart = any(
        n in alone or is_failure(e) or e.type == "context.snapshotted"
        for n, e in zip((a, b), events, strict=True)
    )
    return not apart and masked(events[0]) == masked(events[1])


@pytest.mark.proves("TM-14")
@given(parts=stories, alone=st.sets(st.integers(1, 26), max_size=4), cursor=st.integers(0, 26))
def test_rows_hold_each_fact_once_and_neighbours_that_are_alike(
    parts: list[tuple[str, int]], alone: set[int], cursor: int
) -> None:
    timeline = told(parts)
    folded = fold(timeline.events, alone)
    for runs, apart in ((folded, alone), (open_at(folded, cursor), alone | {cursor})):
        held = [n for run in runs for n in range(run.first, run.last + 1)]
        together = {n for run in runs for n in range(run.first, run.last)}

        assert held == list(range(1, timeline.last + 1))
        assert together == {n for n in range(1, timeline.last) if joins(timeline, n, n + 1, apart)}
        assert all(runs[row_of(runs, n)].first <= n <= runs[row_of(runs, n)].last for n in held)


@pytest.mark.proves("TM-14")
def test_a_loop_over_lines_is_one_row_but_for_the_cursor() -> None:
    timeline = told([("net", n) for n in range(5)] + [("failed", 0), ("net", 5)])
    runs = fold(timeline.events)

    assert runs == [Run(1, 1), Run(2, 6, "/lines/*/net"), Run(7, 7), Run(8, 8)]
    assert runs[1].count == 5
    assert open_at(runs, 3)[1:4] == [Run(2, 2), Run(3, 3), Run(4, 6, "/lines/*/net")]
    assert open_at(runs, 0) == runs
