"""The promise of an append that is done at once."""

from collections.abc import Sequence

from eventstore.chain import StoredRow
from eventstore.errors import EventStoreError
from eventstore.events import Commit
from eventstore.identifiers import Position, Revision


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


def commit_of(rows: Sequence[StoredRow], *, duplicate: bool = False) -> Commit:
    """Say where the events of *rows* stand, which are a commit."""
    first, last = rows[0], rows[-1]
    return Commit(
        stream=first.stream,
        first=Revision(first.revision),
        last=Revision(last.next_revision - 1),
        position=Position(first.pos),
        at_us=last.at_us,
        chain=last.chain,
        duplicate=duplicate,
    )
