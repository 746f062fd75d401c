"""One store, asked the debugger's questions: over memory and over SQLite alike."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.errors import (
    BadInputError,
    FilterError,
    NoSuchMomentError,
    NotFoundError,
    WriteRefusedError,
)
from debugger.session import RequestSummary, Session, request_id, short_id
from debugger.session.searching import search
from eventstore import Store, StreamId
from runtime.context import registry
from tests.debugger.stores import (
    START_US,
    CountedIds,
    Shop,
    Story,
    Ticks,
    memory_store,
    record,
    shop,
    sqlite_store,
)
from tests.strategies import History, histories

LATER_US = START_US + 3_600_000_000


class Filled:
    """A filled store and a session on it."""

    def __init__(self, store: Store, session: Session, made: Shop) -> None:
        self.store = store
        self.session = session
        self.shop = made


@pytest.fixture(params=["memory", "sqlite"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Filled]:
    path = tmp_path / "shop.db"
    store: Store = memory_store() if request.param == "memory" else sqlite_store(path)
    made = shop(store)
    reader = store if request.param == "memory" else reading(path)

    def write() -> Store:
        return store if request.param == "memory" else guest(path)

    with Session(reader, write=write, clock=Ticks(LATER_US), ids=CountedIds(0xE000)) as session:
        # The writer stays open meanwhile, as a server would.
        yield Filled(store, session, made)
    store.close()


def reading(path: Path) -> Store:
    return opened(path, "read")


def guest(path: Path) -> Store:
    return opened(path, "guest")


def opened(path: Path, mode: str) -> Store:
    from eventstore.sql import open_store  # noqa: PLC0415 - not every test needs SQL

    return open_store(
        f"sqlite:///{path}",
        mode="guest" if mode == "guest" else "read",
        registry=registry(),
        clock=Ticks(LATER_US),
        ids=CountedIds(0xD000),
    )


def rows_of(store: Store) -> list[object]:
    return list(store.read_log(limit=10_000))


# --- lists (CL-3) ---


@pytest.mark.proves("CL-3", "UI-2")
def test_requests_are_listed_newest_first_with_what_became_of_them(filled: Filled) -> None:
    found = filled.session.requests().requests

    assert [summary.stream for summary in found] == list(reversed(filled.shop.all))
    assert [(s.outcome, s.failed, s.status) for s in found] == [
        ("fork @18", False, None),
        ("200", False, 200),
        ("running", False, None),
        ("aborted: crash", True, None),
        ("504 timeout", True, 504),
        ("404 not-found", False, 404),
        ("400 validation-failed", False, 400),
        ("500 KeyError", True, 500),
        ("201", False, 201),
    ]
    assert {(s.method, s.route) for s in found if s.parent} == {
        ("POST", "POST /orders/{order_id:int}")
    }


def test_a_summary_counts_facts_and_time_and_names_who_asked(filled: Filled) -> None:
    summary = filled.session.summary(filled.shop.failing)

    assert summary.request_id == request_id(filled.shop.failing)
    assert (summary.facts, summary.duration_us, summary.principal) == (10, 9_000, "eve")
    assert (summary.edition, summary.path) == ("2026-10-01", "/orders/8")
    fork = filled.session.summary(filled.shop.fork)
    assert (fork.parent, fork.facts, fork.principal) == (filled.shop.order, 19, "ann")


@pytest.mark.parametrize("limit", [1, 2, 4, 100])
def test_pages_put_together_are_the_whole_list(filled: Filled, limit: int) -> None:
    whole = filled.session.requests().requests
    paged: list[RequestSummary] = []
    before: int | None = None
    while True:
        page = filled.session.requests(before=before, limit=limit)
        paged.extend(page.requests)
        before = page.older
        if before is None:
            break

    assert paged == list(whole)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_filtered_pages_hold_no_more_than_asked_and_miss_none(filled: Filled, limit: int) -> None:
    whole = filled.session.requests("principal:ann").requests
    paged: list[RequestSummary] = []
    before: int | None = None
    while True:
        page = filled.session.requests("principal:ann", before=before, limit=limit)
        assert len(page.requests) <= limit
        paged.extend(page.requests)
        before = page.older
        if before is None:
            break

    assert len(whole) > 3
    assert paged == list(whole)


@pytest.mark.parametrize(
    ("where", "outcomes"),
    [
        ("status:500", ["500 KeyError"]),
        ("status:>=400 !principal:eve", ["504 timeout", "404 not-found", "400 validation-failed"]),
        ("running or crash", ["running", "aborted: crash"]),
        ("route:/cart*", ["running", "aborted: crash"]),
        ("handler:post-orders status:201", ["201"]),
        ("/nowhere", ["404 not-found"]),
        ("since:1m", []),
        ("since:1d dur:>20ms", ["201"]),
    ],
)
def test_a_filter_gives_those_that_match(filled: Filled, where: str, outcomes: list[str]) -> None:
    page = filled.session.requests(where)

    assert [summary.outcome for summary in page.requests] == outcomes
    assert (page.older, page.scanned) == (None, 9)


def test_a_filter_that_cannot_be_read_is_refused_at_the_call(filled: Filled) -> None:
    for ask in (filled.session.requests, partial(search, filled.session)):
        with pytest.raises(FilterError):
            ask("status:>>5")


def test_the_live_tail_gives_what_came_and_what_went_on(filled: Filled) -> None:
    session, store = filled.session, filled.store
    end = session.end()
    assert session.newer(end) == []

    went_on = Story(Ticks(LATER_US)).set("cart", {"lines": [1]}).sent(200)
    store.append(
        filled.shop.running, went_on.events, kind="request", expected=7, close=True
    ).result()
    new = StreamId(CountedIds(0xC000).uuid7(LATER_US))
    record(store, Story(Ticks(LATER_US)).received("GET /items", "/items").sent(), stream=new)
    tail = session.newer(end)

    assert [(s.stream, s.outcome) for s in tail] == [(filled.shop.running, "200"), (new, "200")]
    assert tail[0].facts == 9
    assert session.newer(end, "status:404") == []
    assert [s.stream for s in session.newer(end, limit=1)] == [new]
    assert session.newer(session.end()) == []


@pytest.mark.proves("CL-3", "SB-1")
def test_requests_are_followed_and_none_is_left_out(filled: Filled) -> None:
    """Also of more than a page; those that went on come again."""
    session, ids = filled.session, CountedIds(0xE000)
    followed = session.follow(session.end(), "path:/new")
    streams = []
    for number in range(300):
        path = "/old" if number % 3 else "/new"
        stream = StreamId(ids.uuid7(START_US))
        record(filled.store, Story().received(f"GET {path}", path), stream=stream, close=False)
        streams += [] if number % 3 else [stream]

    told = [*next(followed), *next(followed)]
    assert [summary.stream for summary in told] == streams
    more = Story().sent().events
    filled.store.append(streams[0], more, kind="request", expected=5, close=True).result()
    (again,) = next(followed)
    assert (again.stream, again.status) == (streams[0], 200)
    with pytest.raises(FilterError):
        session.follow(0, "status:")


@pytest.mark.proves("CL-4", "SB-1")
def test_a_request_that_goes_on_is_followed(filled: Filled) -> None:
    session = filled.session
    timeline = session.timeline(filled.shop.running)
    growing = session.growing(timeline)
    other = StreamId(CountedIds(0xE000).uuid7(START_US))

    for number in range(2):
        record(filled.store, Story().received("GET /", "/"), stream=other, close=False)
        other = StreamId(CountedIds(0xE100 + number).uuid7(START_US))
        event = Story().set("n", number).events
        at = timeline.last
        filled.store.append(filled.shop.running, event, kind="request", expected=at).result()
        timeline = next(growing)
        assert (timeline.last, timeline.state_at(at + 1).values["n"]) == (at + 1, number)


def test_all_requests_are_counted(filled: Filled) -> None:
    assert filled.session.count() == 9


# --- one request ---


def test_a_request_is_found_by_any_of_its_names(filled: Filled) -> None:
    stream = filled.shop.order
    names = [
        request_id(stream), short_id(stream), stream.hex, stream.hex[-4:], str(stream),
        f" {short_id(stream).upper()} ",
    ]  # fmt: skip

    assert {filled.session.find(name) for name in names} == {stream}


@pytest.mark.parametrize("text", ["", "abc", "req-", "total", "12g4", "0" * 33, "\x1b[2J", "٣٣٣٣"])
def test_what_is_no_id_is_refused(filled: Filled, text: str) -> None:
    with pytest.raises(BadInputError, match="no request id"):
        filled.session.find(text)


def test_an_id_that_none_or_several_have_is_not_found(filled: Filled) -> None:
    with pytest.raises(NotFoundError, match="timescape requests"):
        filled.session.find("ffff")
    with pytest.raises(NotFoundError, match="timescape requests"):
        filled.session.find("0" * 32)
    twin = StreamId(UUID("01990000000070008000" + "00" * 3 + "0aa000"))
    record(filled.store, Story().received("GET /twin", "/twin").sent(), stream=twin)
    with pytest.raises(NotFoundError, match="Give more digits") as caught:
        filled.session.find("aa000")

    assert request_id(filled.shop.order) in caught.value.remedy


def test_a_history_that_goes_on_is_read_on(filled: Filled) -> None:
    timeline = filled.session.timeline(filled.shop.running)
    assert filled.session.refresh(timeline) is timeline

    more = Story(Ticks(LATER_US)).set("cart", None)
    filled.store.append(filled.shop.running, more.events, kind="request", expected=7).result()
    longer = filled.session.refresh(timeline)

    assert (timeline.last, longer.last) == (7, 8)
    assert longer.state_at(8).values["cart"] is None


def test_a_fork_begins_with_the_history_it_shares(filled: Filled) -> None:
    order = filled.session.timeline(filled.shop.order)
    fork = filled.session.timeline(filled.shop.fork)

    assert fork.last == 19
    assert fork.events[:18] == order.events[:18]
    assert [s.stream for s in filled.session.forks(filled.shop.order)] == [filled.shop.fork]


def test_a_request_that_is_not_there_has_no_history(filled: Filled) -> None:
    nobody = StreamId(CountedIds(1).uuid7(1))

    for ask in (filled.session.timeline, filled.session.summary):
        with pytest.raises(NotFoundError):
            ask(nobody)


def test_facts_of_one_request_are_filtered(filled: Filled) -> None:
    timeline = filled.session.timeline(filled.shop.order)

    def facts(where: str) -> list[int]:
        return filled.session.facts(timeline, where)

    assert facts("kind:context.set key:total") == [14, 17]
    assert facts("kind:context.* dur:>=15ms") == [16, 17, 18, 19]
    assert facts("line:shop.py:30") == [11, 14]
    assert facts("tea") == [16]
    assert facts("status:201 kind:response.sent") == [23]
    assert facts("status:500") == []
    assert len(facts("")) == 23


# --- restore (RS-11, RS-12, SN-4) ---


@pytest.mark.proves("RS-11", "RS-12", "SN-4")
@pytest.mark.parametrize(("at", "key"), [(14, "priced"), (17, None), (23, None), (1, None)])
def test_a_restore_is_a_fork_with_the_moments_state_and_the_original_is_untouched(
    filled: Filled, at: int, key: str | None
) -> None:
    session, order = filled.session, filled.shop.order
    before = rows_of(filled.store)
    moment = session.timeline(order).state_at(at)

    fork = session.restore(order, at, by="ann", reason="to look")
    timeline = session.timeline(fork)

    assert timeline.last == at + 1
    assert timeline.state_at(at + 1).values == moment.values
    own = timeline.fact(at + 1)
    assert (own.type, own.key) == ("context.restored", key or f"{request_id(order)}@{at}")
    assert (own.data.revision, own.data.patch, own.data.origin) == (at, (), "fork")
    assert (own.data.by, own.data.reason) == ("ann", "to look")
    head = filled.store.head(fork)
    assert (head.parent, head.parent_revision, head.closed) == (order, at, True)
    assert rows_of(filled.store)[: len(before)] == before
    assert session.verify().fault is None


@pytest.mark.parametrize("at", [-1, 0, 24])
def test_a_moment_that_is_not_there_is_not_restored(filled: Filled, at: int) -> None:
    end = filled.session.end()

    with pytest.raises(NoSuchMomentError):
        filled.session.restore(filled.shop.order, at, by="ann")
    assert filled.session.end() == end


def test_a_read_only_session_writes_nothing() -> None:
    store = memory_store()
    made = shop(store)
    session = Session(store)
    end = store.end()

    assert session.read_only
    with pytest.raises(WriteRefusedError, match="reading only"):
        session.restore(made.order, 14, by="ann")
    assert store.end() == end


@pytest.mark.proves("RS-12")
@given(history=histories(), data=st.data())
def test_any_moment_of_any_request_can_be_restored(history: History, data: st.DataObject) -> None:
    store = memory_store()
    story = Story()
    story.events = history.new
    stream = record(store, story, stream=StreamId(CountedIds().uuid7(START_US)))
    session = Session(store, write=lambda: store, clock=Ticks(LATER_US), ids=CountedIds(0xE000))
    at = data.draw(st.integers(1, len(history.new)))
    before = list(store.read(stream))

    fork = session.timeline(session.restore(stream, at, by="ann"))

    assert dict(fork.state_at(at + 1).values) == history.values_at[at]
    assert list(store.read(stream)) == before


# --- the whole log ---


def test_a_store_that_was_not_altered_verifies_and_an_empty_one_too(filled: Filled) -> None:
    told: list[tuple[int, int]] = []
    verdict = filled.session.verify(lambda done, total: told.append((done, total)))

    assert (verdict.fault, verdict.verified_to) == (None, filled.session.end())
    assert all(done <= total for done, total in told)


def test_long_requests_of_several_rows_are_told_by_their_first_and_last() -> None:
    store = memory_store()
    story = Story().received("POST /bulk", "/bulk").handler()
    for number in range(700):
        story.set("n", number)
    stream = record(store, story.failed(), stream=StreamId(CountedIds().uuid7(START_US)))
    session = Session(store)

    summary = session.requests().requests[0]

    assert (summary.stream, summary.outcome, summary.facts) == (stream, "500 KeyError", 709)
    assert session.newer(0) == [summary]
    assert len(store.read_log(kinds=("request",))) == 3
