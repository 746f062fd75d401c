"""Files with rows that left the table `commits`: which there are, and looking into one.

A segment is an SQLite file of the same tables, and is never changed: what has to change, by
a redaction, becomes another file. So it is opened as immutable, which makes no files
beside it.

Source: AR-2, AR-3.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import msgspec
import sqlalchemy as sa

from eventstore.errors import EventStoreError
from eventstore.identifiers import StreamId
from eventstore.sql import failures
from eventstore.sql.texts import id_of, run

_COLUMNS = (
    "id, first_pos, last_pos, min_stream, max_stream, forks, event_pos, file, bytes, sha256,"
    " unloaded"
)
_INSERT = (
    f"INSERT INTO segments ({{log_id}}{_COLUMNS})"  # noqa: S608 - columns
    " VALUES ({its_id}?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SETTINGS = {"query_only": 1, "trusted_schema": 0, "cell_size_check": 1, "mmap_size": 0}


class Segment(msgspec.Struct, frozen=True):
    """A file of archived rows: the columns of table `segments`."""

    id: int
    first_pos: int
    last_pos: int
    min_stream: str
    max_stream: str
    forks: int
    """Streams in it that go on from another one."""
    event_pos: int
    """Of the fact `maintenance.archived`."""
    file: str
    """Its name in the folder of segments."""
    size: int
    """In bytes."""
    sha256: bytes
    unloaded: int = 0
    """1 once none of its rows is in `commits` any more."""


def where(
    connection: sa.Connection, condition: str = "TRUE", values: tuple[object, ...] = ()
) -> list[Segment]:
    """Return segments, oldest first."""
    text = f"SELECT {_COLUMNS} FROM segments WHERE {{log}} {condition} ORDER BY first_pos, id"  # noqa: S608
    return [
        Segment(id_, first, last, id_of(least).hex, id_of(most).hex, *rest)
        for id_, first, last, least, most, *rest in run(connection, text, values).all()
    ]


def covering(connection: sa.Connection, stream: StreamId) -> list[Segment]:
    """Return the segments that may hold *stream*."""
    return where(connection, "min_stream <= ? AND max_stream >= ?", (stream.hex, stream.hex))


def between(connection: sa.Connection, first: int, last: int) -> list[Segment]:
    """Return the segments with rows that may begin from position *first* to *last*."""
    return where(connection, "last_pos >= ? AND first_pos <= ?", (first, last))


def insert(connection: sa.Connection, segment: Segment) -> None:
    """Store *segment*, in the place of the one with its id."""
    run(connection, "DELETE FROM segments WHERE {log} id = ?", (segment.id,))
    run(connection, _INSERT, msgspec.structs.astuple(segment))


def mark_unloaded(connection: sa.Connection, segment: int) -> None:
    """Say that no row of the segment is in `commits` any more."""
    run(connection, "UPDATE segments SET unloaded = 1 WHERE {log} id = ?", (segment,))


def unloaded_to(connection: sa.Connection, segment: int) -> int:
    """Return the position up to which the rows of the segment left `commits`."""
    sql = "SELECT max(last_pos) FROM tombstones WHERE {log} segment = ?"
    return int(run(connection, sql, (segment,)).scalar() or 0)


def has_stream(connection: sa.Connection, stream: StreamId) -> bool:
    """Say whether table `commits` there has rows of *stream*."""
    sql = "SELECT 1 FROM commits WHERE stream = ? LIMIT 1"
    return run(connection, sql, (stream.hex,)).first() is not None


@contextmanager
def opened_file(file: Path) -> Iterator[sa.Connection]:
    """Look into an SQLite *file* that nobody changes."""
    with failures.translating(file), engine_of(file).connect() as connection:
        yield connection


def engine_of(file: Path) -> sa.Engine:
    """Return what opens an SQLite *file* that nobody changes; it keeps no connection open."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(file))}?mode=ro&immutable=1",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        for name, value in _SETTINGS.items():
            connection.execute(f"PRAGMA {name} = {value}")
        return connection

    return sa.create_engine(
        "sqlite://", creator=connect, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT"
    )


def segment_missing(file: Path) -> EventStoreError:
    """Say that archived rows are not there."""
    return EventStoreError(
        "segment-missing",
        f"The archived rows in {file} are not there.",
        "Put the file back where it was, or name the folder that it is in; what is not archived"
        " can be read without it.",
        {"path": str(file)},
    )
