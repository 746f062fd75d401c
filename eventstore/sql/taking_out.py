"""Delete rows of `commits` and put tombstones in their place, within a caller's transaction.

Source: AR-2.
"""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from eventstore.chain import Gone, pack_gone
from eventstore.sql import segments
from eventstore.sql.segments import Segment
from eventstore.sql.texts import run

HEADERS = "SELECT pos, n, epoch, chain FROM commits WHERE"
_INSERT_STONE = (
    "INSERT INTO tombstones ({log_id}first_pos, last_pos, epoch, chain, gone, segment, event_pos)"
    " VALUES ({its_id}?, ?, ?, ?, ?, ?, ?)"
)
_NEXT = "SELECT next_pos FROM log WHERE {log} TRUE"
_DELETE = "DELETE FROM commits WHERE {log} pos BETWEEN ? AND ?"


def take_out(
    batch: Sequence[Gone], segment: Segment, connection: sa.Connection, *, is_last: bool
) -> None:
    """Delete rows that a segment holds, and put tombstones in their place."""
    for rows in _runs(batch):
        _replace(connection, rows, None, segment.id, segment.event_pos)
    if is_last:
        segments.mark_unloaded(connection, segment.id)


def next_position(connection: sa.Connection) -> int:
    """Return the position of the fact that is appended next."""
    return int(run(connection, _NEXT).scalar_one())


def drop_rows(connection: sa.Connection, streams: Sequence[str]) -> list[tuple[int, int, bytes]]:
    """Delete all that there is of *streams*; return the tombstones in their place."""
    event_pos = next_position(connection)
    rows: list[Gone] = []
    for stream in streams:
        found = run(connection, f"{HEADERS} stream = ?", (stream,)).all()
        rows += [Gone(*row) for row in found]
        run(connection, "DELETE FROM keyframes WHERE stream = ?", (stream,))
    rows.sort(key=lambda row: row.pos)
    stones = []
    for together in _runs(rows):
        gone = pack_gone(together)
        _replace(connection, together, gone, None, event_pos)
        stones.append((together[0].pos, together[-1].next_pos - 1, gone))
    return stones


def _replace(
    connection: sa.Connection,
    rows: Sequence[Gone],
    gone: bytes | None,
    segment: int | None,
    event_pos: int,
) -> None:
    """Delete *rows*, between which there are no others, and put a tombstone in their place."""
    first, last = rows[0].pos, rows[-1]
    run(connection, _DELETE, (first, last.pos))
    stone = (first, last.next_pos - 1, last.epoch, last.chain, gone, segment, event_pos)
    run(connection, _INSERT_STONE, stone)


def _runs(rows: Sequence[Gone]) -> Iterator[list[Gone]]:
    """Give rows that follow each other without a gap, together."""
    together: list[Gone] = []
    for row in rows:
        if together and together[-1].next_pos != row.pos:
            yield together
            together = []
        together.append(row)
    if together:
        yield together
