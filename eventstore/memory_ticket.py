"""The promise of an append that is done at once."""

from eventstore.errors import EventStoreError
from eventstore.events import Commit


class MemoryTicket:
    """The outcome of an append, known at once."""

    def __init__(self, outcome: Commit | EventStoreError) -> None:
        self._outcome = outcome

    def result(self, timeout_s: float | None = None) -> Commit:
        """Return the commit, or raise what the append raised."""
        if isinstance(self._outcome, EventStoreError):
            raise self._outcome
        return self._outcome

    async def durable(self) -> Commit:
        """Return the commit, or raise what the append raised."""
        return self.result()
