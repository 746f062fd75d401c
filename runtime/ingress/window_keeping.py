"""Tells the log how windows stand, so that a restart reads a few requests and not a day of them.

What is told is nothing new: every charge stands in the fact of the request that was let in.
"""

import logging
from collections.abc import Iterator
from typing import Final

from eventstore import ANY, Clock, EventStoreError, NewEvent, Store, StreamId, Ticket
from runtime.context import WINDOWS
from runtime.ingress.windows import Windows
from runtime.ingress_facts import KeptWindow, WindowsKept
from runtime.policy_facts import Charged

CHARGES: Final = 1_024
"""After which windows are told."""
SPAN_US: Final = 60_000_000
"""After which they are, if there was one charge."""
_AN_EVENT: Final = 500
_log = logging.getLogger("timescape")


class WindowKeeping:
    """Tells of the windows of one app.

    Args:
        store: the log.
        stream: where they are told.
        windows: all of them.
        clock: gives the time of facts.
    """

    def __init__(self, store: Store, stream: StreamId, windows: Windows, clock: Clock) -> None:
        self._store = store
        self._stream = stream
        self._windows = windows
        self._clock = clock
        self._changed: dict[tuple[int, str, str], KeptWindow] = {}
        self._charges = 0
        self._told_us = clock()
        self._ticket: Ticket | None = None

    def charged(self, handler: str, caller: str, windows: tuple[Charged, ...], now_us: int) -> None:
        """Note that windows were charged; tell of them if it is time."""
        self._note(handler, caller, windows)
        self._charges += 1
        if self._charges >= CHARGES or not 0 <= now_us - self._told_us < SPAN_US:
            self.tell()

    def charged_before(self, handler: str, caller: str, window: Charged) -> None:
        """Note a charge that the log knows of a request, and not of a telling."""
        self._note(handler, caller, (window,))

    def _note(self, handler: str, caller: str, windows: tuple[Charged, ...]) -> None:
        for each in windows:
            key = each.window_s, handler, caller
            known = self._changed.get(key)
            if known is None or (known.start, known.used) < (each.start, each.used):
                self._changed[key] = KeptWindow(
                    handler, caller, each.window_s, each.start, each.used
                )

    def tell(self, *, last: bool = False) -> None:
        """Tell of all windows that changed since the last time.

        Args:
            last: no request comes after it: told even if it is nothing, so that none of those
                before is read at the next start.
        """
        self._charges, self._told_us = 0, self._clock()
        whole = self._ticket is not None and _was_lost(self._ticket)
        told = list(self._windows.kept() if whole else self._changed.values())
        if not told and not last:
            return
        # A commit for all: they are told up to its position or not at all.
        events = list(self._events(told))
        try:
            self._ticket = self._store.append(self._stream, events, kind=WINDOWS.name, expected=ANY)
        except EventStoreError as error:
            _log.warning("windows not told: n=%d code=%s", len(told), error.code)
            return
        self._changed.clear()

    def _events(self, told: list[KeptWindow]) -> Iterator[NewEvent]:
        at_us = self._told_us
        for begin in range(0, len(told) or 1, _AN_EVENT):
            fact = WindowsKept(tuple(told[begin : begin + _AN_EVENT]))
            yield NewEvent(fact.type, fact, None, at_us)


def _was_lost(ticket: Ticket) -> bool:
    try:
        ticket.result(0)
    except (EventStoreError, TimeoutError):
        return True
    return False
