"""Seals as they are stored, and what the log says of keys and redactions."""

from collections.abc import Iterator
from typing import TypeVar

import msgspec
import sqlalchemy as sa

from eventstore import redaction
from eventstore.codec import from_plain
from eventstore.identifiers import LOG_STREAM
from eventstore.names import TYPE, Name
from eventstore.seals import REKEYED, Rekeying, Seal
from eventstore.sql.texts import run, text_of

T = TypeVar("T", bound=msgspec.Struct)
_COLUMNS = "last_pos, first_pos, note, marks, key, signature"
_INSERT = (
    f"INSERT INTO seals ({{log_id}}{_COLUMNS}) SELECT {{its_id}}?, ?, ?, ?, ?, ?"  # noqa: S608
    " WHERE (SELECT epoch FROM log WHERE {log} TRUE) = ?"
)
_events_of = msgspec.json.Decoder(list[list[msgspec.Raw]]).decode


def last(connection: sa.Connection) -> Seal | None:
    """Return the last seal."""
    return next(_seals(connection, "TRUE ORDER BY last_pos DESC LIMIT 1", ()), None)


def over(connection: sa.Connection, pos: int) -> Seal | None:
    """Return the seal over the row at *pos*, or the first one after it."""
    return next(_seals(connection, "last_pos >= ? ORDER BY last_pos LIMIT 1", (pos,)), None)


def first_pos_due(connection: sa.Connection) -> int:
    """Return the position that the next seal begins at."""
    found = run(connection, "SELECT max(last_pos) + 1 FROM seals WHERE {log} TRUE").scalar()
    return int(found or 1)


def insert(connection: sa.Connection, seal: Seal, epoch: int) -> bool:
    """Store *seal* if the log is still held under *epoch*; say whether it is."""
    row = (seal.last_pos, seal.first_pos, seal.note, seal.marks, seal.key, seal.signature)
    return run(connection, _INSERT, (*row, epoch)).rowcount == 1


def _seals(connection: sa.Connection, where: str, values: tuple[int, ...]) -> Iterator[Seal]:
    columns = _COLUMNS.replace("note", "{raw_note}")
    text = f"SELECT {columns} FROM seals WHERE {{log}} {where}"  # noqa: S608 - ours
    for last_pos, first_pos, note, marks, key, signature in run(connection, text, values).all():
        yield Seal(last_pos, first_pos, text_of(note), marks, key, signature)


def after(connection: sa.Connection, pos: int, limit: int = 16) -> list[Seal]:
    """Return the next seals that go beyond *pos*."""
    return list(_seals(connection, "last_pos > ? ORDER BY last_pos LIMIT ?", (pos, limit)))


def facts(connection: sa.Connection, names: list[Name], type_: str, cls: type[T]) -> list[T]:
    """Return what the log's own stream holds of *type_*, oldest first.

    What cannot be read is left out: a walk along the rows finds it.
    """
    return [fact for _, fact in placed_facts(connection, names, type_, cls)]


def placed_facts(
    connection: sa.Connection, names: list[Name], type_: str, cls: type[T]
) -> list[tuple[int, T]]:
    """Return what `facts` does, each with its position."""
    number = next((n.id for n in names if (n.kind, n.name) == (TYPE, type_)), None)
    if number is None:
        return []
    query = "SELECT pos, {raw_data} FROM commits WHERE stream = ? ORDER BY revision"
    rows = run(connection, query, (LOG_STREAM.hex,))
    return [fact for pos, data in rows.all() for fact in _read(pos, data, number, cls)]


def _read(pos: int, data: bytes | str, number: int, cls: type[T]) -> Iterator[tuple[int, T]]:
    try:
        for index, item in enumerate(_events_of(data)):
            if bytes(item[0]) == str(number).encode():
                # As any event: words that JSON text cannot hold stand in envelopes (VC-4).
                yield pos + index, from_plain(msgspec.json.decode(item[3]), cls)
    except (msgspec.MsgspecError, TypeError, ValueError, IndexError):
        return


def redactions(connection: sa.Connection, names: list[Name]) -> dict[int, bytes]:
    """Return, for each redacted row, the hash of what it holds since."""
    return redaction.latest(facts(connection, names, redaction.FACT, redaction.Redacted))


def rekeyings(connection: sa.Connection, names: list[Name]) -> list[Rekeying]:
    """Return how the keys followed each other."""
    return facts(connection, names, REKEYED, Rekeying)
