"""Take values out of a stored row: what one maintenance transaction does (TB-7, CH-6)."""

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from eventstore import redaction, refusals
from eventstore.chain import StoredRow
from eventstore.codec import LOG_KIND, Registry, RowDecoder
from eventstore.errors import EventStoreError
from eventstore.events import Redaction
from eventstore.identifiers import Position, StreamId
from eventstore.names import NameBook
from eventstore.redaction import Redacted
from eventstore.sql import tail
from eventstore.sql.texts import run

_DROP_KEYFRAMES = (
    "DELETE FROM keyframes WHERE stream IN (WITH RECURSIVE forks (stream) AS ("
    "SELECT stream FROM (SELECT stream FROM commits WHERE stream = ? LIMIT 1) AS first"
    " UNION SELECT commits.stream FROM commits JOIN forks ON commits.parent = forks.stream)"
    " SELECT stream FROM forks)"
)
_ROW = f"SELECT {tail.COLUMNS} FROM commits WHERE stream = ?"  # noqa: S608 - columns


class Order(msgspec.Struct, frozen=True):
    """What is to be redacted."""

    stream: StreamId
    revision: int
    pointers: Sequence[str]
    by: str
    reason: str


class Change(msgspec.Struct, frozen=True):
    """The row as it shall be, and the fact that tells of it."""

    pos: int
    revision: int
    data: str
    fact: Redacted


def change_of(
    connection: sa.Connection, order: Order, registry: Registry, names: NameBook
) -> Change:
    """Decide how the row of *order* shall look.

    Raises:
        EventStoreError: `no-such-revision`, `no-such-value`, `cannot-redact`.
    """
    row = row_of(connection, order.stream, order.revision)
    if row.kind == LOG_KIND.id:
        raise redaction.cannot_redact(order.pointers, "the log needs what it says of itself")
    data = redaction.redacted(row.data, order.revision - row.revision, order.pointers)
    _check_readable(RowDecoder(registry, names.types, names.sites), row, data, order)
    fact = redaction.fact_of(
        stream=row.stream.hex, revision=order.revision, position=row.pos,
        pointers=order.pointers, by=order.by, reason=order.reason, digest=row.digest or b"",
        data=data,
    )  # fmt: skip
    return Change(row.pos, row.revision, data, fact)


def row_of(connection: sa.Connection, asked: StreamId, revision: int) -> StoredRow:
    """Return the row that holds the revision, of the stream or the ancestor it comes from.

    Raises:
        EventStoreError: `no-such-revision`.
    """
    stream = asked
    while True:
        query = f"{_ROW} AND revision <= ? ORDER BY revision DESC LIMIT 1"
        found = run(connection, query, (stream.hex, revision)).first()
        row = tail.stored_row(found) if found else None
        if row is not None and 1 <= revision < row.next_revision:
            return row
        parent = None if row else _parent_of(connection, stream)
        if parent is None or revision < 1:
            head = tail.SqlLookups(connection).known(asked).revision
            raise refusals.no_such_revision(asked, revision, head)
        stream = parent


def _parent_of(connection: sa.Connection, stream: StreamId) -> StreamId | None:
    found = run(connection, f"{_ROW} ORDER BY revision LIMIT 1", (stream.hex,)).first()
    return tail.stored_row(found).parent if found else None


def _check_readable(decoder: RowDecoder, row: StoredRow, data: str, order: Order) -> None:
    try:
        decoder.decode(
            data, position=row.pos, stream=row.stream, first=row.revision, began_us=row.began_us
        )
    except EventStoreError as error:
        reason = "the event could not be read without it"
        raise redaction.cannot_redact(order.pointers, reason) from error


class Redacting:
    """Takes values out of a row.

    Args:
        order: which.
        registry: of the store.
        names: of the log.
    """

    type = redaction.FACT

    def __init__(self, order: Order, registry: Registry, names: NameBook) -> None:
        self._order = order
        self._registry = registry
        self._names = names
        self._pos = Position(0)
        self._keyframes = 0

    def work(self, connection: sa.Connection) -> Redacted:
        """Write the row anew and drop the folds that hold the values; return the fact of it.

        Raises:
            EventStoreError: `no-such-revision`, `no-such-value`, `cannot-redact`.
        """
        change = change_of(connection, self._order, self._registry, self._names)
        self._pos = Position(change.pos)
        text = "UPDATE commits SET data = ?, salt = NULL WHERE stream = ? AND revision = ?"
        run(connection, text, (change.data, change.fact.stream, change.revision))
        dropped = run(connection, _DROP_KEYFRAMES, (change.fact.stream,))
        self._keyframes = dropped.rowcount
        return change.fact

    def told(self, position: Position, gone: bool) -> Redaction:  # noqa: FBT001 - of two
        """Return what came of it; the fact is at *position*."""
        return Redaction(position, self._pos, self._keyframes, gone)
