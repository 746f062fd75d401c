"""Make an empty store the log of a whole export, with its id, positions and seals.

Source: AR-4, LG-4.
"""

from pathlib import Path

import msgspec
import sqlalchemy as sa

from eventstore.codec import Registry
from eventstore.drafts import Drafting
from eventstore.errors import EventStoreError
from eventstore.events import Imported
from eventstore.identifiers import Clock, Ids, Position
from eventstore.names import NameBook
from eventstore.retention import RestoredFact
from eventstore.sql import files, packing, revisions
from eventstore.sql.maintaining import MaintainedLog
from eventstore.sql.points import crash_point

EMPTIED = ("commits", "names", "seals", "tombstones", "cursors", "keyframes", "reducers")
FILLED = ("commits", "names", "seals", "tombstones")
PAGE_ROWS = 1_000


class Whole(msgspec.Struct, frozen=True):
    """An export of a whole log, and what a log is opened with."""

    file: Path
    source: sa.Connection
    """To the file."""
    registry: Registry
    clock: Clock
    ids: Ids

    def fresh(self) -> tuple[NameBook, Drafting]:
        """Return names and drafts of a log about which nothing is known."""
        book = NameBook(self.registry)
        return book, Drafting(self.registry, book, self.clock, self.ids)

    def log(self) -> tuple[str, int, int, bytes, int]:
        """Return uid, epoch, next position, head and age of the log."""
        text = "SELECT uid, epoch, next_pos, head, created_us FROM log"
        uid, epoch, next_pos, head, created_us = self.source.exec_driver_sql(text).one()
        return uid, epoch, next_pos, head, created_us

    def rows(self, table: str) -> sa.CursorResult[tuple[object, ...]]:
        """Return all rows of a table, in order."""
        return self.source.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608 - ours

    def fact(self) -> RestoredFact:
        """Return the fact that all of it came."""
        _, epoch, next_pos, _, _ = self.log()
        return RestoredFact(next_pos - 1, epoch, packing.hash_of(self.file).hex())

    def told(self, position: Position) -> Imported:
        """Return what came of it; the fact is at *position*."""
        counts = "SELECT count(DISTINCT stream), count(*), sum(n) FROM commits"
        streams, rows, events = self.source.exec_driver_sql(counts).one()
        return Imported(True, streams, rows, events, 0, 0, position)  # noqa: FBT003


def restore(path: Path, whole: Whole) -> Imported | None:
    """Make the file *path* that log; None: it is a store that is not empty, or in use."""
    revisions.require_current(path)
    try:
        holder = files.HolderLock(path, whole.clock())
    except EventStoreError as error:
        if error.code != "store-held":
            raise
        return None
    write_lock = files.WriteLock(path)
    try:
        with write_lock:
            return _become(path, whole)
    finally:
        write_lock.close()
        holder.close()


def _become(path: Path, whole: Whole) -> Imported | None:
    book, drafting = whole.fresh()
    log_file = MaintainedLog(path, whole.registry, book, drafting, durability="fsync", guest=True)
    try:
        if not log_file.is_empty():
            return None
        crash_point("import.before")
        position = log_file.become(lambda connection: _copy(whole, connection), *whole.fresh())
        crash_point("import.after")
    finally:
        log_file.close()
    return whole.told(position)


def _copy(whole: Whole, connection: sa.Connection) -> RestoredFact:
    """Put what the export holds in the place of what the store does."""
    for table in EMPTIED:
        connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 - ours
    for table in FILLED:
        rows = whole.rows(table)
        while page := rows.fetchmany(PAGE_ROWS):
            marks = ",".join("?" * len(page[0]))
            connection.exec_driver_sql(
                f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608 - ours
                [tuple(row) for row in page],
            )
    connection.exec_driver_sql("DELETE FROM log")
    connection.exec_driver_sql("INSERT INTO log VALUES (1, ?, ?, ?, ?, 0, 1, 1, ?)", whole.log())
    return whole.fact()
