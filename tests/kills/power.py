"""Power cuts: a real process is recorded, then its disk is cut at many moments (KM-5, KM-6).

An image of its files is built for each, opened, and held to what its durability promises.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import TypeAlias

import msgspec

from eventstore.sql import Durability
from tests.eventstore.sql.files import add
from tests.kills import checks, recording
from tests.kills.disk import Disk
from tests.kills.launcher import SURVIVED, Launcher, Order, Told
from tests.kills.matrix import remove
from tests.kills.plan import commits_of
from tests.kills.recording import Happened

LEVELS: Sequence[Durability] = ("fsync", "bounded", "process")
SEEDS = 3
BOUNDED_S = 0.05
EACH = 8
"""One image in so many is opened as a program would, too."""

Row: TypeAlias = tuple[object, ...]


class Recording(msgspec.Struct, frozen=True):
    """All that a process did, and the log that it left."""

    folder: str
    durability: Durability
    seed: int
    happened: list[Happened]
    rows: list[Row]
    """Of its log, oldest first: position first, then the number of events."""
    ends: dict[int, int]
    """Where each planned commit ends: a position."""


class Cut(msgspec.Struct, frozen=True):
    """A power cut, and what was lost by it."""

    at: int
    """After so many things had happened."""
    durability: Durability
    acked: int
    lost: int
    """Of those acknowledged."""


def record(launcher: Launcher, folder: Path, durability: Durability, seed: int) -> Recording:
    """Record the life of a store in *folder*, which is empty."""
    path, trace = folder / "store.db", folder.with_suffix(".strace")
    order = Order(str(path), "live", seed, durability, strace=recording.strace(trace))
    run = launcher.run(order)
    assert run.ended == SURVIVED
    with trace.open() as lines:
        happened = list(recording.read(lines, folder))
    trace.unlink()
    # All of it is in the file, and nothing beside it may be changed.
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as raw:
        rows = rows_of(raw)
        numbers = {commit.commit_id: commit.number for commit in commits_of(seed)}
        ends = {numbers[id_]: end for id_, end in raw.execute(_ENDS) if id_ in numbers}
    assert {told.acked for told in run.lines if told.acked is not None} == set(ends)
    return Recording(str(folder), durability, seed, happened, rows, ends)


_ENDS = "SELECT commit_id, max(pos + n - 1) FROM commits GROUP BY commit_id"


def rows_of(raw: sqlite3.Connection) -> list[Row]:
    return raw.execute("SELECT pos, n, * FROM commits ORDER BY pos").fetchall()


def cuts(recording: Recording, count: int, folder: Path) -> Iterator[Cut]:
    """Cut the power *count* times, at moments spread over the recording, and check each.

    Raises:
        AssertionError: with what was found, and how to find it again.
    """
    moments = len(recording.happened)
    wanted = Counter(number * moments // count for number in range(count))
    disk, told = Disk(recording.folder), Answers(recording.ends)
    number = 0
    for at, happened in enumerate(recording.happened):
        if isinstance(happened, Told):
            told.hear(happened)
        else:
            disk.happen(happened)
        for _ in range(wanted[at]):
            number += 1
            seed = recording.seed * 1_000_000 + number
            image = disk.image(Random(seed))  # noqa: S311 - no secret
            try:
                yield cut(recording, at, image, told, folder, whole=number % EACH == 0)
            except Exception as error:
                error.add_note(f"{recording.durability}: cut after {at} of {moments}, image {seed}")
                raise


class Answers:
    """What was acknowledged so far, and what of it must have reached the disk."""

    def __init__(self, ends: dict[int, int]) -> None:
        self._ends = ends
        self._acked: dict[int, float] = {}
        self._sent: dict[int, float] = {}
        self._settled_to = 0

    def hear(self, told: Told) -> None:
        if told.sent is not None:
            self._sent[told.sent] = told.at_s
        if told.acked is not None:
            self._acked[told.acked] = told.at_s
            # Whatever was acknowledged 50 ms before this one was sent is on the disk (WR-4).
            before_s = self._sent[told.acked] - BOUNDED_S
            self._settled_to = max(
                [self._settled_to, *(self._ends[n] for n, s in self._acked.items() if s < before_s)]
            )

    @property
    def acked(self) -> list[int]:
        return [self._ends[number] for number in self._acked]

    def promised(self, durability: Durability) -> int:
        """Give the position up to which nothing may be missing."""
        if durability == "fsync":
            return max(self.acked, default=0)
        return self._settled_to if durability == "bounded" else 0


def cut(
    recording: Recording,
    at: int,
    image: dict[str, bytes],
    told: Answers,
    folder: Path,
    *,
    whole: bool,
) -> Cut:
    """Hold one image to what is promised."""
    path = folder / "store.db"
    for name, content in image.items():
        (folder / Path(name).name).write_bytes(content)
    end = checked(path, recording.rows) if path.exists() else 0
    promised = told.promised(recording.durability)
    assert end >= promised, f"the log ends at {end}, {promised} was promised"
    if whole:
        goes_on(path, end)
    remove(path)
    lost = sum(position > end for position in told.acked)
    return Cut(at, recording.durability, len(told.acked), lost)


def checked(path: Path, rows: list[Row]) -> int:
    """Hold the file to have the first rows of the log, byte for byte, and nothing else."""
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        found = rows_of(raw)
        assert found == rows[: len(found)], "other rows than there were"
        next_pos, head = raw.execute("SELECT next_pos, head FROM log").fetchone()
        names = raw.execute("SELECT count(*) FROM names WHERE id NOT NULL").fetchone()
        end = int(str(found[-1][0])) + int(str(found[-1][1])) - 1 if found else 0
        assert next_pos == end + 1
        assert not found or head == found[-1][-1]
        assert not found or names[0] > 0
        return end


def goes_on(path: Path, end: int) -> None:
    """Open the store as a program does after the power is back: it verifies, and goes on."""
    with checks.opened(path, 900) as store:
        assert store.verify().fault is None
        assert store.end() > end, "it was held anew"
        add(store, 77, 3)
        assert store.verify().fault is None


def table(cuts: Sequence[Cut]) -> str:
    """Tell what was lost, a row a level."""
    lines = [
        "| durability | images | commits acknowledged before the cut | of these lost | images"
        " that lost any |",
        "|---|---|---|---|---|",
    ]
    for level in LEVELS:
        of = [cut for cut in cuts if cut.durability == level]
        acked, lost = sum(cut.acked for cut in of), sum(cut.lost for cut in of)
        any_lost = sum(cut.lost > 0 for cut in of)
        lines.append(f"| `{level}` | {len(of):,} | {acked:,} | {lost:,} | {any_lost:,} |")
    return "\n".join(lines) + "\n"
