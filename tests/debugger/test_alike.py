"""How often a request failed as another did, and when its facts stand: what a list tells of it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.session import RequestSummary, Session
from debugger.session.alike import DAY_US, alike
from debugger.session.requests import TENTHS, rhythm_of
from debugger.timeline import is_failure
from eventstore import ANY, Store, StreamId
from tests.debugger.stores import CountedIds, Story, Ticks, memory_store, record, shop
from tests.strategies import as_events

ROUTES = ("POST /orders", "GET /items")
HOUR_US = 3_600_000_000
served = st.lists(
    st.tuples(
        st.integers(0, 9), st.sampled_from(ROUTES), st.sampled_from(["", "KeyError", "OSError"])
    ),
    min_size=1, max_size=12,
)  # fmt: skip


def recorded(visits: Sequence[tuple[int, str, str]]) -> tuple[Session, list[RequestSummary]]:
    """Record visits, each so many hours after the one before; return them newest first."""
    store: Store = memory_store()
    clock, ids = Ticks(), CountedIds()
    for hours, route, error in visits:
        clock.now_us += hours * HOUR_US
        story = Story(clock).received(route, route.partition(" ")[2]).handler()
        done = story.failed(error) if error else story.sent(200)
        record(store, done, stream=StreamId(ids.uuid7(clock.now_us)))
    session = Session(store, clock=Ticks())
    return session, list(session.requests().requests)


@pytest.mark.proves("UI-2")
@given(visits=served)
def test_failures_are_alike_by_route_and_outcome_within_a_day_before(
    visits: list[tuple[int, str, str]],
) -> None:
    session, rows = recorded(visits)
    for at, of in enumerate(rows):
        if of.failed:
            same = [
                row for row in rows[at:]
                if row.started_us > of.started_us - DAY_US
                and (row.route, row.outcome) == (of.route, of.outcome)
            ]  # fmt: skip
            found = alike(session, of)
            assert found.whole
            assert dict(found.versions) == {"2026-10-01": len(same)}
            assert found.told == f"{len(same)} in 24 h"


@pytest.mark.proves("UI-2")
def test_a_search_for_failures_that_nobody_wants_any_more_says_that_it_is_not_whole() -> None:
    session, rows = recorded([(0, ROUTES[0], "KeyError")])

    assert alike(session, rows[0]).told == "1 in 24 h"
    assert alike(session, rows[0], unwanted=lambda: True).told == "0+ in 24 h"


@pytest.mark.proves("UI-2")
@given(gaps=st.lists(st.integers(0, 40), min_size=1, max_size=30), fails=st.booleans())
def test_the_rhythm_counts_every_fact_once_and_marks_the_tenths_of_failures(
    gaps: list[int], *, fails: bool
) -> None:
    now = 0

    def clock() -> int:
        return now

    story = Story(clock).received("GET /items", "/items")
    for gap in gaps:
        now += gap
        story.set("total", gap)
    events = as_events((story.failed() if fails else story.sent(200)).events)
    rhythm, total = rhythm_of(events, failures=True), events[-1].at_us - events[0].at_us + 1

    assert sum(map(abs, rhythm)) == len(events)
    bad = {(e.at_us - events[0].at_us) * TENTHS // total for e in events if is_failure(e)}
    assert {tenth for tenth, count in enumerate(rhythm) if count < 0} == bad
    assert min(rhythm_of(events, failures=False)) >= 0


@pytest.mark.proves("UI-2")
def test_a_request_of_some_commits_is_told_whole_and_one_of_very_many_facts_is_not() -> None:
    store = memory_store()
    made = shop(store)
    session = Session(store, clock=Ticks())

    def go_on(commits: int, facts: int) -> RequestSummary:
        for _ in range(commits):
            story = Story(Ticks())
            for number in range(facts):
                story.set("note", number)
            store.append(made.running, story.events, kind="request", expected=ANY).result()
        return session.summary(made.running)

    some = go_on(3, 2)
    assert sum(some.rhythm) == some.facts
    assert go_on(7, 100).rhythm == ()
    assert session.summary(made.fork).rhythm == ()
    assert sum(map(abs, session.summary(made.order).rhythm)) == 23
