"""The generations of a module: one takes new callers, older ones end with theirs (MO-7)."""

import asyncio
import contextvars
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from runtime.isolation.host import Host
from runtime.modules import CALL, Method

DRAIN_S: Final = 30.0
_LOOK_S: Final = 0.05
_MANY: Final = 1024


class Generation:
    """A host, and who called it."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.callers: set[str] = set()
        """Ids of requests."""
        self.calls = 0
        """That run."""


class Generations:
    """Hosts a module, whichever generation of it a request began with.

    Args:
        first: its host.
        is_running: says whether a request runs.
    """

    def __init__(self, first: Host, is_running: Callable[[str], bool]) -> None:
        self._current = Generation(first)
        self._is_running = is_running
        self._draining: list[Generation] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._many = _MANY

    @property
    def current(self) -> Host:
        """The one that takes new callers."""
        return self._current.host

    async def call(self, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Have the caller's generation call *method*; see `Host.call`."""
        call = CALL.get()
        generation = self._of("" if call is None else call.about.request_id)
        generation.calls += 1
        try:
            return await generation.host.call(method, args, kwargs)
        finally:
            generation.calls -= 1

    def _of(self, request: str) -> Generation:
        for each in self._draining:
            if request in each.callers:
                return each
        if request:
            self._note(request)
        return self._current

    def _note(self, request: str) -> None:
        callers = self._current.callers
        callers.add(request)
        if len(callers) > self._many:
            # Doubled each time, so that looking through them costs little per call.
            callers -= {each for each in callers if not self._is_running(each)}
            self._many = max(_MANY, 2 * len(callers))

    def switch(self, host: Host) -> None:
        """Give new callers to *host*, which has started; the old one ends with its callers."""
        old, self._current = self._current, Generation(host)
        self._draining.append(old)
        # Of no request, and of nobody who waits for it.
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._drain(old), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self, old: Generation) -> None:
        until_s = asyncio.get_running_loop().time() + DRAIN_S
        while self._is_needed(old) and asyncio.get_running_loop().time() < until_s:
            # Requests end elsewhere, and tell nobody of modules; reloads are rare.
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._closing.wait()
        await old.host.stop()
        self._draining.remove(old)

    def _is_needed(self, old: Generation) -> bool:
        if self._closing.is_set():
            return False
        return old.calls > 0 or any(map(self._is_running, old.callers))

    async def drained(self) -> None:
        """Wait until no old generation runs."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Stop all of them."""
        self._closing.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._current.host.stop()
