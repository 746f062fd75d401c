"""The statements of a flush: each moves the log on and inserts rows, or does nothing (PG-1)."""

from collections.abc import Sequence
from typing import Any

from eventstore.sql.plan import Parameters
from eventstore.sql.texts import LOG_ID

LEASE_S = 10
"""How long a holder may be silent before another process takes the log, by the server's clock."""

# Place in the plan's rows, name, type as it travels, and how it becomes the column.
_COLUMNS = (
    (0, "pos", "bigint", "{}"),
    (2, "stream", "text", "{}::uuid"),
    (3, "revision", "bigint", "{}"),
    (4, "n", "integer", "{}"),
    (5, "kind", "integer", "{}"),
    (6, "flags", "integer", "{}"),
    (7, "began_us", "bigint", "{}"),
    (8, "at_us", "bigint", "{}"),
    (9, "commit_id", "bytea", "{}"),
    # An array of nothing but nulls travels without a type, which the server refuses.
    (10, "parent", "text", "nullif({}, '')::uuid"),
    (11, "parent_revision", "bigint", "nullif({}, -1)"),
    (12, "codec", "integer", "{}"),
    (13, "data", "text", "{}::json"),
    (14, "salt", "bytea", "{}"),
    (15, "digest", "bytea", "{}"),
    (16, "chain", "bytea", "{}"),
)
_NULLS: dict[int, object] = {10: "", 11: -1}
_NAMES = ", ".join(name for _, name, _, _ in _COLUMNS)
_MOVE = (
    "WITH moved AS (UPDATE log SET next_pos = %b, head = %b{lease}"
    f" WHERE log_id = {LOG_ID} AND epoch = %b AND next_pos = %b RETURNING log_id, epoch)"
    f" INSERT INTO commits (log_id, epoch, {_NAMES}) SELECT moved.log_id, moved.epoch, "
)
_LEASE = f", leased_until = clock_timestamp() + interval '{LEASE_S} s'"
_ONE = ", ".join(form.format(f"%b::{type_}") for _, _, type_, form in _COLUMNS) + " FROM moved"
_ARRAYS = ", ".join(f"%b::{type_}[]" for _, _, type_, _ in _COLUMNS)
_MANY = (
    ", ".join(form.format(f"r.{name}") for _, name, _, form in _COLUMNS)
    + f" FROM moved, unnest({_ARRAYS}) AS r ({_NAMES})"
)


def append(rows: Sequence[Parameters], *, extend_lease: bool) -> tuple[str, tuple[Any, ...]]:
    """Return the statement that appends *rows* where they belong, and its parameters.

    Args:
        rows: of a plan.
        extend_lease: as the holder does.
    """
    first, last = rows[0], rows[-1]
    move = _MOVE.format(lease=_LEASE if extend_lease else "")
    fence = (last[0] + last[4], last[16], first[1], first[0])
    places = [place for place, *_ in _COLUMNS]
    if len(rows) == 1:
        return move + _ONE, (*fence, *(_sent(first, place) for place in places))
    return move + _MANY, (*fence, *([_sent(row, place) for row in rows] for place in places))


def _sent(row: Parameters, place: int) -> object:
    value = row[place]
    return _NULLS[place] if value is None else value
