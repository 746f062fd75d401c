"""What the debugger's own panes cost against Textual's stock widgets (PF-2, PF-3), and long
histories against short ones (PF-5).

As in `bench_debugger`, ratios are of the processor's time: up to the first paint that shows
what was done, in all threads.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

import msgspec

from debugger.session import RequestSummary, Session
from debugger.session.watches import breakpoint_of, next_hit
from debugger.timeline import Timeline
from debugger.tui import make_app
from debugger.tui.location import Wanted, locate
from eventstore import NEW, Event, NewEvent, Position, Revision, Store, StreamId
from eventstore.sql import open_store
from runtime import facts
from runtime.context import registry
from runtime.effects import SystemIds, system_clock
from tests.benchmarks.bench_debugger import EVENTS, ROWS, big, newest, opened
from tests.benchmarks.big_store import LEAVES, LONG, append, small
from tests.benchmarks.measure import Row, compare
from tests.benchmarks.stock import StockApp, StockRequest, cells
from tests.benchmarks.terminal import Typist, shown
from tests.debugger.stores import Story, memory_store

STEPS = 20
SHORT = 1_000
KEYS = 20


def rows() -> list[Row]:
    with big() as path, opened(path) as session, _server(path) as server:
        requests = newest(session, ROWS)
        return [
            *_lists(session, server, requests),
            _steps(session),
            *_long_histories(),
        ]


@contextmanager
def _server(path: Path) -> Iterator[Store]:
    """Open the store as the program that writes it does."""
    with open_store(
        f"sqlite:///{path}", durability="volatile", registry=registry(), clock=system_clock,
        ids=SystemIds(),
    ) as store:  # fmt: skip
        yield store


# --- a list ---


def _lists(session: Session, server: Store, requests: Sequence[RequestSummary]) -> list[Row]:
    peer = f"DataTable, {ROWS:,} rows"
    at = f"at {EVENTS:,} events"
    return [
        compare(
            f"debugger, builds the list {at}",
            lambda: asyncio.run(_our_build(session)),
            lambda: asyncio.run(_their_build(requests)),
            peer=peer, unit="a second", bar=15.0, runs=3,
        ),
        compare(
            f"debugger, appends a row {at}",
            lambda: asyncio.run(_ours(session, lambda: _serve(server))),
            lambda: asyncio.run(_theirs(requests, _add_row)),
            peer=peer, unit="a second", bar=4.0, runs=3,
            note="the log is asked for what is new, and ours is the newest above all others",
        ),
        compare(
            f"debugger, changes a cell {at}",
            lambda: asyncio.run(_ours(session, _going_on(server))),
            lambda: asyncio.run(_theirs(requests, _change_cell)),
            peer=peer, unit="a second", bar=10.0, runs=3,
            note="a request goes on: the log is asked",
        ),
    ]  # fmt: skip


async def _our_build(session: Session) -> float:
    began_s = time.process_time()
    async with shown(make_app(session, read_only=True, tail_s=None), "req-") as typist:
        await typist.screen.first_of_awaited()
        return 1 / (time.process_time() - began_s)


async def _their_build(requests: Sequence[RequestSummary]) -> float:
    began_s = time.process_time()
    async with shown(StockApp(requests), "req-") as typist:
        await typist.screen.first_of_awaited()
        return 1 / (time.process_time() - began_s)


async def _ours(session: Session, change: Callable[[], None]) -> float:
    app = make_app(session, read_only=True, tail_s=None)
    async with shown(app) as typist:
        await typist.settled(lambda: app.pending)

        async def once() -> float:
            change()
            return await _work(typist, app.requests.tick, lambda: app.pending)

        return await _rate(once)


async def _theirs(requests: Sequence[RequestSummary], change: Callable[[StockApp], None]) -> float:
    app = StockApp(requests)
    async with shown(app) as typist:
        await typist.settled()

        async def once() -> float:
            return await _work(typist, lambda: change(app), lambda: False)

        return await _rate(once)


async def _work(typist: Typist, act: Callable[[], None], pending: Callable[[], bool]) -> float:
    """Do something to an app; give the processor's seconds until it is painted."""
    typist.screen.painted.clear()
    began_s = time.process_time()
    act()
    await asyncio.wait_for(typist.screen.painted.wait(), 10.0)
    worked_s = time.process_time() - began_s
    await typist.settled(pending)
    return worked_s


async def _rate(once: Callable[[], Awaitable[float]]) -> float:
    for _ in range(3):
        await once()
    return 1 / statistics.median([await once() for _ in range(STEPS)])


def _serve(server: Store) -> None:
    at_us = system_clock()
    append(server, SystemIds(), small(7, at_us), at_us).result()


