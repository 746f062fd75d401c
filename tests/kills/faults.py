"""Faults in the middle of a write: a disk that fails, a death between two system calls (KM-3).

strace fails or kills the n-th call of the writer's thread while it appends `jobs.INSISTED`
commits, one flush each, to a store that is open already.
"""

import shutil
import signal
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import msgspec

from tests.kills import checks
from tests.kills.launcher import SURVIVED, Launcher, Order, Run
from tests.kills.matrix import remove
from tests.migrations.old_stores import filled_store

SWEEPS = {
    "killed in `pwrite64`": "pwrite64:signal=SIGKILL",
    "killed in `fdatasync`": "fdatasync:signal=SIGKILL",
    "EIO from `fdatasync`": "fdatasync:error=EIO",
    "ENOSPC from `pwrite64`": "pwrite64:error=ENOSPC",
}
"""What `make kill` does at the first call, the second, and so on to the last."""


class Met(msgspec.Struct, frozen=True):
    """A fault that was met, and what came of it."""

    fault: str
    run: Run
    left: checks.Left


class Faults:
    """Faults of the disk under copies of one store in *folder*."""

    def __init__(self, folder: Path, launcher: Launcher, seed: int = 3) -> None:
        self._folder = folder
        self._launcher = launcher
        self._seed = seed * 100_000
        self._template = filled_store(folder / "template.db")

    def meet(self, fault: str, *, opening: bool = False) -> Run:
        """Have commits appended under *fault*, as strace's `inject` takes it, and check the store.

        Args:
            fault: is counted for each thread, from when the store is open.
            opening: count from before it is opened.
        """
        return self._meet(fault, opening=opening).run

    def sweep(self, fault: str, every: int = 1) -> Iterator[Met]:
        """Do so at the first call, and each *every* calls on, until there is no such call."""
        for number in count(1, every):
            met = self._meet(f"{fault}:when={number}", opening=False)
            if met.run.ended == SURVIVED and not met.run.refused:
                return
            assert met.run.ended in (SURVIVED, -signal.SIGKILL)
            yield met

    def _meet(self, fault: str, *, opening: bool) -> Met:
        self._seed += 1
        path = self._folder / "faulty.db"
        shutil.copy(self._template, path)
        calls = fault.partition(":")[0]
        strace = ("-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={fault}")
        job = "open and insist" if opening else "insist"
        run = self._launcher.run(Order(str(path), job, self._seed, strace=strace))
        left = checks.check(path, self._seed, run.sent, run.acked)
        remove(path)
        return Met(fault, run, left)
