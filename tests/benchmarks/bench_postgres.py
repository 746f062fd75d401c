"""Four processes that append to one PostgreSQL log, against four that lock a table.

Each commit holds 100 events and is synced. What the peer is, is what most would write: a table
with a serial number for an order, which one transaction at a time may fill, so that the order
has no gap. It is handed bytes, and sends them as arrays.
"""

import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg

from eventstore import Store, Ticket
from eventstore.identifiers import StreamId, named_stream
from eventstore.sql import Mode, open_store
from runtime.context import registry
from runtime.effects import SystemIds, system_clock
from tests.benchmarks.bench_store import our_event
from tests.benchmarks.measure import Missing, Row, compare
from tests.postgres import Server, programs, running

PROCESSES = 4
CALLS = 200
BATCH = 100
IN_FLIGHT = 64
WHAT = "PostgreSQL: 4 processes append, 100 events a call"
SYNCED = {"fsync": "on", "full_page_writes": "on"}
_TABLE = """
CREATE TABLE public.events (
  position bigint PRIMARY KEY, stream uuid NOT NULL, revision bigint NOT NULL,
  type text NOT NULL, data bytea NOT NULL, UNIQUE (stream, revision)
)
"""
_NEXT = "SELECT coalesce(max(position), 0) FROM public.events"
_INSERT = (
    "INSERT INTO public.events SELECT * FROM"
    " unnest(%b::bigint[], %b::uuid[], %b::bigint[], %b::text[], %b::bytea[])"
)
_ROOT = Path(__file__).parents[2]


def rows() -> list[Row | Missing]:
    if programs() is None:
        return [Missing(WHAT, "no PostgreSQL server programs")]
    with running(**SYNCED) as server:
        turn = iter(range(1_000_000))
        return [
            compare(
                WHAT,
                lambda: _rate(server, "ours", next(turn)),
                lambda: _rate(server, "theirs", next(turn)),
                peer="a writer that locks a table",
                unit="events/s",
                bar=2,
                note="all are guests of one log, and keep 64 calls on their way; the peer one, as"
                " its call returns when it is durable",
            )
        ]


def _rate(server: Server, who: str, turn: int) -> float:
    """Let all processes begin at once; give what they reached together, if nothing is missing."""
    url = server.upgraded()
    server.sql(_TABLE, url)
    _opened(url, "hold").close()
    with ExitStack() as stack:
        words = [sys.executable, "-m", "tests.benchmarks.bench_postgres", who, url, str(turn)]
        started = [
            stack.enter_context(
                subprocess.Popen([*words, str(number)], stdin=-1, stdout=-1, text=True, cwd=_ROOT)
            )
            for number in range(PROCESSES)
        ]
        for process in started:
            _hear(process)
        began = time.perf_counter()
        for process in started:
            assert process.stdin is not None
            print(file=process.stdin, flush=True)
        for process in started:
            _hear(process)
        took_s = time.perf_counter() - began
    table = "timescape.events WHERE kind = 'request'" if who == "ours" else "public.events"
    query = f"SELECT count(*), max(position) - min(position) + 1 FROM {table}"  # noqa: S608
    ((count, width),) = server.sql(query, url)
    assert count == width == PROCESSES * CALLS * BATCH, "events are missing, or positions"
    return PROCESSES * CALLS * BATCH / took_s


def _hear(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline()


def _opened(url: str, mode: Mode) -> Store:
    return open_store(url, mode=mode, registry=registry(), clock=system_clock, ids=SystemIds())


# --- in each process ---


def _main(who: str, url: str, turn: str, number: str) -> None:
    streams = [named_stream("bench", f"{turn} {number} {call}") for call in range(CALLS)]
    work = _append(url, streams) if who == "ours" else _insert(url, streams)
    next(work)
    _say("ready")
    sys.stdin.readline()
    next(work)
    _say("done")
    next(work, None)


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def _append(url: str, streams: Sequence[StreamId]) -> Iterator[None]:
    with _opened(url, "guest") as store:
        events = [our_event(number) for number in range(BATCH)]
        yield
        tickets: deque[Ticket] = deque()
        for stream in streams:
            tickets.append(store.append(stream, events, kind="request", expected=0))
            if len(tickets) >= IN_FLIGHT:
                tickets.popleft().result()
        for ticket in tickets:
            ticket.result()
        yield


def _insert(url: str, streams: Sequence[StreamId]) -> Iterator[None]:
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection:
        state = b'{"key":"line 7","value":{"net":7,"gross":14}}'
        revisions, types, states = list(range(BATCH)), ["context.set"] * BATCH, [state] * BATCH
        yield
        for stream in streams:
            with connection.transaction():
                connection.execute("LOCK TABLE public.events IN EXCLUSIVE MODE")
                row = connection.execute(_NEXT).fetchone()
                first = int(row[0]) + 1 if row else 1
                positions = list(range(first, first + BATCH))
                values = (positions, [stream] * BATCH, revisions, types, states)
                connection.execute(_INSERT, values)
        yield


if __name__ == "__main__":
    _main(*sys.argv[1:])
