"""Counts failed credentials by address, so that nobody can guess without end (AU-10)."""

from typing import Final

from runtime.policies.callers import network_of
from runtime.policies.windows import SECOND_US, Window, charge, seconds_up

LIMIT: Final = 100
WINDOW_US: Final = 60 * SECOND_US
_ADDRESSES: Final = 100_000


class FailedAttempts:
    """Failures of the last minute, by network address; successes are not counted."""

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}

    def wait_s(self, client: str, now_us: int) -> int:
        """Return how long an address has to wait; 0: not at all."""
        window = self._windows.get(network_of(client))
        if window is None:
            return 0
        outcome = charge(window, now_us, LIMIT, WINDOW_US)
        return 0 if outcome.allowed else max(1, seconds_up(outcome.reset_us))

    def note(self, client: str, now_us: int) -> None:
        """Count a failure."""
        network = network_of(client)
        known = self._windows.pop(network, None)
        while len(self._windows) >= _ADDRESSES:
            # The one that failed longest ago; a new window begins at the end.
            del self._windows[next(iter(self._windows))]
        outcome = charge(known, now_us, LIMIT, WINDOW_US)
        if outcome.window is not None:
            self._windows[network] = outcome.window
