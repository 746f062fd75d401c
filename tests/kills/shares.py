"""What each of several processes does of `make kill`."""

import logging
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec

from eventstore.sql.points import POINTS
from tests.kills import power
from tests.kills.faults import SWEEPS, Faults, Met
from tests.kills.launcher import Launcher
from tests.kills.matrix import Kill, Matrix
from tests.kills.power import Cut

MEMORY = "/dev/shm"  # noqa: S108 - others may look on
LIVES = 3
"""Recorded lives of a store that are cut, a level."""

T = TypeVar("T")


class Share(msgspec.Struct, frozen=True):
    """What one of several processes does of everything."""

    number: int
    """From 0."""
    of: int

    def part(self, count: int) -> int:
        """Return how many of *count* are its own."""
        return count // self.of + (self.number < count % self.of)

    def say(self, text: str) -> None:
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {self.number + 1}/{self.of} {text}\n")


Job: TypeAlias = Callable[[Path, Launcher, Share], T]


def killed(
    folder: Path, launcher: Launcher, share: Share, *, a_point: int, at_random: int
) -> list[Kill]:
    kills = Matrix(folder, launcher, seed=2 + share.number)
    done: list[Kill] = []
    for point in POINTS:
        done += kills.at_point(point, share.part(a_point))
        share.say(f"{point}: {share.part(a_point)} kills")
    done += kills.at_random(share.part(at_random))
    return done


def failing(folder: Path, launcher: Launcher, share: Share, *, every: int) -> list[tuple[str, Met]]:
    met: list[tuple[str, Met]] = []
    faulty = Faults(folder, launcher, seed=3 + share.number)
    for name, fault in SWEEPS.items():
        found = faulty.sweep(fault, 1 + every * share.number, every * share.of)
        met += [(name, each) for each in found]
        share.say(name)
    return met


def cut(folder: Path, launcher: Launcher, share: Share, *, images: int) -> list[Cut]:
    done: list[Cut] = []
    lives = [(level, life) for life in range(LIVES) for level in power.LEVELS]
    for level, life in lives[share.number :: share.of]:
        lived, work = folder / f"{level}-{life}", folder / "cut"
        lived.mkdir()
        work.mkdir(exist_ok=True)
        recording = power.record(launcher, lived, level, seed=50 + life)
        done += power.cuts(recording, -(-images // LIVES), work)
        share.say(f"{level}: {-(-images // LIVES)} images")
    return done


def do(job: Job[list[T]], folder: Path, share: Share) -> list[T]:
    """Do *job* with a launcher of its own, in a folder of its own in *folder*."""
    # Each store is opened some thousand times: warn of its SQLite once, not each time.
    logging.getLogger("eventstore").setLevel(logging.CRITICAL)
    own = folder / str(share.number)
    own.mkdir()
    with Launcher() as launcher:
        return job(own, launcher, share)


def together(job: Job[list[T]]) -> list[T]:
    """Do all shares of *job*; the first that finds something ends them all."""
    count = os.cpu_count() or 1
    shares = [Share(number, count) for number in range(count)]
    with (
        tempfile.TemporaryDirectory(dir=in_memory()) as folder,
        multiprocessing.get_context("spawn").Pool(count) as pool,
    ):
        work = partial(do, job, Path(folder))
        return list(chain.from_iterable(pool.imap_unordered(work, shares)))


def in_memory() -> str | None:
    """Return a folder in memory, if there is one.

    What the system was given outlives a process there as well, and power is cut by what was
    recorded: no disk has a part in it, only its time.
    """
    return MEMORY if os.access(MEMORY, os.W_OK) else None
