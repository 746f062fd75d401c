"""Take values out of a stored row: what one maintenance transaction does (TB-7, CH-6)."""

from collections.abc import Callable, Sequence

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
from eventstore.sql import seal_table, segments, tail
from eventstore.sql.history import History
from eventstore.sql.segments import Segment
from eventstore.sql.texts import run


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
    stream: StreamId
    home: Segment | None
    """The segment that holds the row; None: table `commits` alone does."""
    told: int | None = None
    """Position of the fact that tells of just this already; None: there is something to do."""


def change_of(
    connection: sa.Connection,
    history: History,
    order: Order,
    registry: Registry,
    names: NameBook,
) -> Change:
    """Decide how the row of *order* shall look.

    Raises:
        EventStoreError: `no-such-revision`, `no-such-value`, `cannot-redact`.
    """
    row = row_of(connection, history, order.stream, order.revision)
    if row.kind == LOG_KIND.id:
        raise redaction.cannot_redact(order.pointers, "the log needs what it says of itself")
    data = redaction.redacted(row.data, order.revision - row.revision, order.pointers)
    _check_readable(RowDecoder(registry, names.types, names.sites), row, data, order)
    fact = redaction.fact_of(
        stream=row.stream.hex, revision=order.revision, position=row.pos,
        pointers=order.pointers, by=order.by, reason=order.reason, digest=row.digest or b"",
        data=data,
    )  # fmt: skip
    home = history.home(connection, row.stream)
    told = None
    if row.salt is None and data == row.data:  # nothing is left to be taken out
        known = tail.read_names(connection)
        facts = seal_table.placed_facts(connection, known, redaction.FACT, Redacted)
        told = redaction.told_before(fact, facts)
    return Change(row.pos, row.revision, data, fact, row.stream, home, told)


def done_before(change: Change, told: int, *, gone: bool) -> Redaction:
    """Return what came of a change that the fact at position *told* tells of already."""
    return Redaction(Position(told), Position(change.pos), 0, gone, duplicate=True)


def row_of(
    connection: sa.Connection, history: History, asked: StreamId, revision: int
) -> StoredRow:
    """Return the row that holds the revision, of the stream or the ancestor it comes from.

    Raises:
        EventStoreError: `no-such-revision`.
    """
    stream = asked
    while True:
        row = _find(
            connection, history, stream, "AND revision <= ? ORDER BY revision DESC", (revision,)
        )
        if row is not None and 1 <= revision < row.next_revision:
            return row
        first = None if row else _find(connection, history, stream, "ORDER BY revision", ())
        if first is None or first.parent is None or revision < 1:
            head = tail.SqlLookups(connection, history).known(asked).revision
            raise refusals.no_such_revision(asked, revision, head)
        stream = first.parent


def _find(
    connection: sa.Connection,
    history: History,
    stream: StreamId,
    rest: str,
    values: tuple[int, ...],
) -> StoredRow | None:
    sql = f"SELECT {tail.COLUMNS} FROM commits WHERE stream = ? {rest} LIMIT 1"  # noqa: S608
    found = history.of_stream(
        connection, stream, lambda held: run(held, sql, (stream.hex, *values)).first()
    )
    return tail.stored_row(found) if found else None


def _check_readable(decoder: RowDecoder, row: StoredRow, data: str, order: Order) -> None:
    try:
        decoder.decode(
            data, position=row.pos, stream=row.stream, first=row.revision, began_us=row.began_us
        )
    except EventStoreError as error:
        reason = "the event could not be read without it"
        raise redaction.cannot_redact(order.pointers, reason) from error


def apply(
    connection: sa.Connection, history: History, change: Change, rewritten: Segment | None
) -> int:
    """Write the row anew and drop the folds that hold the values; return how many those were.

    The caller's transaction is past the guards, and appends the fact. *rewritten* is the segment
    without the values, where one had them.
    """
    streams = _with_forks(connection, history, change.stream)
    text = "UPDATE commits SET data = ?, salt = NULL WHERE stream = ? AND revision = ?"
    run(connection, text, (change.data, change.stream.hex, change.revision))
    dropped = sum(
        run(connection, "DELETE FROM keyframes WHERE stream = ?", (each.hex,)).rowcount
        for each in streams
    )
    if rewritten is not None:
        segments.insert(connection, rewritten)
    return dropped


def _with_forks(connection: sa.Connection, history: History, stream: StreamId) -> list[StreamId]:
    """Return *stream* and all that goes on from it."""
    found = [stream]
    for each in found:
        found += [fork for _, fork in history.forks(connection, each)]
    return found


class ChangedError(Exception):
    """The row, or where it is, is not what it was when it was decided how it shall look."""


class Redacting:
    """Takes values out of a row that was looked at before the log was taken.

    Args:
        change: what it is.
        history: of the store.
        rewritten: the segment without the values, where one had them.
        look: decides again, once the log is taken.
    """

    type = redaction.FACT

    def __init__(
        self,
        change: Change,
        history: History,
        rewritten: Segment | None,
        look: Callable[[sa.Connection], Change],
    ) -> None:
        self._change = change
        self._history = history
        self._rewritten = rewritten
        self._look = look
        self._keyframes = 0

    def work(self, connection: sa.Connection) -> Redacted:
        """Write the row anew and drop the folds that hold the values; return the fact of it.

        Raises:
            ChangedError: another one redacted or archived it meanwhile: look again.
        """
        if self._look(connection) != self._change:
            raise ChangedError
        self._keyframes = apply(connection, self._history, self._change, self._rewritten)
        return self._change.fact

    def told(self, position: Position, gone: bool) -> Redaction:  # noqa: FBT001 - of two
        """Return what came of it; the fact is at *position*."""
        return Redaction(position, Position(self._change.pos), self._keyframes, gone)
