"""Where the log was at an instant: times of rows never go back, so some twenty looks find it.

Source: LG-2.
"""

from functools import partial

import msgspec
import sqlalchemy as sa

from eventstore.sql import segments
from eventstore.sql.history import END_OF_TIME, History, tombstone_at, twice
from eventstore.sql.texts import run

_LAST = "SELECT pos, at_us FROM commits WHERE {log} pos <= ? ORDER BY pos DESC LIMIT 1"


class Timed(msgspec.Struct, frozen=True):
    """A row, and when it came."""

    pos: int
    at_us: int


_BEGINNING = Timed(0, -1)


def last_by(connection: sa.Connection, history: History, at_us: int) -> int:
    """Return the position of the last row that came at *at_us* or before; 0: none did.

    The caller's transaction makes it one moment. Rows that were dropped have no time any
    more; they go with the row before them.

    Raises:
        EventStoreError: `segment-missing`.
    """
    last = _timed(connection, history, END_OF_TIME)
    if last.at_us <= at_us:
        return last.pos
    found, beyond = 0, last.pos
    while beyond - found > 1:
        row = _timed(connection, history, middle := (found + beyond) // 2)
        if row.at_us <= at_us:
            found = middle
        else:
            beyond = row.pos
    return _timed(connection, history, found).pos


def _timed(connection: sa.Connection, history: History, position: int) -> Timed:
    """Return the last row with a time that begins at *position* or before."""
    row = run(connection, _LAST, (position,)).first()
    own = Timed(*row) if row is not None else _BEGINNING
    while (stone := tombstone_at(connection, position)) and stone.first_pos > own.pos:
        if stone.segment is not None:
            return twice(partial(_archived, connection, history, stone.segment, position))
        position = stone.first_pos - 1
    return own


def _archived(connection: sa.Connection, history: History, number: int, position: int) -> Timed:
    for each in segments.where(connection, "id = ?", (number,)):
        with history.opened(each) as held:
            row = run(held, _LAST, (position,)).first()
            if row is not None:
                return Timed(*row)
    return _BEGINNING
