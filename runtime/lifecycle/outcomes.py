"""How the versions of handlers have done lately: the share of 5xx in a minute (HW-7)."""

from collections import deque
from collections.abc import Callable

from runtime.timescape.health import Verdict

WINDOW_S = 60
LEAST = 20
"""Answers; fewer say nothing."""


class Outcomes:
    """Counts answers by version, second by second, for a minute."""

    __slots__ = ("_by_version", "failed")

    def __init__(self) -> None:
        self._by_version: dict[str, deque[list[int]]] = {}
        self.failed: Callable[[str], None] | None = None
        """Told of each answer of 500 or more, by its version."""

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
        if status >= 500:
            last[2] += 1
            if self.failed is not None:
                self.failed(version)

    def counts(self, version: str, now_s: float) -> tuple[int, int]:
        """Return answers and failures in the 60 seconds that end with this one."""
        first = int(now_s) - WINDOW_S + 1
        lately = [each for each in self._by_version.get(version, ()) if each[0] >= first]
        return sum(each[1] for each in lately), sum(each[2] for each in lately)

    def forget(self, version: str) -> None:
        """Forget what *version* has answered: what was judged once is not held against it twice."""
        self._by_version.pop(version, None)

    def verdict(self, version: str, now_s: float) -> Verdict:
        """Say how *version* has done in the 60 seconds that end with this one."""
        return verdict_of(*self.counts(version, now_s))


def verdict_of(answers: int, failed: int) -> Verdict:
    """Return what a number of answers, of which some were 5xx, means."""
    if answers < LEAST or failed * 10 <= answers:
        return "healthy"
    return "unhealthy" if failed * 2 > answers else "degraded"
