"""Calls no more for a while what fails too often (RPC-8)."""

from collections import deque
from typing import Literal, TypeAlias

Admission: TypeAlias = Literal["call", "probe"]
Change: TypeAlias = Literal["opened", "closed"] | None


class Breaker:
    """Open after too many failures; then one probe after the other decides.

    Times are seconds on any clock that does not run backwards.

    Args:
        window_s: failures longer ago do not count.
        calls: fewer in the window say nothing.
        share: of failures among them, from which on it opens.
        first_s: from opening to the first probe; doubled by each that fails.
        cap_s: the most it is doubled to.
    """

    def __init__(
        self,
        *,
        window_s: float = 30.0,
        calls: int = 20,
        share: float = 0.5,
        first_s: float = 5.0,
        cap_s: float = 60.0,
    ) -> None:
        self._window_s = window_s
        self._calls = calls
        self._share = share
        self._first_s = first_s
        self._cap_s = cap_s
        self._seen: deque[tuple[float, bool]] = deque()
        self._failures = 0
        self._wait_s = first_s
        self._opened_s: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether calls are refused, but for probes."""
        return self._opened_s is not None

    def admit(self, now_s: float) -> Admission | None:
        """Say whether a call may be made; of an open breaker it is the probe.

        Who is admitted has to `note` how it went, or to `forget` it.
        """
        if self._opened_s is None:
            return "call"
        if self._probing or now_s < self._opened_s + self._wait_s:
            return None
        self._probing = True
        return "probe"

    def forget(self, admission: Admission) -> None:
        """Take an admission back: the call told nothing, as it was given up."""
        if admission == "probe":
            self._probing = False

    def note(self, now_s: float, admission: Admission, *, failed: bool) -> Change:
        """Note how a call went; say whether that opened or closed it."""
        if admission == "probe":
            return self._decide(now_s, failed=failed)
        if self._opened_s is not None:
            # It began before; what it tells is known.
            return None
        self._seen.append((now_s, failed))
        self._failures += failed
        while self._seen[0][0] <= now_s - self._window_s:
            self._failures -= self._seen.popleft()[1]
        enough = len(self._seen) >= self._calls
        if not enough or self._failures < self._share * len(self._seen):
            return None
        self._opened_s, self._wait_s = now_s, self._first_s
        return "opened"

    def _decide(self, now_s: float, *, failed: bool) -> Change:
        self._probing = False
        if failed:
            self._opened_s = now_s
            self._wait_s = min(self._wait_s * 2, self._cap_s)
            return None
        self._opened_s = None
        self._seen.clear()
        self._failures = 0
        return "closed"
