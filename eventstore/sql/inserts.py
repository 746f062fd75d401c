"""The statements that write rows: a text for each number of them, so that all stay prepared."""

from collections.abc import Sequence
from itertools import chain

from eventstore.chain import CODEC
from eventstore.sql.plan import Parameters

FLUSH_ROWS = 128
"""Of one statement, at most."""


def _texts(row: str) -> list[str]:
    return [
        f"INSERT INTO commits VALUES {','.join([row] * rows)}"  # noqa: S608 - question marks
        for rows in range(FLUSH_ROWS + 1)
    ]


_FORKS = _texts("(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")
_OTHERS = _texts(f"(?,?,?,?,?,?,?,?,?,?,NULL,NULL,{CODEC},?,?,?,?)")


def of(rows: Sequence[Parameters]) -> tuple[str, Parameters]:
    """Return the statement that writes *rows*, 1 to 128, and its parameters."""
    parameters: list[object] = []
    for (
        pos, epoch, stream, revision, n, kind, flags, began_us, at_us, commit_id,
        parent, _, _, data, salt, digest, head,
    ) in rows:  # fmt: skip
        if parent is not None:
            return _FORKS[len(rows)], tuple(chain.from_iterable(rows))
        # For bytes, and for None, the driver looks for an adapter each time, and what it
        # looks through raises: a fifth of a flush. A bytearray it takes as it is.
        parameters += (
            pos, epoch, stream, revision, n, kind, flags, began_us, at_us, bytearray(commit_id),
            data, bytearray(salt), bytearray(digest), bytearray(head),
        )  # fmt: skip
    return _OTHERS[len(rows)], tuple(parameters)
