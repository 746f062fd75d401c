"""Holds the newest route table of a running app (TS-8).

Whatever this process appends it knows at once. What others append it sees at the next
look, and it looks when a request comes and the last look is 250 ms old.
"""

import asyncio
import logging
import threading

from eventstore import EventStoreError, Store, StreamId
from runtime.control.reading import read_table
from runtime.effects import Workers
from runtime.timescape import RouteTable, fold_table

LOOK_US = 250_000
"""How old a table may be when a request is resolved with it."""
WAIT_S = 1.0
"""How long a request waits for a table that its caller has seen already."""
_PAUSE_S = 0.02
_log = logging.getLogger("timescape")


class Board:
    """The route table of one app, as this process knows it. Thread-safe.

    Args:
        store: the log.
        stream: the control stream of the app.
        table: as it is now; None: it is read.
    """

    def __init__(self, store: Store, stream: StreamId, table: RouteTable | None = None) -> None:
        self._store = store
        self._stream = stream
        self._lock = threading.Lock()
        self.table = table or read_table(store, stream)
        self._looked_us = -LOOK_US
        self._looking = False
        # One thread of its own: the loop's may all wait for something else.
        self._reader = Workers("timescape-control", 1)

    def close(self) -> None:
        """Let go of the thread; after the last request."""
        self._reader.close()

    def adopt(self, table: RouteTable) -> None:
        """Take a newer table; an older one is left."""
        with self._lock:
            if table.revision > self.table.revision:
                self.table = table

    def refresh(self) -> None:
        """Look what the log says now.

        Raises:
            EventStoreError: it cannot be read.
        """
        known = self.table
        if self._store.head(self._stream).revision > known.revision:
            self.adopt(fold_table(self._store.read(self._stream, known.revision + 1), known))

    def is_due(self, now_us: int) -> bool:
        """Say whether it is time to look."""
        return not 0 <= now_us - self._looked_us < LOOK_US

    async def look(self, now_us: int) -> None:
        """Look, without blocking the event loop; who comes meanwhile does not wait.

        A log that cannot be read leaves the table as it is: what is answered with it is
        refused anyway if it cannot be written.
        """
        if not self._looking:
            await self._look()
            self._looked_us = now_us

    async def reached(self, position: int) -> bool:
        """Wait until the table has come to *position* of the log; False: not within 1 s."""
        loop = asyncio.get_running_loop()
        until = loop.time() + WAIT_S
        while self.table.position < position:
            if loop.time() >= until:
                return False
            if not self._looking:
                await self._look()
            if self.table.position < position:
                await asyncio.sleep(_PAUSE_S)
        return True

    async def _look(self) -> None:
        self._looking = True
        try:
            await self._reader.run(self.refresh)
        except EventStoreError as error:
            _log.warning("route table not read: code=%s", error.code)
        finally:
            self._looking = False
