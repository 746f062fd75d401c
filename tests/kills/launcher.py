"""Gives orders to the process that forks those to be killed, and hears what they tell."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import msgspec

from eventstore.sql import Durability

ROOT = Path(__file__).parents[2]
SURVIVED, NOT_OPENED = 0, 3


class Order(msgspec.Struct, frozen=True):
    """What a child is to do, and where or when it is killed."""

    path: str
    job: str
    """One of `tests.kills.jobs.JOBS`."""
    seed: int
    durability: Durability = "fsync"
    point: str | None = None
    count: int = 1
    """At the how-manieth passing of the point."""
    after_s: float | None = None
    """Instead of a point: a time after its start."""
    strace: tuple[str, ...] = ()
    """Arguments of the strace that it goes on under once its job says that it is ready."""


class Told(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of stdout."""

    sent: int | None = None
    """Number of a commit that is being appended."""
    acked: int | None = None
    done: str | None = None
    """Something else that was waited for."""
    at_s: float = 0.0
    """When, of what is sent or acknowledged; by a clock that only rises."""
    refused: str | None = None
    """Code of an error that it met."""
    ended: int | None = None
    """How the child ended: negative for a signal."""


class Run(msgspec.Struct, frozen=True):
    """What a child told before it ended."""

    lines: Sequence[Told]
    ended: int
    """0, an exit status, or a signal, negative."""

    @property
    def sent(self) -> set[int]:
        return {told.sent for told in self.lines if told.sent is not None}

    @property
    def acked(self) -> set[int]:
        return {told.acked for told in self.lines if told.acked is not None}

    @property
    def refused(self) -> Counter[str]:
        return Counter(told.refused for told in self.lines if told.refused is not None)


class Launcher:
    """The warm process that forks those to be killed."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.forking"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # stderr is ours: a pipe that nobody reads is full one day, and stops it.
        )

    def run(self, order: Order) -> Run:
        """Have *order* carried out; give what was told, in its order, and how it ended."""
        into, out = self._process.stdin, self._process.stdout
        assert into is not None
        assert out is not None
        into.write(msgspec.json.encode(order) + b"\n")
        into.flush()
        lines: list[Told] = []
        for line in out:
            told = msgspec.json.decode(line, type=Told)
            if told.ended is not None:
                return Run(lines, told.ended)
            lines.append(told)
        msg = "the launcher died"
        raise AssertionError(msg)

    def close(self) -> None:
        """End it."""
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def tell(told: Told) -> None:
    os.write(1, msgspec.json.encode(told) + b"\n")
