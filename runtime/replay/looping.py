"""The event loop of a run that is done again.

A run has a loop of its own, so that nothing of it is left for the next one. It hears of no
file and no socket, and needs none itself: to make one, and to let it pass, costs little.
"""

import asyncio
import contextlib
import selectors
import threading
from collections.abc import Callable, Iterator
from typing import Any

from runtime.effects.virtual_loop import VirtualLoop


class ReplayLoop(VirtualLoop):
    """A virtual loop that asks before time passes.

    Args:
        idle: is told in how many seconds the next alarm rings when nothing else can happen;
            None: there is none. Says whether it set something going.
    """

    def __init__(self, idle: Callable[[float | None], bool]) -> None:
        self._called = threading.Event()
        super().__init__(stuck=lambda: None)
        self._idle = idle

    def may_pass(self, wait_s: float | None) -> bool:
        """Say whether time may pass."""
        return not self._idle(wait_s)

    def new_selector(self) -> selectors.BaseSelector:
        """Make what waits for calls from other threads, and for nothing else."""
        return _Called(self, self._called)

    # asyncio's own: how a thread that calls wakes the loop. Others do it by a pair of sockets.

    def _make_self_pipe(self) -> None:
        pass

    def _close_self_pipe(self) -> None:
        pass

    def _write_to_self(self) -> None:
        self._called.set()

    def end(self) -> None:
        """Cancel what is left, let it end, and close the loop."""
        try:
            left = asyncio.all_tasks(self)
            for task in left:
                task.cancel()
            if left:
                self.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            if self._asyncgens:  # type: ignore[attr-defined]
                self.run_until_complete(self.shutdown_asyncgens())
            if self._pool is not None:
                self.run_until_complete(self.shutdown_default_executor())
        finally:
            self.close()


class _Called(selectors.BaseSelector):
    """Hears when a thread calls."""

    def __init__(self, loop: ReplayLoop, called: threading.Event) -> None:
        self._loop = loop
        self._called = called

    def select(self, timeout: float | None = None) -> list[Any]:
        return self._loop.turn(timeout, self._listen)

    def _listen(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            self._called.wait()
            self._called.clear()
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        msg = "What is run again hears of no file and no socket."
        raise NotImplementedError(msg)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        raise KeyError(fileobj)

    def get_map(self) -> dict[Any, selectors.SelectorKey]:
        return {}


@contextlib.contextmanager
def looping(idle: Callable[[float | None], bool]) -> Iterator[ReplayLoop]:
    """Give a loop, which has ended afterwards."""
    loop = ReplayLoop(idle)
    try:
        yield loop
    finally:
        loop.end()


def runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    """Say whether this code runs in *loop*."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
