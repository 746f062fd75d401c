"""Facts found anywhere in the log, by what they are and by the state that they leave (TM-11)."""

import itertools
from collections.abc import Sequence

import pytest

from debugger.session import Session
from debugger.session.searching import search
from debugger.timeline import Unknown
from eventstore import ANY, Event, Store, StreamId
from tests.debugger.stores import (
    START_US,
    CountedIds,
    Shop,
    Story,
    Ticks,
    memory_store,
    record,
    shop,
)

STREAM = StreamId(CountedIds().uuid7(START_US))
PLACES = (
    "state.total > 120",
    "changed(state.total) state.total > 120",
    "old.total == 118",
    "kind:response.sent exists(state.total)",
    'state.items[*].sku == "tea" or fact.status == 500',
    'request.body.items[*].sku == "mug" kind:context.*',
)


def filled() -> tuple[Session, Store, Shop]:
    store = memory_store()
    made = shop(store)
    return Session(store, clock=Ticks()), store, made


def found(session: Session, where: str) -> list[Event]:
    return [row.events[index] for row, index in search(session, where)]


def scanned(session: Session, store: Store, where: str) -> list[Event]:
    """Ask each request of its own, as `timescape log` does."""
    rows = store.read_log(limit=10_000, kinds=("request",))
    holds = {row.stream: session.facts(session.timeline(row.stream), where) for row in rows}
    return [event for row in rows for event in row.events if event.revision in holds[row.stream]]


@pytest.mark.proves("TM-11", "CL-8")
def test_search_gives_every_fact_that_matches_in_the_order_of_the_log() -> None:
    session, store, made = filled()
    told = list(search(session, "kind:context.set"))

    assert [row.events[n] for row, n in told] == [
        event
        for row in store.read_log(limit=10_000, kinds=("request",))
        for event in row.events
        if event.type == "context.set"
    ]
    assert len(told) == 9
    assert list(search(session, "kind:context.set", limit=2)) == told[:2]
    failing = [row.stream for row, _ in search(session, "kind:handler.failed status:500")]
    assert failing == [made.failing]


@pytest.mark.proves("TM-11", "TM-7", "CL-8")
@pytest.mark.parametrize("where", PLACES)
def test_a_place_in_the_state_is_asked_of_every_request(where: str) -> None:
    session, store, _ = filled()
    told = found(session, where)

    assert told == scanned(session, store, where)
    assert told


@pytest.mark.proves("TM-11", "TM-7")
def test_what_changed_a_total_to_more_is_found_in_its_request_alone() -> None:
    session, _, made = filled()
    (event,) = found(session, PLACES[1])

    assert (event.stream, event.type, event.key) == (made.order, "context.set", "total")


@pytest.mark.proves("TM-8")
def test_what_nobody_can_judge_is_no_match_and_is_told() -> None:
    store, clock = memory_store(), Ticks()
    story = Story(clock).received("GET /items", "/items").handler()
    record(store, story.set("total", "much").sent(200), stream=STREAM)
    told: list[Unknown] = []
    session = Session(store, clock=Ticks())

    assert list(search(session, "state.total > 400", unknown=told.append)) == []
    assert {each.reason for each in told} != {""}
    assert len(told) == 2  # from the fact that set it on


@pytest.mark.proves("TM-11")
def test_a_request_that_goes_on_while_it_is_searched_is_searched_on() -> None:
    store, clock = memory_store(), Ticks()
    story = Story(clock).received("GET /items", "/items").set("total", 1)
    record(store, story, stream=STREAM, close=False)
    session = Session(store, clock=Ticks())
    searching = search(session, "exists(state.total)")
    first = next(searching)
    for _ in range(300):  # beyond the page that is read already
        more = Story(clock).set("other", 1).events
        store.append(STREAM, more, kind="request", expected=ANY).result()
    rest = list(searching)

    assert first[0].events[first[1]].type == "context.set"
    assert len(rest) == 300


def test_a_search_that_nobody_goes_on_asking_stops_reading() -> None:
    session, _, _ = filled()
    taken: Sequence[tuple[object, int]] = list(itertools.islice(search(session, ""), 3))

    assert [index for _, index in taken] == [0, 1, 2]
    assert list(search(session, "coffee-machine")) == []
