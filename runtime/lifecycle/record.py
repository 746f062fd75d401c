"""Write down what happens to one request, and say how it stands.

Facts gather in memory and are committed together (EF-8). The state is their fold, by
the same `Folding` as everywhere, and is caught up with only when somebody asks.
"""

import logging
import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

from eventstore import Clock, EventStoreError, NewEvent, Revision, Store, StreamId, Ticket
from runtime.context import REQUEST, Folding
from runtime.context.keys import STREAM_FACTS, STREAM_FACTS_WARNING
from runtime.errors import ContextClosedError, StreamTooLongError
from runtime.facts import Fact
from runtime.secrets import Scrubber

ROW_EVENTS = 256
_RESERVE = 1_000
"""Of a stream's facts, kept for the failure path of a request that wrote too many."""
_log = logging.getLogger("timescape")


class Lease(Protocol):
    """The right of some user code to write facts; it ends before the code must."""

    open: bool


class Recorder:
    """The facts of one stream, from the first on. Safe to use from any thread.

    Args:
        stream: where the facts go.
        store: which log.
        clock: read once a fact.
    """

    __slots__ = (
        "_clock", "_committed", "_folded", "_folding", "_last_us", "_lock", "_store", "_tickets",
        "events", "failing", "failure", "scrubber", "stream",
    )  # fmt: skip

    def __init__(self, stream: StreamId, store: Store, clock: Clock) -> None:
        self.stream = stream
        self.events: list[NewEvent] = []
        """All facts so far; the n-th has revision n."""
        self.failing = False
        """Whether the failure path runs, which may use the reserve."""
        self.failure: EventStoreError | None = None
        """Why the log refused; nothing more is committed then."""
        self.scrubber: Scrubber | None = None
        """Takes secrets out of what is handed to the log; None: there are none."""
        self._store = store
        self._clock = clock
        self._committed = 0
        self._last_us = 0
        self._folding: Folding | None = None
        self._folded = 0
        self._tickets: list[Ticket] = []
        self._lock = threading.RLock()

    def go_on_from(self, events: list[NewEvent]) -> None:
        """Go on with a stream that has *events*, and is not closed; before anything is added."""
        self.events = events
        self._committed = len(events)
        self._last_us = events[-1].at_us

    @property
    def revision(self) -> Revision:
        """How many facts there are."""
        return Revision(len(self.events))

    def add(self, fact: Fact, key: str | None = None, site: str | None = None) -> None:
        """Write down *fact*, now."""
        with self._lock:
            at_us = self._clock()
            if at_us < self._last_us:  # noqa: PLR1730 - `max` takes twice as long
                # The wall clock may step back; within a stream time does not.
                at_us = self._last_us
            self._last_us = at_us
            events = self.events
            events.append(NewEvent(fact.type, fact, key, at_us, site))
            if len(events) - self._committed >= ROW_EVENTS:
                self.commit()

    def add_together(self, facts: Iterable[tuple[Fact, str | None]]) -> None:
        """Write down facts that happen at one time."""
        with self._lock:
            at_us = self._last_us = max(self._clock(), self._last_us)
            self.events += [NewEvent(fact.type, fact, key, at_us) for fact, key in facts]

    def add_for(
        self, lease: Lease, fact: Fact, key: str | None = None, site: str | None = None
    ) -> None:
        """Write down *fact* for user code that holds *lease*.

        Raises:
            ContextClosedError: the lease has ended.
            StreamTooLongError: the stream is full (LC-8).
        """
        with self._lock:
            if not lease.open:
                raise closed()
            if len(self.events) >= STREAM_FACTS - _RESERVE and not self.failing:
                msg = f"The request has {len(self.events)} facts; a stream holds {STREAM_FACTS}."
                raise StreamTooLongError(
                    msg,
                    f"The last {_RESERVE} are kept for its ending. Write less in one request.",
                )
            self.add(fact, key, site)

    def end(self, lease: Lease) -> None:
        """Take *lease* away: what its holder still tries raises `ContextClosedError`."""
        with self._lock:
            lease.open = False

    @property
    def state(self) -> Folding:
        """How the request stands. To be read only."""
        folding = self._folding
        if folding is None or self._folded != len(self.events):
            with self._lock:
                folding = self._folding = self._folding or Folding()
                for i in range(self._folded, len(self.events)):
                    event = self.events[i]
                    folding.add(event.data, event.key, i + 1, event.at_us, event.site)
                self._folded = len(self.events)
        return folding

    def commit(self, *, close: bool = False) -> None:
        """Hand what is new to the log, without waiting; `durable` tells how that went."""
        with self._lock:
            if self.failure is not None or self._committed == len(self.events):
                return
            new: Sequence[NewEvent] = self.events[self._committed :]
            if self.scrubber is not None and self.scrubber.knows:
                new = self.scrubber.events(new)
            try:
                ticket = self._store.append(
                    self.stream,
                    new,
                    kind=REQUEST.name,
                    expected=self._committed,
                    close=close,
                )
            except EventStoreError as error:
                self.failure = error
            else:
                self._tickets.append(ticket)
                if self._committed < STREAM_FACTS_WARNING <= len(self.events):
                    facts = len(self.events)
                    _log.warning("stream is long: stream=%s facts=%d", self.stream.hex, facts)
                self._committed = len(self.events)

    async def durable(self) -> None:
        """Wait until the log has everything that was handed to it.

        Raises:
            EventStoreError: it refused some of it.
        """
        for ticket in self._tickets:
            await ticket.durable()
        if self.failure is not None:
            raise self.failure


def closed() -> ContextClosedError:
    """Return the error for code that outlived its request."""
    return ContextClosedError(
        "The request has ended, or this code was given up after its time was over.",
        "Use the context only while its request runs.",
    )
