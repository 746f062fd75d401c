"""When a pool of processes gets one more, and when it gives some up (AD-3)."""

import asyncio
from collections.abc import Callable
from typing import Final

TARGET: Final = 0.8
"""Of all calls that could run at once, so many may."""
HOT_S: Final = 5.0
"""For so long there have to be more of them before one more process is started."""


class Sizing:
    """Watches how busy a pool is.

    Args:
        cool_s: over so long a time it has to be less than half as busy as it may be.
        grow: called after it was busier than `TARGET` for `HOT_S`.
        shrink: called after *cool_s*.
    """

    def __init__(self, cool_s: float, grow: Callable[[], None], shrink: Callable[[], None]) -> None:
        self._cool_s = cool_s
        self._grow = grow
        self._shrink = shrink
        self._hot: asyncio.TimerHandle | None = None
        """Runs on while it is busy for moments only: each of them would cost a timer."""
        self._hot_since_s: float | None = None
        self._cool: asyncio.TimerHandle | None = None
        self._busy = 0.0
        self._at_s = 0.0
        self._busy_s = 0.0
        """The area under *busy*, since the time began over which it is looked at."""

    def see(self, running: int, room: int, *, spare: bool) -> None:
        """Note how busy it is, whenever that changes.

        Args:
            running: calls.
            room: calls that could run.
            spare: whether there are more processes than there have to be.
        """
        self._add_up()
        self._busy = running / room if room else 0.0
        if self._busy <= TARGET:
            self._hot_since_s = None
        elif self._hot_since_s is None:
            self._hot_since_s = self._at_s
            if self._hot is None:
                self._wait_until(self._at_s + HOT_S)
        self._cool = _stopped(self._cool, holds=spare)
        if spare and self._cool is None:
            self._busy_s = 0.0
            loop = asyncio.get_running_loop()
            self._cool = loop.call_later(self._cool_s, self._looked)

    def close(self) -> None:
        """Watch no more."""
        self._hot = _stopped(self._hot, holds=False)
        self._hot_since_s = None
        self._cool = _stopped(self._cool, holds=False)

    def _add_up(self) -> None:
        now_s = asyncio.get_running_loop().time()
        self._busy_s += self._busy * (now_s - self._at_s)
        self._at_s = now_s

    def _wait_until(self, at_s: float) -> None:
        self._hot = asyncio.get_running_loop().call_at(at_s, self._due, at_s)

    def _due(self, at_s: float) -> None:
        self._hot = None
        if self._hot_since_s is None:
            return
        if self._hot_since_s + HOT_S > at_s:
            self._wait_until(self._hot_since_s + HOT_S)
            return
        self._hot_since_s = None
        self._grow()

    def _looked(self) -> None:
        """Give up what is too much, by how busy it was in the mean: short calls are no use."""
        self._add_up()
        mean, self._busy_s = self._busy_s / self._cool_s, 0.0
        self._cool = asyncio.get_running_loop().call_later(self._cool_s, self._looked)
        if mean < TARGET / 2:
            self._shrink()


def _stopped(timer: asyncio.TimerHandle | None, *, holds: bool) -> asyncio.TimerHandle | None:
    """Stop a timer if what it waits for does not hold any more."""
    if holds or timer is None:
        return timer
    timer.cancel()
    return None