def _going_on(server: Store) -> Callable[[], None]:
    """Begin a request; return what makes it go on by one fact, which its row shows."""
    at_us = system_clock()
    stream = StreamId(SystemIds().uuid7(at_us))
    events = small(7, at_us)[:-1]
    server.append(stream, events, kind="request", expected=NEW).result()
    revisions = iter(range(len(events), LONG))

    def go_on() -> None:
        fact = facts.ContextSet(1)
        event = NewEvent(fact.type, fact, "n", system_clock())
        server.append(stream, [event], kind="request", expected=next(revisions)).result()

    return go_on


def _add_row(app: StockApp) -> None:
    app.table.add_row(*cells(app.requests[0]))


def _change_cell(app: StockApp) -> None:
    app.table.update_cell_at(app.table.cursor_coordinate, next(_TEXTS))


_TEXTS = cycle(("running", "200 at last"))


# --- a step ---


def _steps(session: Session) -> Row:
    stream = session.requests("route:*wide*").requests[0].stream
    timeline = session.timeline(stream)
    return compare(
        f"debugger, a step among {LEAVES:,} leaves",
        lambda: asyncio.run(_our_steps(session, stream)),
        lambda: asyncio.run(_their_steps(timeline)),
        peer="the same panes of stock widgets",
        unit="steps/s",
        bar=4.0,
        runs=3,
    )


async def _our_steps(session: Session, stream: StreamId) -> float:
    app = make_app(session, read_only=True, tail_s=None, request=stream)
    async with shown(app) as typist:
        await typist.settled(lambda: app.request.location is None or app.pending)

        async def once() -> float:
            return await typist.work_of("S", lambda: app.pending)

        return await _rate(once)


async def _their_steps(timeline: Timeline) -> float:
    app = StockRequest(timeline, "\n".join(f"line {n}" for n in range(1, 40)))
    app.revision = timeline.last - STEPS - 9  # the state has all its leaves
    async with shown(app) as typist:
        await typist.settled()
        return await _rate(lambda: typist.work_of("s"))


# --- long histories ---


class History(msgspec.Struct, frozen=True):
    """A request that was read, and what keys need."""

    session: Session
    timeline: Timeline


def _long_histories() -> list[Row]:
    """Time what W, C and X do, and showing where they lead; the screen is the same for all."""
    return [
        compare(
            f"debugger, {name} in {LONG:,} facts",
            lambda find=find: _rate_of(_history(LONG), find),  # type: ignore[misc]
            lambda find=find: _rate_of(_history(SHORT), find),  # type: ignore[misc]
            peer=f"in {SHORT:,} facts",
            unit="keys/s",
            bar=1 / 1.5,
            runs=3,
            note="every 100th fact is one that is looked for",
        )
        for name, find in (("W", _last_write), ("C", _last_hit), ("X", _last_failure))
    ]


def _history(count: int) -> History:
    store = memory_store()
    story = Story().received("POST /bulk", "/bulk").handler("shop.bulk")
    failure = facts.ListenerFailed("event", facts.Failure("KeyError"))
    for n in range(count - len(story.events)):
        if n % 100 == 50:
            story.add(failure, "shop.listen")
        elif n % 100 == 0:
            story.set("rare", n)
        else:
            story.set(f"line-{n % 40}", {"net": n % 97, "gross": n}, f"bulk.py:{20 + n % 9}")
    stream = StreamId(SystemIds().uuid7(system_clock()))
    events = tuple(
        Event(Position(n), stream, Revision(n), e.type, e.data, e.key, e.at_us or 0, e.site)
        for n, e in enumerate(story.events, 1)
    )
    return History(Session(store), Timeline(stream, events))


Find = Callable[[History, int], int | None]


def _last_write(history: History, at: int) -> int | None:
    write = history.timeline.last_change("/rare", at - 1)
    return write.revision if write else None


def _last_hit(history: History, at: int) -> int | None:
    points = [breakpoint_of("changed(state.rare)")]
    return next_hit(history.session, history.timeline, points, at, forward=False).revision


def _last_failure(history: History, at: int) -> int | None:
    return history.timeline.previous(at, "failure")


def _rate_of(history: History, find: Find) -> float:
    """Press a key again and again from the end on, to nine hits, round and round."""
    timeline = history.timeline
    _show(history, timeline.last)
    took: list[float] = []
    at = timeline.last
    for n in range(KEYS):
        if n % 8 == 0:
            at = timeline.last
        began_s = time.process_time()
        found = find(history, at)
        assert found is not None, "there was one more"
        _show(history, found)
        took.append(time.process_time() - began_s)
        at = found
    return 1 / statistics.median(took)


def _show(history: History, at: int) -> None:
    locate(history.session, history.timeline, Wanted(at), (), None)
