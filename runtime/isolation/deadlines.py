"""Ends what is waited for too long, with one timer for all of it."""

import asyncio
from typing import Any


class Deadlines:
    """Watches futures of one event loop.

    A timer for each call would cost more than the frames it is sent and answered in, and
    nearly none is ever due: there is one, for the first that could be.
    """

    def __init__(self) -> None:
        self._due_s: dict[asyncio.Future[Any], float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, future: "asyncio.Future[Any]", within_s: float) -> None:
        """Let *future* raise `TimeoutError` if it is not done by then, and not dropped."""
        loop = asyncio.get_running_loop()
        at_s = self._due_s[future] = loop.time() + within_s
        if self._timer is None:
            self._timer = loop.call_at(at_s, self._look)
        elif at_s < self._timer.when():
            self._timer.cancel()
            self._timer = loop.call_at(at_s, self._look)

    def drop(self, future: "asyncio.Future[Any]") -> None:
        """Watch *future* no more."""
        self._due_s.pop(future, None)

    def _look(self) -> None:
        assert self._timer is not None  # noqa: S101 - it is what calls
        # Not the time of the clock: a loop may be up to its resolution early.
        now_s, loop = self._timer.when(), asyncio.get_running_loop()
        self._timer = None
        for future in [each for each, at_s in self._due_s.items() if at_s <= now_s]:
            self.drop(future)
            if not future.done():
                future.set_exception(TimeoutError())
        if self._due_s:
            self._timer = loop.call_at(min(self._due_s.values()), self._look)
