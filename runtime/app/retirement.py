"""Takes versions out of service that nobody uses: at the start, and every hour (VL-3)."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Sequence
from typing import Protocol

from eventstore import Clock, EventStoreError, Store
from runtime.control import Versions
from runtime.control.usage import Usage, subscribers
from runtime.effects import Workers
from runtime.errors import AlreadyStartedError, RoutesError
from runtime.lifecycle.controller import Controller
from runtime.timescape.aging import Judged

EACH_S = 3_600.0
_WEEK_S = 7 * 24 * 3_600
_PAUSE_S = 0.02
"""Between two pages of the log, each of which takes some 3 ms: requests come first."""
_log = logging.getLogger("timescape")


class Desk(Protocol):
    """Gives the desk of an app."""

    def __call__(self, *, dry_run: bool) -> Versions:
        """Return it; of a dry run it appends nothing."""
        ...


class Retirement:
    """Looks how versions are used, and retires those that are not.

    Args:
        store: the log.
        desk: gives what changes versions, or only decides on it.
        clock: of the log.
        controller: knows which versions have requests that run.
    """

    def __init__(
        self,
        store: Store,
        desk: Desk,
        clock: Clock,
        controller: Controller,
    ) -> None:
        self._store = store
        self._desk = desk
        self._clock = clock
        self._controller = controller
        self._usage: Usage | None = None
        self._since_us = 0
        self._task: asyncio.Task[None] | None = None
        self._workers = Workers("timescape-retirement", 1)
        self._stopped = threading.Event()

    def start(self) -> None:
        """Look now and every hour, until `stop`; on a running event loop.

        Raises:
            AlreadyStartedError: it does already.
        """
        if self._task is not None:
            raise AlreadyStartedError(
                problem="Versions are retired already.", remedy="Start it once, or stop it first."
            )
        self._task = asyncio.create_task(self._go_on(), name="timescape-retirement")

    async def stop(self) -> None:
        """Look no more; twice is once."""
        self._stopped.set()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._workers.close()

    async def look(self, *, dry_run: bool = False) -> Sequence[Judged]:
        """Look once; say of each active version what becomes of it.

        Args:
            dry_run: change nothing.

        Raises:
            EventStoreError: the log cannot be read or written.
        """
        serving = self._controller.serving
        judged: Sequence[Judged] = await self._workers.run(
            lambda: self._look(serving, dry_run=dry_run)
        )
        return judged

    async def _go_on(self) -> None:
        while True:
            try:
                retired = [each for each in await self.look() if each.retires]
            except (EventStoreError, RoutesError) as error:
                _log.warning("versions not looked at: code=%s", error.code)
                retired = []
            for each in retired:
                _log.info("version retired: version=%s reason=%s", each.version, each.retires)
            await asyncio.sleep(EACH_S)

    def _look(self, serving: frozenset[str], *, dry_run: bool) -> Sequence[Judged]:
        desk, now_us = self._desk(dry_run=dry_run), self._clock()
        usage = self._read(now_us, max(desk.table.policy.idle_s, _WEEK_S))
        if usage is None:
            # Of half a log nobody can say what is not used.
            return ()
        judged, _ = desk.retire(
            lambda version: usage.use(version, now_us),
            in_flight=serving | usage.in_flight,
            spared=subscribers(desk.table),
        )
        return judged

    def _read(self, now_us: int, window_s: int) -> Usage | None:
        """Read on, or anew where a longer time counts than before; None: it was stopped."""
        since_us = now_us - window_s * 1_000_000
        if self._usage is None or since_us < self._since_us:
            self._usage, self._since_us = Usage(self._store, since_us), since_us
        ended = self._usage.read_on(now_us, lambda: not self._stopped.wait(_PAUSE_S))
        return self._usage if ended else None
