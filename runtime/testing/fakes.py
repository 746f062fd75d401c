"""A clock and ids that do what the test says."""

import asyncio
import random
import threading
from uuid import UUID

from eventstore import uuid7
from runtime.effects.virtual_loop import VirtualLoop

EPOCH_US = 1_790_000_000_000_000
"""Where a new clock stands: in September 2026."""


class FakeClock:
    """A clock in µs since 1970, UTC.

    On an event loop it goes with the loop's time, so on a `VirtualLoop` with virtual time;
    elsewhere it stands still until it is told otherwise.

    Args:
        start_us: where it stands when the loop's time is 0.
    """

    def __init__(self, start_us: int = EPOCH_US) -> None:
        self.start_us = start_us
        self._last_us = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> int:
        """Return the time."""
        try:
            loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            # In a worker thread there is none; the last one's time holds there, too.
            loop = self._loop
        if loop is not None:
            self._loop = loop
            self._last_us = round(loop.time() * 1_000_000)
        return self.start_us + self._last_us

    def block(self, seconds: float) -> None:
        """Let virtual time pass while nothing else runs, as where code blocks its thread."""
        self()
        if isinstance(self._loop, VirtualLoop):
            self._loop.now_s += seconds
        else:
            self.step(seconds)

    def step(self, seconds: float) -> None:
        """Set it forwards, or backwards."""
        self.start_us += round(seconds * 1_000_000)


class SeededIds:
    """Ids and bytes that a seed decides: equal seeds, equal ids in equal order."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable by intent
        self._lock = threading.Lock()
        self._last = 0

    def uuid7(self, at_us: int) -> UUID:
        """Return a new UUIDv7 for *at_us*, greater than every one given before."""
        with self._lock:
            made = uuid7(at_us // 1_000, self._random.randbytes(10)).int
            if made <= self._last:
                # Keep version and variant: count in the lowest 62 bits.
                made = self._last + 1
            self._last = made
            return UUID(int=made)

    def token(self, size: int) -> bytes:
        """Return *size* bytes."""
        with self._lock:
            return self._random.randbytes(size)
