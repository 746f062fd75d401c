"""Runs requests again in a process of its own, of another place, as its parent asks (X10)."""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import msgspec

from eventstore import Event
from tests.contracts.source import ROOT
from tests.laws.plans import Bench, Plan
from tests.laws.test_p47_resuming import Counting, payloads, rerun

PLACE = {"PYTHONHASHSEED": "77", "TZ": "Pacific/Chatham", "LC_ALL": "C", "PATH": ""}
LONGEST_S = 300.0
"""A guard, no measure: a process that answers nothing is ended, and its test fails."""


class Record(NamedTuple):
    """As much of what a request gave as `rerun` reads."""

    facts: Sequence[Event]


def shown(facts: Sequence[Any]) -> bytes:
    """Give the payloads of facts as they are stored, lines apart."""
    return msgspec.json.encode(payloads(facts))


def gone_on(plan: Plan, facts: Sequence[Event], at: int) -> bytes:
    """Go on behind revision *at* by the code alone; give the payloads up to the next one."""
    record: Any = Record(facts)
    again = rerun(plan, record, Bench(), at, Counting(record))
    return shown(again.facts[: at + 1])


def packed(facts: Sequence[Event]) -> list[tuple[type, bytes, Event]]:
    """Make facts fit to be sent: their payloads as a log has them."""
    bare = [msgspec.structs.replace(each, data=None) for each in facts]
    return [
        (type(each.data), msgspec.json.encode(each.data), rest)
        for each, rest in zip(facts, bare, strict=True)
    ]


def unpacked(sent: list[tuple[type, bytes, Event]]) -> list[Event]:
    """Give the facts that `packed` was given."""
    return [
        msgspec.structs.replace(rest, data=msgspec.json.decode(raw, type=kind))
        for kind, raw, rest in sent
    ]


class Elsewhere:
    """Another process, which does the same in another place of the world."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.laws.elsewhere"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=PLACE, cwd=ROOT,
        )  # fmt: skip
        self._guard = threading.Timer(LONGEST_S, self._process.kill)
        self._guard.daemon = True

    def __enter__(self) -> Self:
        self._guard.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._guard.cancel()
        self._process.communicate()

    def gone_on(self, plan: Plan, facts: Sequence[Event], at: int) -> bytes:
        """Do as `gone_on` does, there."""
        there = self._process
        assert there.stdin is not None
        assert there.stdout is not None
        pickle.dump((plan, packed(facts), at), there.stdin)
        there.stdin.flush()
        said: bytes = pickle.load(there.stdout)  # noqa: S301 - a process of our own
        return said


def main() -> None:
    """Answer until nothing more is asked."""
    assert os.environ["PYTHONHASHSEED"] == PLACE["PYTHONHASHSEED"]
    while True:
        try:
            plan, sent, at = pickle.load(sys.stdin.buffer)  # noqa: S301 - of our parent
        except EOFError:
            return
        pickle.dump(gone_on(plan, unpacked(sent), at), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
