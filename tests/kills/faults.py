"""Faults in the middle of a write: a disk that fails, a death between two system calls (KM-3).

strace fails or kills the n-th call of the writer's thread while it appends `jobs.INSISTED`
commits, one flush each, to a store that is open already.
"""

import shutil
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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

    def meet_idle(self, fault: str) -> tuple[Run, int]:
        """Leave a `bounded` store idle under *fault*; give how often its log was held meanwhile."""
        path = self._folder / "faulty.db"
        shutil.copy(self._template, path)
        before = checks.raw_check(path)
        order = Order(str(path), "doze", self._seed, "bounded", strace=_strace(fault))
        run = self._launcher.run(order)
        held = checks.raw_check(path) - before
        checks.check(path, self._seed, set(), set())
        remove(path)
        return run, held

    def sweep(self, fault: str, first: int = 1, every: int = 1) -> Iterator[Met]:
        """Do so at the *first* call, and each *every* calls on, until there is no such call."""
        for number in count(first, every):
            met = self._meet(f"{fault}:when={number}", opening=False)
            if met.run.ended == SURVIVED and not met.run.refused:
                return
            assert met.run.ended in (SURVIVED, -signal.SIGKILL)
            yield met

    def _meet(self, fault: str, *, opening: bool) -> Met:
        self._seed += 1
        path = self._folder / "faulty.db"
        shutil.copy(self._template, path)
        job = "open and insist" if opening else "insist"
        run = self._launcher.run(Order(str(path), job, self._seed, strace=_strace(fault)))
        left = checks.check(path, self._seed, run.sent, run.acked)
        remove(path)
        return Met(fault, run, left)


def _strace(fault: str) -> tuple[str, ...]:
    calls = fault.partition(":")[0]
    return ("-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={fault}")


def table(met: Mapping[str, Sequence[Met]]) -> str:
    """Tell what was done and what came of it, a row a fault."""
    lines = [
        "| fault | times | commits acknowledged, all there | others, whole | others, absent |"
        " refusals |",
        "|---|---|---|---|---|---|",
    ]
    for name, of in met.items():
        acked, whole, absent = (
            sum(getattr(each.left, field) for each in of)
            for field in ("acked", "unacked_whole", "unacked_absent")
        )
        refused = sum((each.run.refused for each in of), Counter[str]())
        codes = ", ".join(f"{count:,} `{code}`" for code, count in sorted(refused.items()))
        lines.append(f"| {name} | {len(of)} | {acked:,} | {whole:,} | {absent:,} | {codes} |")
    return "\n".join(lines) + "\n"
