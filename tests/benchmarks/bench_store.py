"""The log against `eventsourcing`: append, append by many, replay.

Files in one folder, every commit synced, one process.
"""

import asyncio
import os
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import StoredEvent
from eventsourcing.sqlite import SQLiteApplicationRecorder, SQLiteDatastore

from eventstore import ANY, NewEvent, Store, StreamId, Ticket, named_stream
from eventstore.sql import open_store
from runtime.context import REQUEST_REDUCER, registry
from runtime.effects import SystemIds, system_clock
from runtime.facts import ContextSet
from tests.benchmarks.measure import Row, compare, rate

CALLS = 500
BATCH = 100
IN_FLIGHT = 64
PRODUCERS = 64
EACH = 40
LONG = 10_000
SPACE = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TIMESCAPE_BENCH_DIR")) as folder:
        return [
            _append_batches(Path(folder)),
            _append_singly(Path(folder)),
            _replay(Path(folder)),
        ]


@contextmanager
def ours(folder: Path, name: str) -> Iterator[Store]:
    url = f"sqlite:///{folder}/{name}.db"
    with open_store(
        url, durability="fsync", registry=registry(), clock=system_clock, ids=SystemIds()
    ) as store:
        yield store


@contextmanager
def theirs(folder: Path, name: str) -> Iterator[SQLiteApplicationRecorder]:
    datastore = SQLiteDatastore(f"{folder}/{name}.db")
    recorder = SQLiteApplicationRecorder(datastore)
    recorder.create_table()
    yield recorder
    datastore.close()


def our_event(number: int) -> NewEvent:
    fact = ContextSet(value={"net": number, "gross": number * 2})
    return NewEvent("context.set", fact, key=f"line {number % 50}", at_us=number)


def their_event(stream: UUID, number: int) -> StoredEvent:
    state = b'{"key":"line %d","value":{"net":%d,"gross":%d}}' % (number % 50, number, number * 2)
    return StoredEvent(stream, number, "context.set", state)


def _append_batches(folder: Path) -> Row:
    """100 events a call, from one thread, all durable at the end.

    An append of ours gives a ticket, so the next can be made before it is durable: 64 are
    on their way at most. The peer's call returns when it is durable.
    """
    turn = iter(range(1_000_000))

    def our_rate() -> float:
        streams = [named_stream("bench", f"a{next(turn)}") for _ in range(CALLS)]
        events = [our_event(number) for number in range(BATCH)]
        with ours(folder, "batches") as store:

            def produce() -> None:
                tickets: deque[Ticket] = deque()
                for s in streams:
                    tickets.append(store.append(s, events, kind="request", expected=0))
                    if len(tickets) >= IN_FLIGHT:
                        tickets.popleft().result()
                for ticket in tickets:
                    ticket.result()

            return rate(CALLS * BATCH, produce)

    def their_rate() -> float:
        streams = [uuid5(SPACE, f"a{next(turn)}") for _ in range(CALLS)]
        batches = [[their_event(s, number) for number in range(BATCH)] for s in streams]
        with theirs(folder, "their-batches") as recorder:
            return rate(CALLS * BATCH, lambda: [recorder.insert_events(batch) for batch in batches])

    return compare(
        "append, 100 events a call",
        our_rate,
        their_rate,
        peer="eventsourcing SQLite recorder",
        unit="events/s",
        bar=5,
        note="ours encodes each event and has 64 calls on their way; the peer is handed bytes",
    )


def _append_singly(folder: Path) -> Row:
    """One event a call from 64 tasks, each durable before the task's next.

    The peer's calls block, and from 64 threads it is slower than from one, so it has one.
    """
    turn = iter(range(1_000_000))

    def our_rate() -> float:
        streams = [named_stream("bench", f"s{next(turn)}") for _ in range(PRODUCERS)]
        with ours(folder, "singly") as store:

            async def produce(stream: StreamId) -> None:
                for number in range(EACH):
                    event = our_event(number)
                    await store.append(stream, [event], kind="request", expected=ANY).durable()

            async def produce_all() -> None:
                async with asyncio.TaskGroup() as group:
                    for stream in streams:
                        group.create_task(produce(stream))

            return rate(PRODUCERS * EACH, lambda: asyncio.run(produce_all()))

    def their_rate() -> float:
        streams = [uuid5(SPACE, f"s{next(turn)}") for _ in range(PRODUCERS)]
        with theirs(folder, "their-singly") as recorder:

            def produce() -> None:
                for number in range(EACH):
                    for stream in streams:
                        recorder.insert_events([their_event(stream, number)])

            return rate(PRODUCERS * EACH, produce)

    return compare(
        "append, one event a call, 64 producers",
        our_rate,
        their_rate,
        peer="eventsourcing SQLite recorder",
        unit="events/s",
        bar=8,
    )


def _replay(folder: Path) -> Row:
    """A stream of 10 000 events to the state it stands for, from the file."""
    stream = named_stream("bench", "long")
    with ours(folder, "replay") as store:
        for first in range(0, LONG, 250):
            batch = [our_event(number) for number in range(first, first + 250)]
            store.append(stream, batch, kind="request", expected=ANY).result()
        app = Steps(
            env={
                "PERSISTENCE_MODULE": "eventsourcing.sqlite",
                "SQLITE_DBNAME": f"{folder}/their-replay.db",
            }
        )
        thread = Thread()
        for number in range(LONG - 1):
            thread.step(f"line {number % 50}", {"net": number, "gross": number * 2})
        app.save(thread)

        row = compare(
            "replay of 10,000 events to their state",
            lambda: rate(LONG, lambda: store.fold(REQUEST_REDUCER, stream)),
            lambda: rate(LONG, lambda: app.repository.get(thread.id)),
            peer="eventsourcing repository get",
            unit="events/s",
            bar=20,
        )
        app.close()
        return row


class Thread(Aggregate):
    """What a peer's user would write for keys that are set."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, int]] = {}

    @event("Stepped")
    def step(self, key: str, value: dict[str, int]) -> None:
        self.values[key] = value


class Steps(Application[UUID]):
    """The peer's application."""
