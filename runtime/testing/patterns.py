"""Sequences of names with gaps. Pure."""

from collections.abc import Sequence
from types import EllipsisType


def first_gap(
    names: Sequence[str], pattern: Sequence[str | EllipsisType]
) -> tuple[int, str | None] | None:
    """Say where *names* part from *pattern*: place and what was expected; None: nowhere.

    Args:
        names: in order.
        pattern: names in order; `...` stands for any number of any names.
    """
    parts = _parts(pattern)
    at = len(parts[0])
    for n, wanted in enumerate(parts[0]):
        if n >= len(names) or names[n] != wanted:
            return n, wanted
    if len(parts) == 1:
        return None if at == len(names) else (at, None)
    for part in parts[1:-1]:
        found = _find(names, part, at)
        if found is None:
            return at, part[0]
        at = found + len(part)
    return _ending(names, parts[-1], at)


def _ending(names: Sequence[str], last: list[str], at: int) -> tuple[int, str | None] | None:
    start = len(names) - len(last)
    if start < at:
        return len(names), last[len(names) - at] if last else None
    for n, wanted in enumerate(last):
        if names[start + n] != wanted:
            return start + n, wanted
    return None


def _parts(pattern: Sequence[str | EllipsisType]) -> list[list[str]]:
    """Split a pattern at its gaps; empty parts within do not count."""
    parts: list[list[str]] = [[]]
    for each in pattern:
        if isinstance(each, EllipsisType):
            parts.append([])
        else:
            parts[-1].append(each)
    return [parts[0], *(part for part in parts[1:-1] if part), *parts[1:][-1:]]


def _find(names: Sequence[str], part: list[str], at: int) -> int | None:
    for n in range(at, len(names) - len(part) + 1):
        if list(names[n : n + len(part)]) == part:
            return n
    return None
