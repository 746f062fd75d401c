"""Appends for long, and looks at what that takes: the write-ahead log, memory, the file."""

import os
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from eventstore import NewEvent, Ticket
from eventstore.sql import Durability, open_store
from eventstore.sql.inserts import FLUSH_ROWS
from eventstore.sql.wal import TRUNCATE_BYTES
from eventstore.sql.writer import FLUSH_BYTES
from eventstore.testing import FakeClock, FakeIds, registry, stream

SAMPLES = 100
STUCK, CUT = 10, 60
"""In percent of the run: when a reader begins, and when it ends."""
PAGE_BYTES = 4_096
ON_THEIR_WAY = 64
"""Commits that are not waited for."""

# What one flush writes: its text, twice for pages that are half full, and a page each of table,
# index and log row for each of its rows.
A_FLUSH = 2 * FLUSH_BYTES + 4 * FLUSH_ROWS * PAGE_BYTES
WAL_BYTES = TRUNCATE_BYTES + A_FLUSH


class Sample(msgspec.Struct, frozen=True):
    """What there is after so many events."""

    events: int
    wal: int
    """Size of the write-ahead log, in bytes."""
    memory: int
    """Of this process, in bytes."""


class Soaked(msgspec.Struct, frozen=True):
    """A whole run: 100 samples, and the file at its end."""

    samples: list[Sample]
    events: int
    size: int

    @property
    def while_stuck(self) -> list[Sample]:
        return self.samples[STUCK:CUT]

    @property
    def after_cut(self) -> list[Sample]:
        """From when the log was first cut back on."""
        left = self.samples[CUT:]
        lowest = next((at for at, each in enumerate(left) if each.wal <= WAL_BYTES), len(left))
        return left[lowest:]

    @property
    def memory_changed(self) -> float:
        """By what part of itself memory grew or fell after the first 20 %."""
        later = [sample.memory for sample in self.samples[SAMPLES // 5 :]]
        return max(abs(each / later[0] - 1) for each in later)

    @property
    def bytes_an_event(self) -> float:
        return self.size / self.events


def soak(
    path: Path, commits: int, events: list[NewEvent], durability: Durability = "process"
) -> Soaked:
    """Append *events* to *commits* new streams, with a reader that is stuck for a while."""
    with (
        open_store(
            f"sqlite:///{path}",
            durability=durability,
            registry=registry(),
            clock=FakeClock(),
            ids=FakeIds(),
        ) as store,
        closing(sqlite3.connect(path, isolation_level=None)) as reader,
    ):
        waiting: deque[Ticket] = deque()
        samples: list[Sample] = []
        for number in range(commits):
            waiting.append(store.append(stream(number + 1), events, kind="order", expected=0))
            if len(waiting) > ON_THEIR_WAY:
                waiting.popleft().result()
            if (number + 1) * SAMPLES // commits > len(samples):
                waiting.pop().result()
                move(reader, len(samples))
                samples.append(sample(path, (number + 1) * len(events)))
        assert store.verify_since_seal().fault is None
    return Soaked(samples, commits * len(events), path.stat().st_size)


def move(reader: sqlite3.Connection, percent: int) -> None:
    """Have the reader begin to read, and at its time let go."""
    if percent == STUCK:
        reader.execute("BEGIN")
        reader.execute("SELECT next_pos FROM log").fetchone()
    elif percent == CUT:
        reader.execute("ROLLBACK")


def sample(path: Path, events: int) -> Sample:
    return Sample(events, Path(f"{path}-wal").stat().st_size, memory())


def memory() -> int:
    """Return what of this process is in memory, in bytes."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def faults(soaked: Soaked) -> Iterator[str]:
    """Say what is not as it must be after a long run."""
    if len(soaked.after_cut) < SAMPLES - CUT - 5:
        yield "the write-ahead log was not cut back once the reader was gone"
    highest = max(each.wal for each in (*soaked.samples[:STUCK], *soaked.after_cut))
    if highest > WAL_BYTES:
        yield f"the write-ahead log had {highest:,} bytes with no reader in the way"
    if soaked.memory_changed > 0.1:
        yield f"memory changed by {soaked.memory_changed:.0%}"
    if soaked.bytes_an_event > 70:
        yield f"an event takes {soaked.bytes_an_event:.1f} bytes"
