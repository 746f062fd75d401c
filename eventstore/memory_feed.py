"""What the memory store gives its subscriptions: see `eventstore.following.Feed`."""

import threading
from collections.abc import Callable, Sequence
from uuid import UUID

from eventstore import refusals
from eventstore.chain import StoredRow, genesis
from eventstore.cursors import Cursor, Mark
from eventstore.events import Row
from eventstore.following import PAGE_ROWS, PAUSES_S, Found


class MemoryFeed:
    """A feed of rows in a list.

    Args:
        log: its id.
        rows: all rows, as they grow.
        lock: held while they do.
        read: gives a row as it is read.
        check_open: raises when the store is closed.
        note: appends the fact that a cursor was reset, given name, old and new text.
    """

    pauses_s = PAUSES_S

    def __init__(
        self,
        log: UUID,
        rows: Sequence[StoredRow],
        lock: threading.RLock,
        read: Callable[[StoredRow], Row],
        check_open: Callable[[], None],
        note: Callable[[str, str, str], None],
    ) -> None:
        self.log = log
        self._rows = rows
        self._lock = lock
        self._read = read
        self._check_open = check_open
        self._note = note
        self._cursors: dict[str, Mark] = {}

    def version(self) -> int:
        self._check_open()
        return len(self._rows)

    def page(self, after: Mark, kinds: Sequence[int]) -> Found:
        with self._lock:
            before = [row for row in self._rows if row.pos <= after.position]
            if self._after(before) != after:
                raise refusals.history_forked(self.log, after.position)
            wanted = [row for row in self._rows[len(before) :] if not kinds or row.kind in kinds]
            rows, more = wanted[:PAGE_ROWS], len(wanted) >= PAGE_ROWS
            mark = self._after(rows if more else self._rows)
            return Found([self._read(row) for row in rows], mark, more)

    def beginning(self) -> Mark:
        return self._after([])

    def mark_at(self, position: int | None) -> Mark:
        """Return the mark after the last row up to *position*; None: after all."""
        with self._lock:
            return self._after(
                [row for row in self._rows if position is None or row.next_pos - 1 <= position]
            )

    def mark_by(self, at_us: int) -> Mark:
        """Return the mark after the last row of *at_us* or before it."""
        with self._lock:
            return self._after([row for row in self._rows if row.at_us <= at_us])

    def saved(self, name: str) -> Mark | None:
        return self._cursors.get(name)

    def save(self, name: str, mark: Mark) -> None:
        self._check_open()
        with self._lock:
            saved = self._cursors.get(name)
            if saved is None or saved.position < mark.position:
                self._cursors[name] = mark

    def reset(self, name: str, mark: Mark | None) -> None:
        self._check_open()
        with self._lock:
            self._note(name, self._text(self._cursors.pop(name, None)), self._text(mark))
            if mark is not None:
                self._cursors[name] = mark

    def _after(self, rows: Sequence[StoredRow]) -> Mark:
        """Return the mark after the last of *rows*."""
        if not rows:
            return Mark(0, 0, genesis(self.log))
        return Mark(rows[-1].epoch, rows[-1].next_pos - 1, rows[-1].chain)

    def _text(self, mark: Mark | None) -> str:
        return str(Cursor({self.log: mark})) if mark is not None else ""
