"""Which version was current when: entries in the order of time, found by bisection (TS-6)."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import msgspec


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """From *from_us* on, *version* is current, until the next entry."""

    from_us: int
    sequence: int
    """Of the version: of entries with equal times the higher holds."""
    version: str


def entry_at(timeline: Sequence[Entry], at_us: int) -> Entry | None:
    """Return the entry in force at *at_us*; None before the first.

    At exactly a boundary it is the newer one. At most ⌈log2 n⌉ + 2 comparisons.
    """
    found = bisect_right(timeline, at_us, key=_from)
    return timeline[found - 1] if found else None


def insert(timeline: list[Entry], entry: Entry) -> None:
    """Put *entry* in its place."""
    timeline.insert(bisect_left(timeline, _order(entry), key=_order), entry)


def free_from(timeline: Sequence[Entry], from_us: int) -> int:
    """Return *from_us*, or the first µs after it at which no entry begins.

    A promotion must hold, also in the µs of the deployment before it.
    """
    at = bisect_left(timeline, from_us, key=_from)
    while at < len(timeline) and timeline[at].from_us == from_us:
        while at < len(timeline) and timeline[at].from_us == from_us:
            at += 1
        from_us += 1
    return from_us


def _from(entry: Entry) -> int:
    return entry.from_us


def _order(entry: Entry) -> tuple[int, int]:
    return entry.from_us, entry.sequence
