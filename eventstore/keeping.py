"""Cursors in table `cursors` of a database: the store's own, or one that a reader fills.

Text of SQL and no driver: whatever executes it has it in its own transaction.
"""

from collections.abc import Sequence
from typing import Any, Protocol
from uuid import UUID

from eventstore import refusals
from eventstore.cursors import Cursor, Mark

_TABLE = (
    "CREATE TABLE IF NOT EXISTS cursors (name TEXT NOT NULL, log TEXT NOT NULL,"
    " epoch INTEGER NOT NULL, position INTEGER NOT NULL, chain BLOB NOT NULL, UNIQUE (name, log))"
)
_ALL = "SELECT log, epoch, position, chain FROM cursors WHERE name = ?"
_MOVE = (
    "UPDATE cursors SET epoch = ?, position = ?, chain = ?"
    " WHERE name = ? AND log = ? AND position = ? AND chain = ?"
)
_BEGIN = (
    "INSERT INTO cursors (epoch, position, chain, name, log) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (name, log) DO NOTHING"
)


_IN_POSTGRES = (("?", "%s"), ("INTEGER", "BIGINT"), ("BLOB", "BYTEA"))


class Result(Protocol):
    """What a statement gave, as Python's database interface has it."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchall(self) -> list[Any]:
        """Return its rows."""
        ...


class Database(Protocol):
    """A connection of `sqlite3`, or one of psycopg."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Result:
        """Execute one statement in the current transaction."""
        ...


def cursor_in(database: Database, name: str) -> Cursor | None:
    """Return the cursor that `page.done(database)` kept there for *name*; None: none yet."""
    _run(database, _TABLE)
    rows = _run(database, _ALL, (name,)).fetchall()
    return Cursor({UUID(str(log)): Mark(*mark) for log, *mark in rows}) if rows else None


def keep(database: Database, name: str, log: UUID, before: Mark, after: Mark) -> None:
    """Move the cursor of *name* from *before* to *after*, or begin it there.

    Raises:
        EventStoreError: `cursor-moved`.
    """
    _run(database, _TABLE)
    values = (after.epoch, after.position, after.chain, name, log.hex)
    moved = _run(database, _MOVE, (*values, before.position, before.chain)).rowcount
    if not moved and not _run(database, _BEGIN, values).rowcount:
        raise refusals.cursor_moved(name, before.position)


def _run(database: Database, sql: str, values: Sequence[Any] = ()) -> Result:
    if hasattr(database, "pgconn"):  # psycopg's
        for ours, theirs in _IN_POSTGRES:
            sql = sql.replace(ours, theirs)
    return database.execute(sql, values)
