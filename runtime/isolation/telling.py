"""Writes what happens to the modules of an app into their stream."""

import logging
from collections.abc import Callable

from eventstore import ANY, Clock, EventStoreError, Ids, NewEvent, Store, StreamId, Ticket
from runtime.context import CONTROL
from runtime.facts import CapabilityDenied, Fact

_log = logging.getLogger("timescape")


class Teller:
    """Writes what happens to modules into their stream.

    Args:
        store: the log.
        stream: of the app's modules.
        clock: gives the time of facts.
        ids: gives chance.
        noticed: called whenever something happened.
    """

    def __init__(
        self,
        store: Store,
        stream: StreamId,
        clock: Clock,
        ids: Ids,
        noticed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._stream = stream
        self._clock = clock
        self._ids = ids
        self._noticed = noticed
        self._starts = 0
        self._last: Ticket | None = None

    def tell(self, fact: Fact, key: str) -> None:
        """Write *fact* down; a log that takes nothing any more does not stop a module."""
        self._write(fact, key)
        self._noticed()

    def _write(self, fact: Fact, key: str) -> None:
        event = NewEvent(fact.type, fact, key, self._clock())
        try:
            self._last = self._store.append(
                self._stream, [event], kind=CONTROL.name, expected=ANY, durable=True
            )
        except EventStoreError as error:
            _log.error("module fact lost: module=%s fact=%s code=%s", key, fact.type, error.code)

    def deny(self, module: str, kind: str, argument: str, request_id: str) -> None:
        """Tell that *module* asked for what it may not have."""
        self._write(CapabilityDenied(module, kind, argument, request_id), argument[:64] or kind)

    def chance(self) -> float:
        """Give a number from 0 to 1."""
        return int.from_bytes(self._ids.token(4), "big") / 2**32

    def next_start(self) -> int:
        """Count a start."""
        self._starts += 1
        return self._starts

    async def durable(self) -> None:
        """Wait until the log has all of it, or will take nothing any more."""
        last, self._last = self._last, None
        try:
            if last is not None:
                await last.durable()
        except EventStoreError as error:
            _log.error("module facts lost: code=%s", error.code)
