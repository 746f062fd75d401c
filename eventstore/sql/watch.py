"""What an SQLite file gives its readers, subscriptions and saved cursors."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import sqlalchemy as sa

from eventstore.following import PAUSES_S
from eventstore.sql import connections, failures, seal_keys, shelf
from eventstore.sql.files import WriteLock


class File:
    """An SQLite file, as `eventstore.sql.reader.Backend`.

    Args:
        path: of the store.
        keys: file that holds the keys which seal it.
    """

    def __init__(self, path: Path, keys: Path) -> None:
        self.place = path
        self.shelf = shelf.beside(path)
        self._keys = keys

    def engine(self) -> sa.Engine:
        return connections.reader_engine(self.place)

    def translating(self) -> AbstractContextManager[None]:
        return failures.translating(self.place)

    def anchors(self) -> Iterable[bytes]:
        return seal_keys.keys(self._keys)


class FileWatch:
    """The `eventstore.sql.feed.Watch` of an SQLite file."""

    pauses_s = PAUSES_S

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = connections.reader_engine(path)
        self._watch: sa.Connection | None = None
        """The one connection whose `data_version` is looked at: of others it would differ."""
        self._write_lock: WriteLock | None = None
        self._writer: sa.Connection | None = None

    def version(self) -> int:
        with failures.translating(self._path):
            if self._watch is None:
                self._watch = self._engine.connect()
            return int(self._watch.exec_driver_sql("PRAGMA data_version").scalar_one())

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Have the file to oneself, as every writer of it must (WR-8)."""
        if self._write_lock is None:
            self._write_lock = WriteLock(self._path)
        with failures.translating(self._path), self._write_lock:
            if self._writer is None:
                # A cursor that a power cut takes back means pages that come again.
                self._writer = connections.open_writer(self._path, "NORMAL")
            yield self._writer

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()
        self._engine.dispose()
        if self._writer is not None and self._write_lock is not None:
            with self._write_lock:
                self._writer.close()
        if self._write_lock is not None:
            self._write_lock.close()
