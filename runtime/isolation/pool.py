"""The processes of a module: who calls gets one, in order of arrival (RPC-7, AD-3)."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from runtime.isolation.child import Child
from runtime.isolation.sizing import TARGET, Sizing
from runtime.isolation.tier import Counts
from runtime.manifests.module import Resources

Resized: TypeAlias = Callable[[int, int, str], None]
"""Told how many processes there are now, how many there were, and why (`module.resized`)."""


class PoolTimeout(Exception):
    """No process became free in time."""


class Pool:
    """Hands out processes; more are started while calls wait or most are at work.

    Of those that have nothing to do it gives up as many as there are above the fewest, once
    the pool was less than half as busy as it may be for long enough.

    Args:
        resources: how many, and for how long.
        grow: starts one more and puts it in; it may take its time.
        shrink: ends one that is not needed.
        resized: told when by itself it has become larger or smaller.
    """

    def __init__(
        self,
        resources: Resources,
        grow: Callable[[], Awaitable[None]],
        shrink: Callable[[Child], Awaitable[None]],
        resized: Resized = lambda now, was, why: None,
    ) -> None:
        self._resources = resources
        self._grow = grow
        self._shrink = shrink
        self._resized = resized
        self._children: list[Child] = []
        self._waiting: deque[asyncio.Future[Child]] = deque()
        self._growing: set[asyncio.Task[None]] = set()
        self._sizing = Sizing(resources.idle_s, partial(self._start_one, "busy"), self._give_up)

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
        self._look()

    def remove(self, child: Child) -> None:
        """Take out one that has ended."""
        if child in self._children:
            self._children.remove(child)
            self._look()

    async def acquire(self) -> Child:
        """Return a process that has room for a call.

        Raises:
            PoolTimeout: none had within the time.
        """
        child = self.take()
        return await self._wait() if child is None else child

    def take(self) -> Child | None:
        """Return a process that has room for a call; None: it has to be waited for."""
        child = None if self._waiting else self._free()
        if child is not None:
            child.load += 1
            self._look()
        return child

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
        child.load -= 1
        if child.ending is None:
            self._serve(child)
            self._look()

    def _look(self) -> None:
        room = len(self._children) * self._resources.concurrency
        running = sum([child.load for child in self._children])
        spare = len(self._children) > self._resources.min_workers
        self._sizing.see(running, room, spare=spare)

    def _free(self) -> Child | None:
        most = self._resources.concurrency
        for child in self._children:
            if child.load < most and not child.closing:
                return child
        return None

    def _serve(self, child: Child) -> None:
        while self._waiting and child.load < self._resources.concurrency:
            turn = self._waiting.popleft()
            if not turn.done():
                child.load += 1
                turn.set_result(child)

    def _want_more(self) -> None:
        if len(self._growing) < len(self._waiting):
            self._start_one("waiting")

    def _start_one(self, why: str) -> None:
        if len(self._children) + len(self._growing) < self._resources.workers:
            task = asyncio.ensure_future(self._grow_by_one(why))
            self._growing.add(task)
            task.add_done_callback(self._grown)

    async def _grow_by_one(self, why: str) -> None:
        await self._grow()
        now = len(self._children)
        self._resized(now, now - 1, why)

    def _grown(self, task: "asyncio.Task[None]") -> None:
        self._growing.discard(task)
        # Who waits is told of a failure by the clock; the log by who starts processes.
        if not task.cancelled() and task.exception() is None:
            # Who asked while this one came may wait for another.
            self._want_more()

    def _give_up(self) -> None:
        idle = [each for each in self._children if each.load == 0]
        running = sum(child.load for child in self._children)
        # Fewer would be too busy at once, and one more be started.
        needed = math.ceil(running / (TARGET * self._resources.concurrency))
        spare = len(self._children) - max(needed, self._resources.min_workers)
        given_up = idle[len(idle) - max(0, min(spare, len(idle))) :]
        for child in given_up:
            self.remove(child)
            child.closing = True
            asyncio.ensure_future(self._shrink(child))  # noqa: RUF006 - the child is waited for
        if given_up:
            now = len(self._children)
            self._resized(now, now + len(given_up), "idle")

    async def close(self) -> None:
        """Start no more, and give what runs to nobody any more."""
        self._sizing.close()
        for task in tuple(self._growing):
            task.cancel()
        await asyncio.gather(*self._growing, return_exceptions=True)
        self._children.clear()
