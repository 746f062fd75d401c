"""What the chain of hashes costs an append, and what a busy thread does to it.

The chain: the hashes of all rows made once more, against the append that made the rows. The
convoy: a thread of Python that never waits takes the interpreter's lock from the log's own;
few large statements keep the writer going beside it (WR-2).
"""

import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID

from eventstore import StreamId, Ticket, named_stream
from eventstore.chain import StoredRow, chain_of, digest_of, genesis
from eventstore.sql.files import WriteLock
from runtime.app.serving import TURN_S
from tests.benchmarks.bench_store import BATCH, CALLS, our_event, ours
from tests.benchmarks.measure import RUNS, Row, row, tell, within

MOST_PERCENT = 10.0
"""Of the time of an append that its hashes may take."""
BESIDE_BUSY = 0.5
"""Of its rate alone that the writer keeps; with many small statements it keeps 0.005."""
_COLUMNS = ", ".join(StoredRow.__struct_fields__)


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(dir=os.environ.get("TIMESCAPE_BENCH_DIR")) as folder:
        return [_chain(Path(folder)), *_convoys(Path(folder))]


def _chain(folder: Path) -> Row:
    percent = []
    for number in range(RUNS + 1):
        tell(f"the chain in an append: round {number} of {RUNS}")
        name = f"chain{number}"
        appended_s = _append_s(folder, name)
        percent.append(100 * _hashed_s(_stored(folder / f"{name}.db")) / appended_s)
    note = f"{CALLS} appends of {BATCH} events, at fsync; the hashes are made once more, alone"
    return within(
        "the chain of hashes in an append", percent[1:], unit="%", limit=MOST_PERCENT, note=note
    )


def _convoys(folder: Path) -> Iterator[Row]:
    """Measure with the turns that `serve` gives threads, and with Python's own."""
    own = sys.getswitchinterval()
    for turn_s, bar in ((TURN_S, BESIDE_BUSY), (own, None)):
        sys.setswitchinterval(turn_s)
        yield _convoy(folder, turn_s, bar)
    sys.setswitchinterval(own)


def _convoy(folder: Path, turn_s: float, bar: float | None) -> Row:
    pairs = []
    for number in range(RUNS + 1):
        tell(f"the writer beside a busy thread: round {number} of {RUNS}")
        name = f"{turn_s * 1e6:.0f}-{number}"
        beside = CALLS * BATCH / _written_s(folder, f"beside{name}", _busy())
        pairs.append((beside, CALLS * BATCH / _written_s(folder, f"alone{name}", nullcontext())))
    whose = "as in `serve`" if bar else "Python's own"
    return row(
        f"the writer beside a thread that never waits, turns of {turn_s * 1_000:g} ms",
        pairs[1:],
        peer="the writer alone",
        unit="events/s",
        bar=bar,
        note=f"turns {whose}; drafts made before",
    )


def _written_s(folder: Path, name: str, beside: AbstractContextManager[None]) -> float:
    """Give the seconds that the writer takes for what was queued before it could begin."""
    events = [our_event(number) for number in range(BATCH)]
    streams = [named_stream("bench", f"{name}{number}") for number in range(CALLS)]
    with ours(folder, name) as store, closing(WriteLock(folder / f"{name}.db")) as lock:
        with lock:
            tickets: list[Ticket] = [
                store.append(stream, events, kind="request", expected=0) for stream in streams
            ]
            beside.__enter__()
            began = time.perf_counter()
        for ticket in tickets:
            ticket.result()
        spent = time.perf_counter() - began
        beside.__exit__(None, None, None)
        return spent


def _append_s(folder: Path, name: str) -> float:
    """Append all, and wait until the log has it; give the seconds."""
    events = [our_event(number) for number in range(BATCH)]
    streams = [named_stream("bench", f"{name}{number}") for number in range(CALLS)]
    with ours(folder, name) as store:
        began = time.perf_counter()
        tickets: list[Ticket] = [
            store.append(stream, events, kind="request", expected=0) for stream in streams
        ]
        for ticket in tickets:
            ticket.result()
        return time.perf_counter() - began


def _stored(path: Path) -> list[StoredRow]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(f"SELECT {_COLUMNS} FROM commits ORDER BY pos").fetchall()  # noqa: S608 - columns of ours
    return [_row(list(each)) for each in found]


def _row(values: list[Any]) -> StoredRow:
    values[2] = StreamId(UUID(values[2]))
    return StoredRow(*values)


def _hashed_s(stored: list[StoredRow]) -> float:
    uid = UUID(int=7)
    previous = genesis(uid)
    began = time.perf_counter()
    for each in stored:
        digest_of(each.salt or b"", each.data.encode())
        previous = chain_of(each, previous, uid)
    return time.perf_counter() - began


@contextmanager
def _busy() -> Iterator[None]:
    """Compute in another thread, without a pause."""
    done = threading.Event()

    def compute() -> None:
        number = 0
        while not done.is_set():
            number = (number * 31 + 7) % 1_000_003

    thread = threading.Thread(target=compute, name="busy")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
