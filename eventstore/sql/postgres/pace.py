"""When a commit waits for the disk, and when the lease of a holder is to be extended."""

import time
from collections.abc import Sequence

from eventstore.drafts import Draft
from eventstore.sql.log_file import BOUNDED_S
from eventstore.sql.postgres.lease import RENEW_S


class Pace:
    """Keeps the times that the writer goes by.

    Args:
        durability: `fsync`, `bounded`, `process` or `volatile`.
        holds: whether there is a lease.
    """

    def __init__(self, durability: str, *, holds: bool) -> None:
        self.syncs_when_idle = durability != "volatile"
        """Whether a write without an append waits for the disk."""
        self._durability = durability
        self._holds = holds
        self._unsynced = False
        self._synced_s = self._extended_s = time.monotonic()

    def is_durable(self, drafts: Sequence[Draft]) -> bool:
        """Say whether the commit of *drafts* is to wait for the disk (WR-3, WR-4)."""
        if self._durability == "fsync" or any(draft.durable for draft in drafts):
            return True
        return self._durability == "bounded" and time.monotonic() - self._synced_s >= BOUNDED_S

    def note(self, *, durable: bool) -> None:
        """Take down that a commit was done."""
        self._unsynced = not durable
        if durable:
            self._synced_s = time.monotonic()

    def note_extended(self) -> None:
        """Take down that the lease was extended, or that this was tried."""
        self._extended_s = time.monotonic()

    def begin(self) -> None:
        """Take down that there is a lease from now on."""
        self._holds = True
        self.note_extended()

    def stop(self) -> None:
        """Take down that there is no lease any more."""
        self._holds = False

    def wants_sync(self) -> bool:
        """Say whether commits wait for a sync that they were promised."""
        return self._unsynced and self._durability != "volatile"

    def due_s(self) -> float | None:
        """Return in how many seconds a write is due (WR-4, PG-2); None: none is."""
        due_s = []
        if self._durability == "bounded" and self._unsynced:
            due_s.append(self._synced_s + BOUNDED_S)
        if self._holds:
            due_s.append(self._extended_s + RENEW_S)
        return max(min(due_s) - time.monotonic(), 0.0) if due_s else None
