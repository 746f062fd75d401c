"""What an SQLite store gives its subscriptions: see `eventstore.following.Feed`."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from eventstore import refusals
from eventstore.cursors import Cursor, Mark
from eventstore.following import Found
from eventstore.sql import connections, failures
from eventstore.sql.files import WriteLock
from eventstore.sql.reader import Reader

_FIND = "SELECT epoch, position, chain FROM cursors WHERE name = ? AND log = ?"
_FORGET = "DELETE FROM cursors WHERE name = ? AND log = ?"
_PUT = (
    "INSERT INTO cursors (name, log, epoch, position, chain) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (name, log) DO UPDATE SET epoch = excluded.epoch, position = excluded.position,"
    " chain = excluded.chain"
)
_PUT_FORWARD = f"{_PUT} WHERE excluded.position > cursors.position"


class SqlFeed:
    """The feed of one open store. Thread-safe.

    Args:
        url: of the store.
        path: of the store.
        reader: of the store.
        note: appends the fact that a cursor was reset, given name, old and new text; None: the
            store is open for reading only.
    """

    def __init__(
        self, url: str, path: Path, reader: Reader, note: Callable[[str, str, str], None] | None
    ) -> None:
        self._url = url
        self._path = path
        self._reader = reader
        self._note = note
        self._lock = threading.Lock()
        self._closed = False
        self._engine = connections.reader_engine(path)
        self._watch: sa.Connection | None = None
        """The one connection whose `data_version` is looked at: of others it would differ."""
        self._write_lock: WriteLock | None = None
        self._writer: sa.Connection | None = None

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._closed = True
            if self._watch is not None:
                self._watch.close()
            self._engine.dispose()
            if self._writer is not None and self._write_lock is not None:
                with self._write_lock:
                    self._writer.close()
            if self._write_lock is not None:
                self._write_lock.close()

    @cached_property
    def log(self) -> UUID:
        """Id of the log."""
        return self._reader.log_id()

    def version(self) -> int:
        with self._lock, failures.translating(self._path):
            self._check_open()
            if self._watch is None:
                self._watch = self._engine.connect()
            return int(self._watch.exec_driver_sql("PRAGMA data_version").scalar_one())

    def page(self, after: Mark, kinds: Sequence[int]) -> Found:
        return self._reader.page(self.log, after, kinds)

    def beginning(self) -> Mark:
        return self._reader.mark_at(self.log, 0)

    def saved(self, name: str) -> Mark | None:
        with failures.translating(self._path), self._engine.connect() as connection:
            row = connection.exec_driver_sql(_FIND, (name, self.log.hex)).first()
        return None if row is None else Mark(*row)

    def save(self, name: str, mark: Mark) -> None:
        self._write(name, _PUT_FORWARD, mark)

    def reset(self, name: str, mark: Mark | None) -> None:
        if self._note is None:
            raise failures.cursor_not_kept(self._url, name)
        # The fact first: a reset that a crash cut short is then told of, and done again.
        self._note(name, self._text(self.saved(name)), self._text(mark))
        self._write(name, _FORGET if mark is None else _PUT, mark)

    def _write(self, name: str, statement: str, mark: Mark | None) -> None:
        values = () if mark is None else (mark.epoch, mark.position, mark.chain)
        with self._writing(name) as connection:
            connection.exec_driver_sql(statement, (name, self.log.hex, *values))

    @contextmanager
    def _writing(self, name: str) -> Iterator[sa.Connection]:
        """Have the file to oneself, as every writer of it must (WR-8)."""
        if self._note is None:
            raise failures.cursor_not_kept(self._url, name)
        with self._lock, failures.translating(self._path):
            self._check_open()
            if self._write_lock is None:
                self._write_lock = WriteLock(self._path)
            with self._write_lock:
                if self._writer is None:
                    # A cursor that a power cut takes back means pages that come again.
                    self._writer = connections.open_writer(self._path, "NORMAL")
                yield self._writer

    def _text(self, mark: Mark | None) -> str:
        return str(Cursor({self.log: mark})) if mark is not None else ""

    def _check_open(self) -> None:
        if self._closed:
            raise refusals.store_closed(self._url)
