"""The file of an export: what is in it, and how it is opened.

It is an SQLite file of a store's tables under another id, so nobody takes it for a store
and `sqlite3` reads its view `events`. An export of the whole log has all rows in
`commits`, also those that were archived, and the tombstones of those that were dropped.
Another one has the rows of some streams and of the log's own, and in `proofs` what ties
each to the log: the chain value before it, and the path from it to the root of its seal.

Source: AR-4.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import sqlalchemy as sa

from eventstore.errors import EventStoreError
from eventstore.sql import blanks, segments

APPLICATION_ID = 0x54534558
"""At byte 68 of the file: `TSEX`."""
FORM = 1
_ID_AT = 68
_MAGIC = b"SQLite format 3\0"
TABLES = (
    "CREATE TABLE proofs (pos INTEGER PRIMARY KEY, previous BLOB, seal INTEGER, number INTEGER,"
    " path BLOB) STRICT",
    "CREATE TABLE export (only INTEGER PRIMARY KEY CHECK (only = 1), form INTEGER NOT NULL,"
    " whole INTEGER NOT NULL) STRICT",
)


class Proof(msgspec.Struct, frozen=True):
    """What ties a row to the log: the columns of table `proofs`."""

    pos: int
    previous: bytes | None = None
    """Chain value before the row; None: the row before is in the file."""
    seal: int | None = None
    """Last position of the seal over the row; None: it is not sealed, or all its rows are here."""
    number: int | None = None
    """Of the row among those of the seal."""
    path: bytes | None = None
    """See `eventstore.audit_paths`."""


def make(file: Path, *, whole: bool) -> sqlite3.Connection:
    """Make an empty export, readable by its owner only, and open it for writing."""
    # Exclusively: in a folder that others write, a link could lie in wait under this name.
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
        raw.write(blanks.blank())
    connection = sqlite3.connect(file, isolation_level=None)
    # It has no name yet: nobody misses it, and it is synced as a whole when it is done.
    for setting in (
        "journal_mode = OFF",
        "synchronous = OFF",
        f"application_id = {APPLICATION_ID}",
    ):
        connection.execute(f"PRAGMA {setting}")
    for statement in TABLES:
        connection.execute(statement)
    connection.execute("INSERT INTO export VALUES (1, ?, ?)", (FORM, whole))
    return connection


@contextmanager
def opened(file: Path) -> Iterator[sa.Connection]:
    """Look into an export.

    Raises:
        EventStoreError: `not-an-export`, `store-damaged`.
    """
    try:
        with file.open("rb") as raw:
            header = raw.read(_ID_AT + 4)
    except OSError as error:
        raise not_an_export(file, str(error.strerror)) from error
    if not header.startswith(_MAGIC) or int.from_bytes(header[_ID_AT:], "big") != APPLICATION_ID:
        raise not_an_export(file, "`export` has not written it")
    with segments.opened_file(file) as connection:
        form = connection.exec_driver_sql("SELECT form FROM export").scalar()
        if form != FORM:
            raise not_an_export(file, f"its form is {form}, this program knows {FORM}")
        yield connection


def is_whole(connection: sa.Connection) -> bool:
    """Say whether the file holds the whole log."""
    return bool(connection.exec_driver_sql("SELECT whole FROM export").scalar())


def not_an_export(file: Path, reason: str) -> EventStoreError:
    """Say that the file is something else."""
    return EventStoreError(
        "not-an-export",
        f"{file} is no export of a store: {reason}.",
        "Give a file that `timescape export` wrote; a store itself needs no import.",
        {"path": str(file)},
    )
