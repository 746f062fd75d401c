"""The log as a writer sees it: its state, the heads of streams, its names. One connection."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from eventstore.chain import CLOSES, CONTINUES, LogEnd, StoredRow, Walk, genesis
from eventstore.identifiers import StreamId
from eventstore.names import Name
from eventstore.sql import failures
from eventstore.sql.plan import NOTHING, REMEMBERED_ROWS, Heads, Known, LogState, Recent
from eventstore.sql.postgres.tables import LOG_ID

COLUMNS = (
    "pos, epoch, stream, revision, n, kind, flags, began_us, at_us, commit_id, parent,"
    " parent_revision, codec, data::text, salt, digest, chain"
)


def stored_row(columns: Sequence[Any]) -> StoredRow:
    """Return a row of `SELECT COLUMNS` as a Struct."""
    return StoredRow(*columns)


def read_state(connection: sa.Connection) -> LogState | None:
    """Return where the log ends; None: nobody began it yet."""
    row = connection.exec_driver_sql(
        "SELECT uid, epoch, next_pos, head, (SELECT at_us FROM commits"
        f" WHERE log_id = {LOG_ID} ORDER BY pos DESC LIMIT 1) FROM log WHERE log_id = {LOG_ID}"
    ).first()
    return LogState(row[0], row[1], row[2], row[3], row[4] or 0) if row else None


def read_names(connection: sa.Connection) -> list[Name]:
    """Return all names of the log."""
    rows = connection.exec_driver_sql(
        f"SELECT id, kind, name, version FROM names WHERE log_id = {LOG_ID}"
    )
    return [Name(*row) for row in rows]


def count_names(connection: sa.Connection) -> int:
    """Count the names of the log."""
    query = f"SELECT count(*) FROM names WHERE log_id = {LOG_ID}"
    return int(connection.exec_driver_sql(query).scalar_one())


def read_heads(connection: sa.Connection) -> Heads:
    """Return an empty memory of heads that begins now."""
    youngest: StreamId | None = connection.exec_driver_sql(
        "SELECT stream FROM commits ORDER BY stream DESC LIMIT 1"
    ).scalar()
    return Heads(youngest.hex if youngest else "")


def read_recent(connection: sa.Connection) -> Recent:
    """Return the commit ids of the last rows."""
    rows = connection.exec_driver_sql(
        f"SELECT commit_id, pos FROM commits WHERE log_id = {LOG_ID} ORDER BY pos DESC LIMIT %s",
        (REMEMBERED_ROWS,),
    ).all()
    recent = Recent()
    firsts: dict[bytes, int] = {}
    for commit_id, pos in reversed(rows):
        # Only the oldest row can belong to a commit that begins before these rows.
        first = pos if firsts else _first_of(connection, pos)
        recent.put(commit_id, firsts.setdefault(commit_id, first))
    return recent


def _first_of(connection: sa.Connection, pos: int) -> int:
    """Return where the commit begins that has a row at *pos*."""
    while True:
        before = connection.exec_driver_sql(
            f"SELECT pos, flags FROM commits WHERE log_id = {LOG_ID} AND pos < %s"
            " ORDER BY pos DESC LIMIT 1",
            (pos,),
        ).first()
        if before is None or not before[1] & CONTINUES:
            return pos
        pos = before[0]


def chain_at(connection: sa.Connection, pos: int) -> bytes | None:
    """Return the chain value of the row that begins at *pos*; None if none does."""
    chain: bytes | None = connection.exec_driver_sql(
        f"SELECT chain FROM commits WHERE log_id = {LOG_ID} AND pos = %s", (pos,)
    ).scalar()
    return chain


class PostgresLookups:
    """Answers of the log itself, where the writer does not remember."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def known(self, stream: StreamId) -> Known:
        """Return the head of a stream."""
        row = self._connection.exec_driver_sql(
            "SELECT revision + n - 1, kind, flags, commit_id,"
            " (SELECT parent FROM commits WHERE stream = %(stream)s ORDER BY revision LIMIT 1)"
            " FROM commits WHERE stream = %(stream)s ORDER BY revision DESC LIMIT 1",
            {"stream": stream},
        ).first()
        if row is None:
            return NOTHING
        revision, kind, flags, commit_id, parent = row
        return Known(revision, kind, bool(flags & CLOSES), commit_id, parent)

    def commit_at(self, stream: StreamId, revision: int) -> tuple[bytes, int] | None:
        """Return commit id and position of the row that begins at a revision."""
        row = self._connection.exec_driver_sql(
            "SELECT commit_id, pos FROM commits WHERE stream = %s AND revision = %s",
            (stream, revision),
        ).first()
        return (row[0], row[1]) if row else None

    def commit_rows(self, first_pos: int) -> list[StoredRow]:
        """Return the rows of the commit that begins at a position."""
        rows: list[StoredRow] = []
        pos = first_pos
        while not rows or rows[-1].flags & CONTINUES:
            found = self._connection.exec_driver_sql(
                f"SELECT {COLUMNS} FROM commits WHERE log_id = {LOG_ID} AND pos = %s", (pos,)
            ).one()
            rows.append(stored_row(found))
            pos = rows[-1].next_pos
        return rows


def check_tail(connection: sa.Connection, state: LogState, place: str) -> None:
    """Verify the last rows, and that `log` ends where they do.

    Raises:
        EventStoreError: `chain-broken`.
    """
    found = connection.exec_driver_sql(
        f"SELECT {COLUMNS} FROM commits WHERE log_id = {LOG_ID} ORDER BY pos DESC LIMIT %s",
        (REMEMBERED_ROWS + 1,),
    ).all()
    rows = [stored_row(row) for row in reversed(found)]
    # The first of a full page only gives the chain value before the second.
    whole = len(rows) <= REMEMBERED_ROWS
    walk = Walk(
        uid=state.uid,
        previous=genesis(state.uid) if whole else rows[0].chain,
        next_pos=1 if whole else rows[0].next_pos,
        end=LogEnd(state.next_pos, state.head),
        names=[(n.id, n.kind, n.name, n.version) for n in read_names(connection)],
        names_type=None,
        from_start=False,
        revision_before=lambda _, revision: revision - 1,
    )
    steps = (walk.step(row) for row in (rows if whole else rows[1:]))
    verdict = next((fault for fault in steps if fault is not None), None) or walk.finish()
    if verdict.fault is not None:
        raise failures.chain_broken(place, f"at position {verdict.position}: {verdict.detail}")
