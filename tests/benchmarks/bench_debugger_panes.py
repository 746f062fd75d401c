"""What the debugger's own panes cost against Textual's stock widgets (PF-2, PF-3).

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

from debugger.session import RequestSummary, Session
from debugger.timeline import Timeline
from debugger.tui import make_app
from eventstore import NEW, NewEvent, Store, StreamId
from eventstore.sql import open_store
from runtime import facts
from runtime.context import registry
from runtime.effects import SystemIds, system_clock
from tests.benchmarks.bench_debugger import EVENTS, ROWS, big, newest, opened
from tests.benchmarks.big_store import LEAVES, LONG, append, small
from tests.benchmarks.measure import Row, compare
from tests.benchmarks.stock import StockApp, StockRequest, cells
from tests.benchmarks.terminal import Typist, shown

STEPS = 10


def rows() -> list[Row]:
    with big() as path, opened(path) as session, _server(path) as server:
        requests = newest(session, ROWS)
        return [
            *_lists(session, server, requests),
            _steps(session),
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
            peer=peer, unit="a second", bar=15.0, runs=2,
        ),
        compare(
            f"debugger, appends a row {at}",
            lambda: asyncio.run(_ours(session, lambda: _serve(server))),
            lambda: asyncio.run(_theirs(requests, _add_row)),
            peer=peer, unit="a second", bar=4.0, runs=2,
            note="the log is asked for what is new, and ours is the newest above all others",
        ),
        compare(
            f"debugger, changes a cell {at}",
            lambda: asyncio.run(_ours(session, _going_on(server))),
            lambda: asyncio.run(_theirs(requests, _change_cell)),
            peer=peer, unit="a second", bar=10.0, runs=2,
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
        runs=2,
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
