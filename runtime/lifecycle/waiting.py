"""Waits that are not simply awaited: begun by hand, or by a thread."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


@types.coroutine
def go_on(work: Coroutine[Any, Any, T], waits_for: Any) -> Generator[Any, Any, T]:
    """Return what *work* returns; *waits_for* is what it gave when it was stepped last.

    To be awaited by whoever took that step, before anything else is awaited there: asyncio wants
    a future that was given to be waited for next.
    """
    while True:
        step, value = work.send, None
        try:
            yield waits_for
        except GeneratorExit:
            work.close()
            raise
        except BaseException as thrown:  # noqa: BLE001 - passed on
            step, value = work.throw, thrown
        try:
            waits_for = step(value)
        except StopIteration as end:
            result: T = end.value
            return result


class ThreadWait:
    """A wait of a worker thread for work on the event loop.

    Args:
        loop: where the work is done.
        work: has not started.
    """

    __slots__ = ("_cancelled", "_task", "done")

    def __init__(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> None:
        self._task: asyncio.Task[Any] | None = None
        self._cancelled = False
        self.done = asyncio.run_coroutine_threadsafe(self._do(work), loop)
        """What the thread waits for."""

    async def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        self._task = asyncio.current_task()
        if self._cancelled:
            work.close()
            raise asyncio.CancelledError
        return await work

    def cancel(self) -> None:
        """Cancel the work, on whose end the thread goes on; called once more, it does at once.

        That end writes its fact first, and what the thread writes comes after it, in every run.
        """
        if self._cancelled:
            self.done.cancel()
        self._cancelled = True
        if self._task is not None:
            self._task.cancel()
