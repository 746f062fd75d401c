"""The statements that write rows: a text for each number of them, so that all stay prepared."""

from collections.abc import Sequence
from itertools import chain

from eventstore.sql.plan import Parameters

FLUSH_ROWS = 128
"""Of one statement, at most."""

_ROW = "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_INSERTS = [
    f"INSERT INTO commits VALUES {','.join([_ROW] * rows)}"  # noqa: S608 - question marks
    for rows in range(FLUSH_ROWS + 1)
]


def of(rows: Sequence[Parameters]) -> tuple[str, Parameters]:
    """Return the statement that writes *rows*, 1 to 128, and its parameters."""
    parameters = rows[0] if len(rows) == 1 else tuple(chain.from_iterable(rows))
    return _INSERTS[len(rows)], parameters
