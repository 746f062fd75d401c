"""The processes of a module: who calls gets one, in order of arrival (RPC-7)."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from runtime.isolation.child import Child
from runtime.isolation.tier import Counts
from runtime.manifests.module import Resources


class PoolTimeout(Exception):
    """No process became free in time."""


class Pool:
    """Hands out processes; more are started while calls wait and there may be more.

    Args:
        resources: how many, and for how long.
        grow: starts one more and puts it in; it may take its time.
        shrink: ends one that is not needed.
    """

    def __init__(
        self,
        resources: Resources,
        grow: Callable[[], Awaitable[None]],
        shrink: Callable[[Child], Awaitable[None]],
    ) -> None:
        self._resources = resources
        self._grow = grow
        self._shrink = shrink
        self._children: list[Child] = []
        self._waiting: deque[asyncio.Future[Child]] = deque()
        self._growing: set[asyncio.Task[None]] = set()

    @property
    def children(self) -> tuple[Child, ...]:
        """All that run."""
        return tuple(self._children)

    @property
    def counts(self) -> Counts:
        """How many there are, and how many of them work."""
        in_use = sum(child.load > 0 for child in self._children)
        return Counts(len(self._children), in_use, len(self._children) - in_use)

    @property
    def waiting(self) -> int:
        """Calls that wait for a process."""
        return len(self._waiting)

    def put(self, child: Child) -> None:
        """Take a new process in, and give it to who waits longest."""
        self._children.append(child)
        self._serve(child)

    def remove(self, child: Child) -> None:
        """Take out one that has ended."""
        if child in self._children:
            self._children.remove(child)

    async def acquire(self) -> Child:
        """Return a process that has room for a call.

        Raises:
            PoolTimeout: none had within the time.
        """
        child = None if self._waiting else self._free()
        if child is not None:
            child.load += 1
            return child
        return await self._wait()

    async def _wait(self) -> Child:
        turn: asyncio.Future[Child] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._want_more()
        try:
            async with asyncio.timeout(self._resources.acquire_s):
                return await turn
        except TimeoutError:
            if turn.done() and not turn.cancelled():
                return turn.result()
            raise PoolTimeout from None
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(turn.result())
            raise
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)

    def release(self, child: Child) -> None:
        """Take a process back after a call."""
        loop = asyncio.get_running_loop()
        child.load -= 1
        child.used_s = loop.time()
        if child.ending is not None:
            return
        self._serve(child)
        if child.load == 0 and len(self._children) > 1:
            loop.call_later(self._resources.idle_s, self._reap, child)

    def _free(self) -> Child | None:
        most = self._resources.concurrency
        return next((c for c in self._children if c.load < most and not c.closing), None)

    def _serve(self, child: Child) -> None:
        while self._waiting and child.load < self._resources.concurrency:
            turn = self._waiting.popleft()
            if not turn.done():
                child.load += 1
                turn.set_result(child)

    def _want_more(self) -> None:
        coming = len(self._growing)
        if coming < len(self._waiting) and len(self._children) + coming < self._resources.workers:
            task = asyncio.ensure_future(self._grow())
            self._growing.add(task)
            task.add_done_callback(self._grown)

    def _grown(self, task: "asyncio.Task[None]") -> None:
        self._growing.discard(task)
        if not task.cancelled():
            # Who waits is told by the clock; the log by who starts processes.
            task.exception()

    def _reap(self, child: Child) -> None:
        idle_s = asyncio.get_running_loop().time() - child.used_s
        is_needed = len(self._children) <= 1 or child not in self._children
        if child.load == 0 and idle_s >= self._resources.idle_s and not is_needed:
            self.remove(child)
            child.closing = True
            asyncio.ensure_future(self._shrink(child))  # noqa: RUF006 - the child is waited for

    async def close(self) -> None:
        """Start no more, and give what runs to nobody any more."""
        for task in tuple(self._growing):
            task.cancel()
        await asyncio.gather(*self._growing, return_exceptions=True)
        self._children.clear()
