"""The log as a writer sees it: its state, the heads of streams, its names. One connection."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from eventstore.chain import CLOSES, CONTINUES, LogEnd, StoredRow, Walk, genesis
from eventstore.identifiers import StreamId
from eventstore.names import Name
from eventstore.sql import failures
from eventstore.sql.plan import (
    NOTHING,
    REMEMBERED_ROWS,
    Heads,
    Known,
    LogState,
    Recent,
)

COLUMNS = (
    "pos, epoch, stream, revision, n, kind, flags, began_us, at_us, commit_id, parent,"
    " parent_revision, codec, data, salt, digest, chain"
)
_STREAM, _PARENT = 2, 10


def stored_row(columns: Sequence[Any]) -> StoredRow:
    """Return a row of `SELECT COLUMNS` as a Struct."""
    values = list(columns)
    values[_STREAM] = UUID(values[_STREAM])
    values[_PARENT] = UUID(values[_PARENT]) if values[_PARENT] else None
    return StoredRow(*values)


def read_state(connection: sa.Connection) -> LogState:
    """Return where the log ends."""
    uid, epoch, next_pos, head, at_us = connection.exec_driver_sql(
        "SELECT uid, epoch, next_pos, head,"
        " (SELECT at_us FROM commits ORDER BY pos DESC LIMIT 1) FROM log"
    ).one()
    return LogState(UUID(uid), epoch, next_pos, head, at_us or 0)


def read_names(connection: sa.Connection) -> list[Name]:
    """Return all names of the log."""
    rows = connection.exec_driver_sql("SELECT id, kind, name, version FROM names")
    return [Name(*row) for row in rows]


def count_names(connection: sa.Connection) -> int:
    """Count the names of the log."""
    return int(connection.exec_driver_sql("SELECT count(*) FROM names").scalar_one())


def read_heads(connection: sa.Connection) -> Heads:
    """Return an empty memory of heads that begins now."""
    youngest = connection.exec_driver_sql("SELECT max(stream) FROM commits").scalar()
    return Heads(youngest or "")


def read_recent(connection: sa.Connection) -> Recent:
    """Return the commit ids of the last rows."""
    rows = connection.exec_driver_sql(
        "SELECT commit_id, pos FROM commits ORDER BY pos DESC LIMIT ?", (REMEMBERED_ROWS,)
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
            "SELECT pos, flags FROM commits WHERE pos < ? ORDER BY pos DESC LIMIT 1", (pos,)
        ).first()
        if before is None or not before[1] & CONTINUES:
            return pos
        pos = before[0]


class SqlLookups:
    """Answers of the log itself, where the writer does not remember."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def known(self, stream: StreamId) -> Known:
        """Return the head of a stream."""
        row = self._connection.exec_driver_sql(
            "SELECT revision + n - 1, kind, flags, commit_id,"
            " (SELECT parent FROM commits WHERE stream = ?1 ORDER BY revision LIMIT 1)"
            " FROM commits WHERE stream = ?1 ORDER BY revision DESC LIMIT 1",
            (stream.hex,),
        ).first()
        if row is None:
            return NOTHING
        revision, kind, flags, commit_id, parent = row
        closed = bool(flags & CLOSES)
        return Known(revision, kind, closed, commit_id, StreamId(UUID(parent)) if parent else None)

    def commit_at(self, stream: StreamId, revision: int) -> tuple[bytes, int] | None:
        """Return commit id and position of the row that begins at a revision."""
        row = self._connection.exec_driver_sql(
            "SELECT commit_id, pos FROM commits WHERE stream = ? AND revision = ?",
            (stream.hex, revision),
        ).first()
        return (row[0], row[1]) if row else None

    def commit_rows(self, first_pos: int) -> list[StoredRow]:
        """Return the rows of the commit that begins at a position."""
        rows: list[StoredRow] = []
        pos = first_pos
        while not rows or rows[-1].flags & CONTINUES:
            found = self._connection.exec_driver_sql(
                f"SELECT {COLUMNS} FROM commits WHERE pos = ?",  # noqa: S608 - columns
                (pos,),
            ).one()
            rows.append(stored_row(found))
            pos = rows[-1].next_pos
        return rows


def check_tail(connection: sa.Connection, path: Path) -> None:
    """Verify the last rows, and that `log` ends where they do.

    Raises:
        EventStoreError: `chain-broken`.
    """
    found = connection.exec_driver_sql(
        f"SELECT {COLUMNS} FROM commits ORDER BY pos DESC LIMIT ?",  # noqa: S608 - columns
        (REMEMBERED_ROWS + 1,),
    ).all()
    rows = [stored_row(row) for row in reversed(found)]
    require_sound(read_state(connection), rows, read_names(connection), path)


def require_sound(
    state: LogState, rows: Sequence[StoredRow], names: Sequence[Name], place: failures.Place
) -> None:
    """Verify *rows*, the last of the log, and that it ends where they do.

    Raises:
        EventStoreError: `chain-broken`.
    """
    # The first of a full page only gives the chain value before the second.
    whole = len(rows) <= REMEMBERED_ROWS
    previous = genesis(state.uid) if whole else rows[0].chain
    next_pos = 1 if whole else rows[0].next_pos
    walk = Walk(
        uid=state.uid,
        previous=previous,
        next_pos=next_pos,
        end=LogEnd(state.next_pos, state.head),
        names=[(name.id, name.kind, name.name, name.version) for name in names],
        names_type=None,
        from_start=False,
        revision_before=lambda _, revision: revision - 1,
    )
    for row in rows if whole else rows[1:]:
        fault = walk.step(row)
        if fault is not None:
            raise failures.chain_broken(place, f"at position {fault.position}: {fault.detail}")
    verdict = walk.finish()
    if verdict.fault is not None:
        raise failures.chain_broken(place, f"at position {verdict.position}: {verdict.detail}")
