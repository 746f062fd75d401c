"""Write rows of a log, wherever it is, into an SQLite file of the same tables.

Exports and segments are such files. They get their names once they are on the disk.
"""

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec
import sqlalchemy as sa

from eventstore.chain import StoredRow
from eventstore.seals import Seal
from eventstore.sql import tail
from eventstore.sql.history import Tombstone
from eventstore.sql.texts import id_of, run, spelled

_COLUMNS = spelled(tail.COLUMNS, "sqlite")
_INSERT = f"INSERT INTO commits ({_COLUMNS}) VALUES ({','.join('?' * 17)})"  # noqa: S608
_NAMES = "SELECT id, kind, name, version, fingerprint FROM names WHERE {log} TRUE ORDER BY id"
_LOG = "SELECT uid, epoch, next_pos, head, created_us FROM log WHERE {log} TRUE"
_STREAM, _PARENT = 2, 10


def rows(target: sqlite3.Connection, found: Iterable[StoredRow]) -> None:
    """Write rows."""
    target.executemany(_INSERT, [columns_of(row) for row in found])


def names(target: sqlite3.Connection, source: sa.Connection) -> None:
    """Write all names of the log."""
    found = [tuple(row) for row in run(source, _NAMES).all()]
    target.executemany("INSERT INTO names VALUES (?,?,?,?,?)", found)


def log(target: sqlite3.Connection, source: sa.Connection, end: tuple[int, bytes] | None) -> None:
    """Write what the log says of itself; *end*: that it is to say of where it ends."""
    uid, epoch, next_pos, head, created_us = run(source, _LOG).one()
    next_pos, head = end or (next_pos, head)
    said = (id_of(uid).hex, epoch, next_pos, head, created_us)
    target.execute("INSERT INTO log VALUES (1, ?, ?, ?, ?, 0, 1, 0, ?)", said)


def seals(target: sqlite3.Connection, found: Sequence[Seal]) -> None:
    """Write seals."""
    values = [(s.last_pos, s.first_pos, s.note, s.marks, s.key, s.signature) for s in found]
    target.executemany("INSERT INTO seals VALUES (?,?,?,?,?,?)", values)


def tombstones(target: sqlite3.Connection, found: Iterable[Tombstone]) -> None:
    """Write tombstones."""
    values = [msgspec.structs.astuple(stone) for stone in found]
    target.executemany("INSERT INTO tombstones VALUES (?,?,?,?,?,?,?)", values)


def columns_of(row: StoredRow) -> tuple[object, ...]:
    """Return *row* as SQLite keeps it: ids as 32 hex digits."""
    values = list(msgspec.structs.astuple(row))
    values[_STREAM] = row.stream.hex
    values[_PARENT] = row.parent.hex if row.parent is not None else None
    return tuple(values)
