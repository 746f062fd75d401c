"""How long the write-ahead log is, and when it is to be brought over into the file (WR-7)."""

import logging
from collections.abc import Iterable
from pathlib import Path

LOG = logging.getLogger("eventstore")
PASSIVE_BYTES = 4 << 20
TRUNCATE_BYTES = 64 << 20
WARN_BYTES = 256 << 20
LOOK_BYTES = 64 << 10
FRAME_BYTES = 4_120

# What a flush writes beside its text: a page each of table, index and log row, at least.
_FLUSH_BYTES = 4 * FRAME_BYTES


class Wal:
    """What is known of one store's write-ahead log.

    Args:
        path: of the store.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}-wal")
        self._waiting = PASSIVE_BYTES
        """What may not be in the file itself, roughly: other programs may have left it."""
        self._unseen = LOOK_BYTES
        """What was written, roughly, since somebody looked how long it is."""
        self._cut_at = TRUNCATE_BYTES

    def wants_passive(self) -> bool:
        """Say whether it is worth bringing over what is there, once there is time."""
        return self._waiting >= PASSIVE_BYTES

    def wants_truncate(self) -> bool:
        """Say whether it is so long that it has to be cut."""
        if self._unseen < LOOK_BYTES:
            return False
        if self._size() >= self._cut_at:
            return True
        self._unseen = 0
        return False

    def flushed(self, sizes: Iterable[int]) -> None:
        """Note texts that one flush wrote, by their bytes."""
        self._wrote(_FLUSH_BYTES + sum(sizes) * 5 // 4)

    def moved(self, pages: int) -> None:
        """Note pages that were given back."""
        self._wrote(pages * FRAME_BYTES)

    def _wrote(self, size: int) -> None:
        self._waiting += size
        self._unseen += size

    def checkpointed(self, *, busy: bool, frames: int, done: int) -> None:
        """Note what a checkpoint gave: whether somebody was in its way, and how far it came."""
        self._waiting = max(frames - done, 0) * FRAME_BYTES
        # While somebody looks on it stays as long as it is, though all of it was brought over:
        # look again once it has grown a little, not all the time.
        size = self._size()
        self._cut_at = TRUNCATE_BYTES
        if busy and size >= TRUNCATE_BYTES:
            self._cut_at = size + PASSIVE_BYTES
        if self._waiting > WARN_BYTES:
            LOG.warning("wal_grows path=%s bytes=%d", self._path, self._waiting)

    def _size(self) -> int:
        # Asked for, not added up: how many pages a row touches nobody knows beforehand.
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0
