"""Delete rows of `commits` and put tombstones in their place, within a caller's transaction.

Source: AR-2.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from eventstore.chain import Gone, pack_gone
from eventstore.sql import segments
from eventstore.sql.segments import Segment

HEADERS = "SELECT pos, n, epoch, chain FROM commits WHERE"
_INSERT_STONE = "INSERT INTO tombstones VALUES (?,?,?,?,?,?,?)"


def take_out(
    batch: Sequence[Gone], segment: Segment, connection: sa.Connection, *, is_last: bool
) -> None:
    """Delete rows that a segment holds, and put tombstones in their place."""
    _delete(connection, batch)
    for run in _runs(batch):
        last = run[-1]
        connection.exec_driver_sql(
            _INSERT_STONE,
            (run[0].pos, last.next_pos - 1, last.epoch, last.chain, None, segment.id,
             segment.event_pos),
        )  # fmt: skip
    if is_last:
        segments.mark_unloaded(connection, segment.id)


def drop_rows(connection: sa.Connection, streams: Sequence[str]) -> list[tuple[int, int, bytes]]:
    """Delete all that there is of *streams*; return the tombstones in their place."""
    (event_pos,) = connection.exec_driver_sql("SELECT next_pos FROM log").one()
    rows: list[Gone] = []
    for stream in streams:
        found = connection.exec_driver_sql(f"{HEADERS} stream = ?", (stream,)).all()
        rows += [Gone(*row) for row in found]
        connection.exec_driver_sql("DELETE FROM keyframes WHERE stream = ?", (stream,))
    rows.sort(key=lambda row: row.pos)
    _delete(connection, rows)
    stones = []
    for run in _runs(rows):
        first, last, gone = run[0].pos, run[-1], pack_gone(run)
        connection.exec_driver_sql(
            _INSERT_STONE,
            (first, last.next_pos - 1, last.epoch, last.chain, gone, None, event_pos),
        )
        stones.append((first, last.next_pos - 1, gone))
    return stones


def _delete(connection: sa.Connection, rows: Sequence[Gone]) -> None:
    positions: list[Any] = [(row.pos,) for row in rows]
    if positions:
        connection.exec_driver_sql("DELETE FROM commits WHERE pos = ?", positions)


def _runs(rows: Sequence[Gone]) -> Iterator[list[Gone]]:
    """Give rows that follow each other without a gap, together."""
    run: list[Gone] = []
    for row in rows:
        if run and run[-1].next_pos != row.pos:
            yield run
            run = []
        run.append(row)
    if run:
        yield run
