"""Steps forward and back, and where breakpoints stop, against naive answers (BY-1)."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.session import Session
from debugger.session.hitting import Point, at_failure, at_line, at_start, at_write, next_stop
from debugger.session.lines import LineTrace
from debugger.session.walking import Move, Place, Walk
from debugger.timeline import FACT_FIELDS, MOMENT_ROOTS, Timeline, Unknown, parse
from debugger.timeline.stops import is_failure
from runtime.replay.lines import Line
from tests.debugger.stores import memory_store, shop
from tests.debugger.test_lines import runs

MOVES: Sequence[Move] = ("into", "over", "out", "fact")
_steps = st.lists(st.sampled_from(MOVES), max_size=12)


STORE = memory_store()
SHOP = shop(STORE)
TIMELINES = [Session(STORE).timeline(stream) for stream in SHOP.all]
"""Of each sort of request one; told once, for drawing a history takes longer than a law."""


@st.composite
def walks(draw: st.DrawFn) -> Walk:
    """Draw a way through a history, with lines whose facts it has or without, begun anywhere."""
    timeline = draw(st.sampled_from(TIMELINES))
    lines = [line for line in draw(runs) if line.revision <= timeline.last]
    trace = LineTrace(lines, most=10_000) if draw(st.booleans()) else None
    walk = Walk(timeline, trace)
    walk.go(draw(st.sampled_from(places_of(walk))))
    return walk


def places_of(walk: Walk) -> list[Place]:
    """Give every place of a walk, in order."""
    moments = [Place(revision) for revision in range(walk.timeline.last + 1)]
    lines = [walk.line(step) for step in range(walk.trace.count if walk.trace else 0)]
    return sorted([*moments, *lines], key=lambda place: place.order)


@pytest.mark.proves("BY-1", "TM-3")
@given(walk=walks(), moves=_steps)
def test_n_steps_forward_and_n_back_come_to_the_same_place(walk: Walk, moves: list[Move]) -> None:
    begun = walk.at
    passed = [begun]
    for move in moves:
        found = walk.find(move)
        if found is None:
            continue
        assert found.order > walk.at.order
        walk.take(found)
        passed.append(walk.at)

    for place in passed[-2::-1]:
        assert walk.back()
        assert walk.at == place
    assert walk.at == begun


@pytest.mark.proves("BY-1", "TM-3")
@given(walk=walks(), by_fact=st.booleans())
def test_back_goes_on_to_the_start_and_into_to_the_end_of_every_history(
    walk: Walk,
    by_fact: bool,  # noqa: FBT001 - Hypothesis draws it
) -> None:
    walk.go(walk.at)
    seen = [walk.at.order]
    while walk.back(by_fact=by_fact):
        seen.append(walk.at.order)
    assert walk.at == Place(0)
    assert seen == sorted(seen, reverse=True)

    lines = []
    while (found := walk.find("into")) is not None:
        walk.take(found)
        lines.append(found.step)
    assert walk.at.order >= walk.end.order
    if walk.trace is not None:
        assert [step for step in lines if step is not None] == list(range(walk.trace.count))


@pytest.mark.proves("BY-1")
def test_steps_on_lines_pass_what_is_called_and_leave_a_hook_where_it_ends() -> None:
    timeline = TIMELINES[0]
    start = next(n for n, e in enumerate(timeline.events, 1) if e.type == "handler.started")
    lines = [Line(start, "a.py:1", "f", 1), Line(start, "a.py:9", "g", 2, within=1),
             Line(start, "a.py:2", "f", 1), Line(start + 1, "a.py:3", "f", 1)]  # fmt: skip
    walk = Walk(timeline, LineTrace(lines, most=9))

    walk.take(walk.find("into") or Place(0))
    assert walk.at == Place(start, 0)
    assert walk.find("over") == Place(start, 2)
    walk.take(walk.find("into") or Place(0))
    assert walk.find("out") == Place(start, 2)
    walk.go(Place(start, 2))
    assert walk.find("out") == Place(timeline.out(start) or 0)
    assert walk.back()
    assert walk.at == Place(start, 0), "back passes what was called, too"
    assert walk.trace is not None
    assert walk.trace.stack(1) == [1, 0]


# --- breakpoints ---

_conditions = ["kind:context.*", "state.total > 120", "state.note > 3", "!exists(state.total)"]


@pytest.mark.proves("BY-1", "TM-2", "TM-8")
@given(walk=walks(), data=st.data())
def test_the_nearest_hit_is_what_a_full_scan_finds(walk: Walk, data: st.DataObject) -> None:
    session = Session(STORE)
    places = st.lists(st.sampled_from(places_of(walk)), unique=True, max_size=6)
    conditions = st.sampled_from([None, *_conditions])
    points = [
        Point(n, "breakpoint", sorted(data.draw(places), key=lambda place: place.order),
              None if (text := data.draw(conditions)) is None else
              parse(text, FACT_FIELDS, MOMENT_ROOTS))
        for n in range(3)
    ]  # fmt: skip

    until = data.draw(st.sampled_from(places_of(walk)))
    first = next_stop(session, walk, points, forward=True).place
    before = next_stop(session, walk, points, forward=True, until=until).place
    assert before == (first if first is not None and first.order < until.order else None)
    for forward in (True, False):
        found = next_stop(session, walk, points, forward=forward)
        hits = [
            (place, point)
            for point in points
            for place in point.places
            if holds(session, walk, point, place)
            and (place.order > walk.at.order if forward else place.order < walk.at.order)
        ]
        if not hits:
            assert found.place is None
            continue
        nearest = (min if forward else max)((place for place, _ in hits), key=lambda p: p.order)
        assert found.place == nearest
        assert list(found.points) == [point for place, point in hits if place == nearest]


def holds(session: Session, walk: Walk, point: Point, place: Place) -> bool:
    if point.condition is None:
        return True
    if not place.revision:
        return False
    [(_, answer)] = session.judged(walk.timeline, point.condition, [place.revision])
    assert isinstance(answer, bool | Unknown)
    return answer is True


@pytest.mark.parametrize("timeline", TIMELINES, ids=list(SHOP.__struct_fields__))
@pytest.mark.proves("BY-1", "TM-2", "TM-5")
def test_places_of_breakpoints_are_where_such_facts_are(timeline: Timeline) -> None:
    events = list(enumerate(timeline.events, 1))

    assert at_failure(timeline) == [Place(n) for n, event in events if is_failure(event)]
    for key in timeline.keys:
        path = "/" + key.replace("~", "~0").replace("/", "~1")
        assert at_write(timeline, path) == [Place(w.revision) for w in timeline.writes(path)] != []
    for n, event in events:
        if event.type in ("hook.started", "handler.started"):
            assert Place(n) in at_start(timeline, event.key or "")
            assert Place(n) in at_start(timeline, (event.key or "").rpartition(".")[2])
        if event.site is not None:
            assert Place(n) in at_line(Walk(timeline), event.site)


@pytest.mark.proves("BY-1", "LN-2")
@given(lines=runs)
def test_a_breakpoint_at_a_line_is_where_the_line_runs(lines: list[Line]) -> None:
    walk = Walk(TIMELINES[0], LineTrace(lines, most=10_000))

    for step, line in enumerate(lines):
        here = [n for n, each in enumerate(lines) if each.site == line.site]
        assert at_line(walk, line.site) == [walk.line(n) for n in here]
        assert walk.line(step) in at_line(walk, line.site)


@pytest.mark.proves("BY-1", "RN-4")
def test_a_search_that_nobody_wants_any_more_ends() -> None:
    session, timeline = Session(STORE), TIMELINES[0]
    places = [Place(n) for n in range(1, timeline.last + 1)] * 300
    asked: list[int] = []

    def unwanted() -> bool:
        asked.append(1)
        return True

    never = Point(1, "breakpoint", places, parse("kind:nothing", FACT_FIELDS, MOMENT_ROOTS))
    found = next_stop(session, Walk(timeline), [never], forward=True, unwanted=unwanted)

    assert found.place is None
    assert asked
