"""What `verify` reads of a log: where to begin, and rows as they are."""

from collections.abc import Callable

import msgspec
import sqlalchemy as sa

from eventstore import refusals
from eventstore.chain import LogEnd, StoredRow, Walk, genesis
from eventstore.identifiers import StreamId
from eventstore.names import REGISTERED, TYPE
from eventstore.sql.postgres import tail
from eventstore.sql.postgres.tables import LOG_ID

PAGE_ROWS = 512

_NEWEST = f"SELECT max(pos + n - 1) FROM commits WHERE log_id = {LOG_ID}"
_AT = f"SELECT pos, n FROM commits WHERE log_id = {LOG_ID} AND pos <= %s ORDER BY pos DESC LIMIT 1"
_BEFORE = (
    f"SELECT pos + n, chain FROM commits WHERE log_id = {LOG_ID} AND pos < %s"
    " ORDER BY pos DESC LIMIT 1"
)


class Check(msgspec.Struct, frozen=True):
    """A walk, and the positions it goes from and to."""

    walk: Walk
    start: int
    end: int


def begin(
    connection: sa.Connection,
    first: int,
    last: int | None,
    revision_before: Callable[[StreamId, int], int],
) -> Check:
    """Prepare to check the rows that hold positions *first* to *last*.

    Raises:
        EventStoreError: `no-such-position`.
    """
    # One moment for the end, the names and the start.
    connection.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try:
        state = tail.read_state(connection)
        names = tail.read_names(connection)
        # Rows that the log does not know of are a fault to be found.
        newest = connection.exec_driver_sql(_NEWEST).scalar() or 0
        start, next_pos, previous = _start(connection, first)
    finally:
        connection.exec_driver_sql("ROLLBACK")
    if state is None:
        raise refusals.no_row(first)
    end = max(state.next_pos - 1, newest)
    if first > end:
        raise refusals.no_row(first)
    to_end = last is None or last >= end
    walk = Walk(
        uid=state.uid,
        previous=genesis(state.uid) if previous is None else previous,
        next_pos=next_pos,
        end=LogEnd(state.next_pos, state.head) if to_end else None,
        names=[(name.id, name.kind, name.name, name.version) for name in names],
        names_type=next((n.id for n in names if (n.kind, n.name) == (TYPE, REGISTERED)), None),
        from_start=previous is None,
        revision_before=revision_before,
    )
    return Check(walk, start, end if last is None else min(last, end))


def _start(connection: sa.Connection, first: int) -> tuple[int, int, bytes | None]:
    """Return where to begin reading, the position due there, and the chain value before."""
    found = connection.exec_driver_sql(_AT, (first,)).first()
    start = int(found[0]) if found and found[0] + found[1] > first else first
    before = connection.exec_driver_sql(_BEFORE, (start,)).first()
    if before is None:
        return min(start, 1), 1, None
    return start, before[0], before[1]


def page(connection: sa.Connection, pos: int, end: int) -> list[StoredRow]:
    """Return the next rows that begin from *pos* to *end*."""
    rows = connection.exec_driver_sql(
        f"SELECT {tail.COLUMNS} FROM commits WHERE log_id = {LOG_ID}"
        f" AND pos BETWEEN %s AND %s ORDER BY pos LIMIT {PAGE_ROWS}",
        (pos, end),
    )
    return [tail.stored_row(row) for row in rows]


def revision_before(connection: sa.Connection, stream: StreamId, revision: int) -> int:
    """Return the revision that *stream* was at before its row that begins at *revision*."""
    before = connection.exec_driver_sql(
        "SELECT revision + n - 1 FROM commits WHERE stream = %s AND revision < %s"
        " ORDER BY revision DESC LIMIT 1",
        (stream, revision),
    ).scalar()
    return int(before or 0)
