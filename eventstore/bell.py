"""Rung when a log grew in this process: whoever waits for that need not ask again and again."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Bell:
    """Wakes threads and event loops. Thread-safe; ringing costs nothing while nobody hears."""

    # No lock between ringing and hearing: who rings counts and then looks for hearers, who
    # waits becomes a hearer and then looks at the count; one sees the other.

    def __init__(self) -> None:
        self.rings = 0
        """How often it rang: whoever waits tells `wait` what it was before it looked."""
        self._hearers: frozenset[Callable[[], object]] = frozenset()
        self._lock = threading.Lock()

    def ring(self) -> None:
        """Wake all who wait."""
        self.rings += 1
        for hear in self._hearers:
            hear()

    def wait(self, rings: int, timeout_s: float) -> None:
        """Block until it rang more often than *rings*, or *timeout_s* passed."""
        rung = threading.Event()
        with self._hearing(rung.set):
            if self.rings == rings:
                rung.wait(timeout_s)

    async def wait_async(self, rings: int, timeout_s: float) -> None:
        """Wait as `wait` does, without blocking the event loop."""
        rung, loop = asyncio.Event(), asyncio.get_running_loop()

        def hear() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                loop.call_soon_threadsafe(rung.set)

        with self._hearing(hear):
            if self.rings == rings:
                with suppress(TimeoutError):
                    await asyncio.wait_for(rung.wait(), timeout_s)

    @contextmanager
    def _hearing(self, hear: Callable[[], object]) -> Iterator[None]:
        with self._lock:
            self._hearers |= {hear}
        try:
            yield
        finally:
            with self._lock:
                self._hearers -= {hear}
