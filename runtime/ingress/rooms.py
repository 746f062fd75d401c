"""Who runs and who waits: so many requests at once, and a short queue before the door (AD-1)."""

import asyncio
from typing import Final

import msgspec

WAITING: Final = 100
"""Requests that may wait."""
WAIT_S: Final = 0.5
"""How long each does."""
_FAIR: Final = 16
"""Of so many places one goes to who waits longest, however little it counts."""


class Waiting(msgspec.Struct, frozen=True):
    """A request before the door."""

    number: int
    """The lower, the longer it waits."""
    priority: int


def next_of(waiting: list[Waiting], place: int) -> Waiting:
    """Say who goes in next.

    Args:
        waiting: at least one, who waits longest first.
        place: how many places were given before.
    """
    if place % _FAIR == _FAIR - 1:
        return waiting[0]
    return max(waiting, key=lambda each: (each.priority, -each.number))


class Room:
    """A place for so many requests; who finds it full waits a little.

    Args:
        most: requests that are in it at once.
    """

    __slots__ = ("_given", "_number", "_waiting", "inside", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self.inside = 0
        self._given = 0
        self._number = 0
        self._waiting: dict[int, tuple[Waiting, asyncio.Future[bool]]] = {}

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def enters(self) -> bool:
        """Take a place, if there is one and nobody waits for it. Who has one has to `leave`."""
        if self.inside >= self.most or self._waiting:
            return False
        self.inside += 1
        return True

    async def wait(self, priority: int) -> bool:
        """Wait for a place; say whether there was one in time. Who has one has to `leave`."""
        if len(self._waiting) >= WAITING:
            return False
        loop = asyncio.get_running_loop()
        self._number += 1
        number = self._number
        place: asyncio.Future[bool] = loop.create_future()
        self._waiting[number] = Waiting(number, priority), place
        timer = loop.call_later(WAIT_S, _settle, place)
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.result():
                self.leave()
            raise
        finally:
            timer.cancel()
            self._waiting.pop(number, None)

    def leave(self) -> None:
        """Give the place to who waits, or free it."""
        self.inside -= 1
        while self._waiting and self.inside < self.most:
            queue = [each for each, place in self._waiting.values() if not place.done()]
            if not queue:
                return
            chosen = next_of(queue, self._given)
            self._given += 1
            self.inside += 1
            self._waiting.pop(chosen.number)[1].set_result(True)


def _settle(place: "asyncio.Future[bool]") -> None:
    if not place.done():
        place.set_result(False)
