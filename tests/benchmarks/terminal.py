"""A terminal that keeps the time of every paint, and somebody who types on it.

Textual's pilot drives the app, but paints nothing when it is headless. This terminal takes
all that a real one would get, so what is measured ends with the bytes of the screen.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual import events
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver
from textual.pilot import Pilot

SIZE = (120, 36)
PATIENCE_S = 10.0
"""After which a key that painted nothing ends the run: it was not understood."""
QUIET_S = 0.05
"""Three frames without a paint: what a key did is seen whole."""


class Screen:
    """What was painted, and when."""

    def __init__(self) -> None:
        self.last_s = 0.0
        self.bytes = 0
        self.painted = asyncio.Event()
        self.awaited = ""
        """A text whose first paint is of interest."""
        self._seen = asyncio.Event()
        self._seen_s = 0.0

    def paint(self, data: str) -> None:
        self.last_s = time.perf_counter()
        self.bytes += len(data)
        self.painted.set()
        if self.awaited and not self._seen.is_set() and self.awaited in data:
            self._seen_s = self.last_s
            self._seen.set()

    async def first_of_awaited(self) -> float:
        """Wait until what is awaited is painted; give when it first was."""
        await self._seen.wait()
        return self._seen_s


def terminal(screen: Screen) -> type[HeadlessDriver]:
    """Return a driver that paints on *screen*."""

    class Terminal(HeadlessDriver):
        @property
        def is_headless(self) -> bool:
            return False

        def write(self, data: str) -> None:
            screen.paint(data)

    return Terminal


class Typist:
    """Presses keys and says how long each took."""

    def __init__(self, app: App[Any], pilot: Pilot[Any], screen: Screen) -> None:
        self._app = app
        self._pilot = pilot
        self.screen = screen

    def _send(self, key: str) -> None:
        event = events.Key(key, key if len(key) == 1 else None)
        event.set_sender(self._app)
        self._app.post_message(event)

    async def settled(self, pending: Callable[[], bool] = lambda: False) -> None:
        """Wait until no answer is owed and nothing more is painted."""
        quiet_since = time.perf_counter()
        while True:
            # In this order: the app may have been busy throughout the nap, and owe an answer.
            if pending():
                quiet_since = time.perf_counter()
            elif time.perf_counter() - max(quiet_since, self.screen.last_s) >= QUIET_S:
                return
            await asyncio.sleep(0.002)

    async def press(self, key: str, pending: Callable[[], bool]) -> float:
        """Press *key*, which must show; give the seconds until the last paint that came of it."""
        self.screen.painted.clear()
        began_s = time.perf_counter()
        self._send(key)
        await asyncio.wait_for(self.screen.painted.wait(), PATIENCE_S)
        await self.settled(pending)
        return self.screen.last_s - began_s

    async def press_once(self, key: str, pending: Callable[[], bool]) -> float:
        """Press *key*; give the seconds until its first paint."""
        self.screen.painted.clear()
        began_s = time.perf_counter()
        self._send(key)
        await asyncio.wait_for(self.screen.painted.wait(), PATIENCE_S)
        took_s = time.perf_counter() - began_s
        await self.settled(pending)
        return took_s

    async def work_of(self, key: str, pending: Callable[[], bool] = lambda: False) -> float:
        """Press *key*; give the processor's seconds until its first paint, without the wait for
        the next frame, which is the same for every app."""
        self.screen.painted.clear()
        began_s = time.process_time()
        self._send(key)
        await asyncio.wait_for(self.screen.painted.wait(), PATIENCE_S)
        worked_s = time.process_time() - began_s
        await self.settled(pending)
        return worked_s


@asynccontextmanager
async def shown(app: App[Any], awaited: str = "") -> AsyncIterator[Typist]:
    """Run *app* on such a terminal; it may already paint when the block begins."""
    screen = Screen()
    screen.awaited = awaited
    app.driver_class = terminal(screen)
    async with app.run_test(headless=False, size=SIZE) as pilot:
        yield Typist(app, pilot, screen)
