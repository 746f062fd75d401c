"""Threads for user code that is not async (HW-5)."""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = 40


class Workers:
    """A pool of threads; who waits for one is served first in, first out.

    Args:
        name: of its threads, for who looks at the process.
        threads: how many at most; they are started when needed.
    """

    def __init__(self, name: str, threads: int = THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, call: Callable[[], Any]) -> Any:
        """Call *call* in a thread, with the context variables of the caller.

        Cancelled while it waits for a thread, *call* never runs. Cancelled later, it
        runs to its end, because no thread can be stopped, and only then this raises;
        cancelled once more, this raises at once.
        """
        job = _Job(call)
        loop = asyncio.get_running_loop()
        done = loop.run_in_executor(self._pool, contextvars.copy_context().run, job)
        done.add_done_callback(_look_at)
        try:
            result = await asyncio.shield(done)
        except asyncio.CancelledError:
            if not job.withdraw():
                await asyncio.wait([done])
            raise
        # A decorator may hide that the function is a coroutine function.
        return await result if asyncio.iscoroutine(result) else result

    def close(self) -> None:
        """Take no more calls; those that run are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Job:
    """A call that can be withdrawn until it starts."""

    __slots__ = ("_call", "_lock", "_started", "_withdrawn")

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._started = False
        self._withdrawn = False

    def __call__(self) -> Any:
        with self._lock:
            if self._withdrawn:
                return None
            self._started = True
        return _stopped_iteration_apart(self._call)

    def withdraw(self) -> bool:
        """Say whether it never runs."""
        with self._lock:
            self._withdrawn = not self._started
            return self._withdrawn


def _stopped_iteration_apart(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except StopIteration as error:
        # A future cannot hold it; coroutines turn it into the same.
        msg = "the call raised StopIteration"
        raise RuntimeError(msg) from error


def _look_at(done: "asyncio.Future[Any]") -> None:
    """Take the error of a call that nobody waits for any more, so that asyncio is silent."""
    if not done.cancelled():
        done.exception()
