"""When a module that crashed is started again (MO-6)."""

from collections import deque

from runtime.supervision.backoff import RESTARTS

WINDOW_S = 60.0
MOST = 5
"""Crashes in the window; after one more it rests."""
REST_S = 60.0


class Restarts:
    """Counts crashes. Times are seconds on a clock that does not run backwards."""

    def __init__(self) -> None:
        self._crashes: deque[float] = deque()

    def crashed(self, now_s: float, chance: float) -> float:
        """Note a crash; return the seconds until the next start.

        Args:
            now_s: the time.
            chance: from 0 to 1.
        """
        self._crashes.append(now_s)
        while self._crashes[0] <= now_s - WINDOW_S:
            self._crashes.popleft()
        if self.is_resting:
            return REST_S
        return RESTARTS.delay_s(len(self._crashes), chance)

    @property
    def attempt(self) -> int:
        """How many crashes there were of late: the number of the next start."""
        return len(self._crashes)

    @property
    def is_resting(self) -> bool:
        """Whether there were so many that it is only tried now and then."""
        return len(self._crashes) > MOST
