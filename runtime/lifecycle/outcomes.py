"""How the versions of handlers have done lately: the share of 5xx in a minute (HW-7)."""

from collections import deque
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["healthy", "degraded", "unhealthy"]
WINDOW_S = 60
LEAST = 20
"""Answers; fewer say nothing."""


class Outcomes:
    """Counts answers by version, second by second, for a minute."""

    __slots__ = ("_by_version",)

    def __init__(self) -> None:
        self._by_version: dict[str, deque[list[int]]] = {}

    def note(self, version: str, status: int, at_s: float) -> None:
        """Count an answer of *version*; *at_s* is on a clock that goes forward."""
        seconds = self._by_version.get(version)
        if seconds is None:
            seconds = self._by_version[version] = deque(maxlen=WINDOW_S)
        second = int(at_s)
        if not seconds or seconds[-1][0] != second:
            seconds.append([second, 0, 0])
        last = seconds[-1]
        last[1] += 1
        last[2] += status >= 500

    def verdict(self, version: str, now_s: float) -> Verdict:
        """Say how *version* has done in the 60 seconds that end with this one."""
        first = int(now_s) - WINDOW_S + 1
        lately = [each for each in self._by_version.get(version, ()) if each[0] >= first]
        return verdict_of(sum(each[1] for each in lately), sum(each[2] for each in lately))


def verdict_of(answers: int, failed: int) -> Verdict:
    """Return what a number of answers, of which some were 5xx, means."""
    if answers < LEAST or failed * 10 <= answers:
        return "healthy"
    return "unhealthy" if failed * 2 > answers else "degraded"
