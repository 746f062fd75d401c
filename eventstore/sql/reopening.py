"""Open an export in place of the store it came from: read it, and nothing else.

The file may be anybody's. Before a row of it is read its tables are compared with ours, so
that no view or trigger of another's runs, and all of it is verified by its own hashes.
What ties its rows to those that it does not have is in its proofs; that none is missing at
its end cannot be told from it.

Source: AR-4.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from eventstore.codec import Registry
from eventstore.drafts import Drafting
from eventstore.events import Verdict
from eventstore.identifiers import Clock, Ids, StreamId
from eventstore.names import NameBook
from eventstore.sql import blanks, exports, importing, offline, seal_keys
from eventstore.sql.folding import Folds
from eventstore.sql.reader import Reader
from eventstore.sql.store import SqlStore
from eventstore.sql.tables import REVISIONS
from eventstore.sql.watch import File, FileWatch
from eventstore.store import Store

Progress = Callable[[int, int], None]
_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"


class ExportStore(SqlStore):
    """An export as a store to read. It verifies as the export that it is."""

    export_file: Path

    def verify(
        self, first: int = 1, last: int | None = None, progress: Progress | None = None
    ) -> Verdict:
        """Check all rows of the file, whichever are asked for."""
        return offline.verify_export(self.export_file, progress)

    def verify_since_seal(self, progress: Progress | None = None) -> Verdict:
        """Check all rows of the file."""
        return offline.verify_export(self.export_file, progress)

    def verify_stream(self, stream: StreamId, progress: Progress | None = None) -> Verdict:
        """Check all rows of the file."""
        return offline.verify_export(self.export_file, progress)


def open_export(file: Path, url: str, *, registry: Registry, clock: Clock, ids: Ids) -> Store:
    """Open the export *file* to be read. The caller closes it.

    Args:
        file: that `Store.export` wrote. Nobody changes it meanwhile.
        url: what it is called in messages.
        registry: kinds of streams and types of events.
        clock: gives the time.
        ids: gives new ids.

    Raises:
        EventStoreError: `not-an-export`, `export-broken`, `store-damaged`.
    """
    registry.check()
    with exports.opened(file) as connection:
        require_own_tables(file, connection)
    verdict = offline.verify_export(file)
    if verdict.fault is not None:
        raise importing.broken(file, verdict.position or 0, verdict.detail)
    book = NameBook(registry, guest=True)
    reader = Reader(File(file, seal_keys.file_of(file)), registry, book)
    drafting = Drafting(registry, book, clock, ids, None)
    store = ExportStore(url, reader, Folds(reader, registry), drafting, FileWatch(file))
    store.export_file = file
    return store


def require_own_tables(file: Path, connection: sa.Connection) -> None:
    """Refuse an export with tables, views or triggers that no version of this program made.

    Raises:
        EventStoreError: `not-an-export`.
    """
    found = [tuple(row) for row in connection.exec_driver_sql(_SCHEMA).all()]
    if not any(found == _own_tables(revision) for revision in reversed(REVISIONS[1:])):
        raise exports.not_an_export(file, "its tables are not those of this program")


@cache
def _own_tables(revision: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(blanks.blank(revision))
        for statement in exports.TABLES:
            connection.execute(statement)
        return [tuple(row) for row in connection.execute(_SCHEMA)]
