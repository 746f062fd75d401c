"""Kills at every point and at random times, and what came of them."""

import random
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from eventstore.sql import Durability
from eventstore.sql.points import POINTS
from eventstore.testing import several, stream
from tests.kills import checks
from tests.kills.jobs import EXPORT, JOBS
from tests.kills.launcher import SURVIVED, Launcher, Order
from tests.kills.plan import ROUNDS
from tests.migrations.old_stores import filled_store, old_store

LEVELS: Sequence[Durability] = ("fsync", "bounded", "process", "volatile")
MOST = {
    "flush": ROUNDS, "guest": ROUNDS, "segment": 2, "unload": 2, "prune": 2,
    "rewrap": 2,
}  # fmt: skip
"""How often a point is passed at least, by what comes before its dot; others once."""
PASSED_BY = {"segment": "archive", "unload": "archive"}
"""The job that passes a point, by what comes before its dot; others have their job's name."""


class Kill(msgspec.Struct, frozen=True):
    """A process that was killed, and its store held to KM-4 after."""

    point: str
    durability: Durability
    acked: int
    unacked_whole: int
    unacked_absent: int


class Matrix:
    """Kills on copies of two stores in *folder*: one of today, one to upgrade."""

    def __init__(self, folder: Path, launcher: Launcher, seed: int = 1) -> None:
        self._folder = folder
        self._launcher = launcher
        self._seed = seed * 10_000
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._today = filled_store(folder / "template.db")
        (folder / "old").mkdir()
        with checks.opened(self._today, 4_000_000) as store:
            store.export(str(folder / EXPORT))
        self._old = old_store(folder / "old" / "template.db")

    def at_point(self, point: str, times: int) -> Iterator[Kill]:
        """Kill *times* processes at *point*."""
        for number in range(times):
            yield self._one(point, LEVELS[number % len(LEVELS)])

    def at_random(self, times: int, within_s: float = 0.25) -> Iterator[Kill]:
        """Kill *times* processes at any time from their start on."""
        for number in range(times):
            jobs = ("write", "write", "write", "guest", "upgrade", "create", "archive", "prune")
            job = jobs[number % len(jobs)]
            durability = LEVELS[number % len(LEVELS)]
            after_s = self._chance.uniform(0.001, within_s)
            yield self._kill("at random", job, durability, after_s=after_s)

    def _one(self, point: str, durability: Durability) -> Kill:
        what = point.partition(".")[0]
        job = PASSED_BY.get(what, what if what in JOBS else "write")
        if what == "sync":
            durability = "bounded"
        count = self._chance.randint(1, MOST.get(what, 1))
        return self._kill(point, job, durability, point=point, count=count)

    def _kill(
        self,
        name: str,
        job: str,
        durability: Durability,
        *,
        point: str | None = None,
        count: int = 1,
        after_s: float | None = None,
    ) -> Kill:
        self._seed += 1
        path = self._folder / "killed.db"
        remove(path)  # what a failure before left
        if job not in ("create", "import"):
            shutil.copy(self._old if job == "upgrade" else self._today, path)
        order = Order(
            str(path), job, self._seed, durability, point=point, count=count, after_s=after_s
        )
        with self._holder(path, job):
            run = self._launcher.run(order)
        met = (-signal.SIGKILL,) if point is not None else (-signal.SIGKILL, SURVIVED)
        assert run.ended in met, f"{order} ended with {run.ended}"
        left = self._left(path, job, run.sent, run.acked)
        remove(path)
        return Kill(name, durability, left.acked, left.unacked_whole, left.unacked_absent)

    @contextmanager
    def _holder(self, path: Path, job: str) -> Iterator[None]:
        """Hold the log beside a guest, and append before and after its death."""
        if job != "guest":
            yield
            return
        with checks.opened(path, self._seed + 5_000_000) as store:
            for number in range(2):
                store.append(stream(9), several(1), kind="order", expected=number).result()
                if number == 0:
                    yield

    def _left(self, path: Path, job: str, sent: set[int], acked: set[int]) -> checks.Left:
        if job == "upgrade":
            checks.check_upgraded(path)
        if job == "import":
            checks.check_imported(path, self._folder / EXPORT)
        if job in ("archive", "prune"):
            checks.check_moved(path, self._seed, dropped=job == "prune")
        if job == "redact":
            checks.check_redacted(path, self._seed)
        if job == "erase":
            checks.check_erased(path, self._seed)
        if job == "rewrap":
            checks.check_rewrapped(path, self._seed)
        if job == "create" and not path.exists():  # killed before it had its name
            checks.opened(path, self._seed).close()
        return checks.check(path, self._seed, sent, acked)


def remove(path: Path) -> None:
    """Delete a store with all that lies beside it."""
    for each in path.parent.glob(f"{path.name}*"):
        shutil.rmtree(each) if each.is_dir() else each.unlink()


def table(kills: Sequence[Kill]) -> str:
    """Tell what was done and what survived, a row a point."""
    lines = [
        "| killed at | times | commits acknowledged, all there | others, whole | others, absent |",
        "|---|---|---|---|---|",
    ]
    for point in (*POINTS, "at random"):
        of = [kill for kill in kills if kill.point == point]
        if of:
            acked, whole, absent = (
                sum(getattr(kill, name) for kill in of)
                for name in ("acked", "unacked_whole", "unacked_absent")
            )
            name = f"`{point}`" if "." in point else point
            lines.append(f"| {name} | {len(of)} | {acked:,} | {whole:,} | {absent:,} |")
    return "\n".join(lines) + "\n"
