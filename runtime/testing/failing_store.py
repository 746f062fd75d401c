"""A log in memory that is full, or dies with its process, when a test says so (TH-10)."""

from collections.abc import Sequence
from typing import Any

from eventstore import EventStoreError, NewEvent, StreamId
from eventstore.memory import MemoryStore
from eventstore.memory_ticket import MemoryTicket


class FailingStore(MemoryStore):
    """See `Faults` for what is planned here."""

    full_left = 0
    """Commits that find the log full."""
    crash_at: int | str | None = None
    """Which commit from now on, or the first with such a fact, finds the process dead."""
    is_dead = False
    """Nothing is written any more."""

    def append(self, stream: StreamId, events: Sequence[NewEvent], **how: Any) -> MemoryTicket:
        """Append, unless something goes wrong; see `Store.append`."""
        if self._dies(events):
            self.crash_at, self.is_dead = None, True
        if self.is_dead:
            # What a process leaves that was killed: what it had committed, and no more.
            problem = "The process died here, because the test said so."
            return MemoryTicket(EventStoreError("log-failed", problem, "Call reopen().", {}))
        if self.full_left:
            self.full_left -= 1
            problem = "There is no space left, because the test said so."
            return MemoryTicket(EventStoreError("store-full", problem, "It passes by itself.", {}))
        return super().append(stream, events, **how)

    def _dies(self, events: Sequence[NewEvent]) -> bool:
        if isinstance(self.crash_at, int):
            self.crash_at -= 1
            return self.crash_at == 0
        return any(event.type == self.crash_at for event in events)

    @property
    def unmet(self) -> list[str]:
        """What was planned and never happened."""
        found = [] if self.crash_at is None else [f"crash_at {self.crash_at}"]
        return [*found, *([f"store_full ({self.full_left} left)"] if self.full_left else [])]
