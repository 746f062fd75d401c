"""The log as a writer sees it: its state, the heads of streams, its names. One connection."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from eventstore.chain import CLOSES, CONTINUES, StoredRow, genesis
from eventstore.cursors import Mark
from eventstore.identifiers import StreamId
from eventstore.names import Name
from eventstore.sql.history import END_OF_TIME, History
from eventstore.sql.plan import (
    NOTHING,
    REMEMBERED_ROWS,
    Heads,
    Known,
    LogState,
    Recent,
)
from eventstore.sql.texts import id_of, id_or_none, run

COLUMNS = (
    "pos, epoch, stream, revision, n, kind, flags, began_us, at_us, commit_id, parent,"
    " parent_revision, codec, {data}, salt, digest, chain"
)
_ROW_AT = f"SELECT {COLUMNS} FROM commits WHERE {{log}} pos = ?"  # noqa: S608 - columns
_STREAM, _PARENT = 2, 10


def stored_row(columns: Sequence[Any]) -> StoredRow:
    """Return a row of `SELECT COLUMNS` as a Struct."""
    values = list(columns)
    values[_STREAM] = id_of(values[_STREAM])
    values[_PARENT] = id_or_none(values[_PARENT])
    return StoredRow(*values)


def read_state(connection: sa.Connection) -> LogState:
    """Return where the log ends.

    Raises:
        sqlalchemy.exc.NoResultFound: nobody began it yet.
    """
    uid, epoch, next_pos, head, at_us = run(
        connection,
        "SELECT uid, epoch, next_pos, head,"
        " (SELECT at_us FROM commits WHERE {log} TRUE ORDER BY pos DESC LIMIT 1)"
        " FROM log WHERE {log} TRUE",
    ).one()
    return LogState(id_of(uid), epoch, next_pos, head, at_us or 0)


def read_uid(connection: sa.Connection) -> UUID | None:
    """Return the id of the log; None: nobody began it yet."""
    return id_or_none(run(connection, "SELECT uid FROM log WHERE {log} TRUE").scalar())


def read_mark(
    connection: sa.Connection, history: History, uid: UUID, position: int | None = None
) -> Mark:
    """Return the mark after the last row that begins at *position* or before; None: of all."""
    row = history.last_row(connection, END_OF_TIME if position is None else position)
    return Mark(0, 0, genesis(uid)) if row is None else Mark(row.epoch, row.next_pos - 1, row.chain)


def read_names(connection: sa.Connection) -> list[Name]:
    """Return all names of the log."""
    rows = run(connection, "SELECT id, kind, name, version FROM names WHERE {log} TRUE")
    return [Name(*row) for row in rows]


def count_names(connection: sa.Connection) -> int:
    """Count the names of the log."""
    return int(run(connection, "SELECT count(*) FROM names WHERE {log} TRUE").scalar_one())


def read_heads(connection: sa.Connection) -> Heads:
    """Return an empty memory of heads that begins now."""
    # An archived stream must not begin again: the index that would refuse it lacks it.
    own, archived = [
        run(connection, f"SELECT {name} FROM {table} ORDER BY {name} DESC LIMIT 1").scalar()  # noqa: S608 - ours
        for name, table in (("stream", "commits"), ("max_stream", "segments"))
    ]
    youngest, youngest_archived = [
        id_of(each).int if each is not None else 0 for each in (own, archived)
    ]
    return Heads(max(youngest, youngest_archived), youngest_archived)


def read_recent(connection: sa.Connection, history: History) -> Recent:
    """Return the commit ids of the last rows."""

    def ask(held: sa.Connection) -> Sequence[Any]:
        return run(
            held,
            "SELECT commit_id, pos FROM commits WHERE {log} TRUE ORDER BY pos DESC LIMIT ?",
            (REMEMBERED_ROWS,),
        ).all()

    rows = history.recent(connection, ask, REMEMBERED_ROWS)
    recent = Recent()
    firsts: dict[bytes, int] = {}
    for commit_id, pos in reversed(rows):
        # Only the oldest row can belong to a commit that begins before these rows.
        first = pos if firsts else first_of(connection, pos)
        recent.put(commit_id, firsts.setdefault(commit_id, first))
    return recent


class Foreign(msgspec.Struct, frozen=True):
    """What a writer has to know of a row that another process appended."""

    pos: int
    stream: StreamId
    kind: int
    flags: int
    commit_id: bytes
    is_fork: bool


def read_since(connection: sa.Connection, first: int, end: int) -> list[Foreign]:
    """Return the rows from position *first* until before *end*, or one more than is followed."""
    rows = run(
        connection,
        "SELECT pos, stream, kind, flags, commit_id, parent IS NOT NULL FROM commits"
        " WHERE {log} pos >= ? AND pos < ? ORDER BY pos LIMIT ?",
        (first, end, REMEMBERED_ROWS + 1),
    )
    return [Foreign(pos, id_of(stream), *rest) for pos, stream, *rest in rows]


def learn(rows: Sequence[Foreign], heads: Heads, recent: Recent) -> None:
    """Go on with what is remembered, by rows that follow it; they are whole commits."""
    first: int | None = None
    for row in rows:
        first = row.pos if first is None else first
        heads.forget(row.stream, is_fork=row.is_fork)
        recent.put(row.commit_id, first)
        if not row.flags & CONTINUES:
            first = None


def first_of(connection: sa.Connection, pos: int) -> int:
    """Return where the commit begins that has a row at *pos*."""
    while True:
        before = run(
            connection,
            "SELECT pos, flags FROM commits WHERE {log} pos < ? ORDER BY pos DESC LIMIT 1",
            (pos,),
        ).first()
        if before is None or not before[1] & CONTINUES:
            return pos
        pos = before[0]


def chain_at(connection: sa.Connection, pos: int) -> bytes | None:
    """Return the chain value of the row that begins at *pos*; None if none does."""
    chain: bytes | None = run(
        connection, "SELECT chain FROM commits WHERE {log} pos = ?", (pos,)
    ).scalar()
    return chain


class SqlLookups:
    """Answers of the log itself, where the writer does not remember."""

    def __init__(self, connection: sa.Connection, history: History) -> None:
        self._connection = connection
        self._history = history

    def _first(
        self, stream: StreamId, sql: str, values: tuple[object, ...]
    ) -> Sequence[Any] | None:
        """Return the first row that *sql* gives where the rows of *stream* are."""
        return self._history.of_stream(
            self._connection, stream, lambda held: run(held, sql, values).first()
        )

    def known(self, stream: StreamId) -> Known:
        """Return the head of a stream."""
        row = self._first(
            stream,
            "SELECT revision + n - 1, kind, flags, commit_id,"
            " (SELECT parent FROM commits WHERE stream = ? ORDER BY revision LIMIT 1)"
            " FROM commits WHERE stream = ? ORDER BY revision DESC LIMIT 1",
            (stream.hex, stream.hex),
        )
        if row is None:
            return NOTHING
        revision, kind, flags, commit_id, parent = row
        return Known(revision, kind, bool(flags & CLOSES), commit_id, id_or_none(parent))

    def size_of(self, stream: StreamId) -> int:
        """Return how many bytes the payloads of a stream's own rows have."""
        row = self._first(
            stream,
            "SELECT sum({data_bytes}) FROM commits WHERE stream = ? HAVING count(*) > 0",
            (stream.hex,),
        )
        return int(row[0]) if row else 0

    def begun(self, streams: Collection[StreamId]) -> set[StreamId]:
        """Return those of *streams* that have rows which were not archived."""
        asked = ",".join(["({an_id})"] * len(streams))
        rows = run(
            self._connection,
            f"WITH asked (stream) AS (VALUES {asked}) SELECT stream FROM asked"  # noqa: S608 - marks
            " WHERE EXISTS (SELECT 1 FROM commits WHERE commits.stream = asked.stream)",
            [stream.hex for stream in streams],
        )
        return {id_of(stream) for (stream,) in rows}

    def commit_at(self, stream: StreamId, revision: int) -> tuple[bytes, int] | None:
        """Return commit id and position of the row that begins at a revision."""
        row = self._first(
            stream,
            "SELECT commit_id, pos FROM commits WHERE stream = ? AND revision = ?",
            (stream.hex, revision),
        )
        return (row[0], row[1]) if row else None

    def commit_rows(self, first_pos: int) -> list[StoredRow]:
        """Return the rows of the commit that begins at a position."""
        rows: list[StoredRow] = []
        pos = first_pos
        while not rows or rows[-1].flags & CONTINUES:
            rows.append(stored_row(self._row_at(pos)))
            pos = rows[-1].next_pos
        return rows

    def _row_at(self, pos: int) -> Sequence[Any]:
        def ask(held: sa.Connection) -> Sequence[Any]:
            return run(held, _ROW_AT, (pos,)).all()

        own = ask(self._connection)
        found = own or self._history.archived(self._connection, ask, pos, pos)[0]
        (row,) = found[:1]
        return tuple(row)
