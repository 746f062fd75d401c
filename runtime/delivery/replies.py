"""Hands results of messages to those who wait for them (QF-12).

A result is what the log says that a delivery answered: its acknowledgement and the answer,
which are recorded together. The log is read from before the message is in it, and as long as
somebody waits: a result that is there first is found, whichever process wrote it, and one
that comes late stays in the log and disturbs nobody.
"""

import asyncio
import contextvars
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from eventstore import EventStoreError, Row, Store, StreamId
from eventstore.subscription import Subscription
from runtime.context import REQUEST
from runtime.effects import Workers
from runtime.errors import RequestStoppedError
from runtime.facts import Json, ResponseSent
from runtime.queue_facts import MessageAcknowledged

LOOK_S = 0.25
"""Between two looks for what other processes wrote; of what this one does, it is told."""


class Replies:
    """The results that are waited for in an app, on its event loop.

    Args:
        store: the log.
        reader: a thread for reading it.
    """

    def __init__(self, store: Store, reader: Workers) -> None:
        self._store = store
        self._reader = reader
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._acknowledged: dict[StreamId, str] = {}
        """Deliveries of which the answer is not read yet, and their messages."""
        self._beginning = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._closed = False

    @asynccontextmanager
    async def expected(self, id_: str) -> AsyncIterator["asyncio.Future[Json]"]:
        """Look for the result of a message in the block, in which it is published.

        Args:
            id_: of the message.

        Yields:
            Gets the result: JSON, None if nothing was answered. It raises `EventStoreError`
            if the log cannot be read, and `RequestStoppedError` when the app stops.
        """
        result: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[id_] = result
        try:
            await self._begin()
            yield result
        finally:
            self._waiting.pop(id_, None)
            if result.done() and not result.cancelled():
                # Who was interrupted does not look at it any more.
                result.exception()

    def wake(self) -> None:
        """Look soon: something was written."""
        self._woken.set()

    async def stop(self) -> None:
        """Look once more, and send those away who still wait."""
        self._closed = True
        self.wake()
        if self._reading is not None:
            await self._reading

    async def _begin(self) -> None:
        async with self._beginning:
            self._refuse_closed()
            if self._reading is None:
                pages: Subscription = await self._reader.run(self._from_here)
                self._refuse_closed()
                # Of no request: it outlives the one that happens to ask first.
                work = self._read(pages)
                loop = asyncio.get_running_loop()
                self._reading = loop.create_task(work, context=contextvars.Context())

    def _refuse_closed(self) -> None:
        if self._closed:
            raise RequestStoppedError("shutting-down")

    def _from_here(self) -> Subscription:
        after = self._store.cursor_at()
        return self._store.subscribe("results", after=after, kinds=[REQUEST.name])

    async def _read(self, pages: Subscription) -> None:
        try:
            while self._waiting:
                self._woken.clear()
                while (page := await self._reader.run(pages.poll)) is not None:
                    for row in page.rows:
                        self._look(row)
                if self._closed:
                    self._send_away(RequestStoppedError("shutting-down"))
                    return
                await self._pause()
        except EventStoreError as error:
            self._send_away(error)
        finally:
            self._reading = None
            self._acknowledged.clear()
            pages.close()

    def _send_away(self, error: Exception) -> None:
        for result in self._waiting.values():
            if not result.done():
                result.set_exception(error)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(LOOK_S):
                await self._woken.wait()
        except TimeoutError:
            return

    def _look(self, row: Row) -> None:
        if row.parent is not None:
            # A copy, made to be looked at: nothing in it counts.
            return
        for event in row.events:
            if event.type == MessageAcknowledged.type and event.key in self._waiting:
                self._acknowledged[row.stream] = event.key
            elif event.type == ResponseSent.type and row.stream in self._acknowledged:
                result = self._waiting.get(self._acknowledged.pop(row.stream))
                if result is not None and not result.done():
                    result.set_result(event.data.body)
