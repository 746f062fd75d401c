"""One text for both databases: where they spell something differently, it has a mark.

A question mark stands for a value; ids are given as 32 hex digits and come back as either
database has them, for `id_of`. In PostgreSQL a table may hold several logs: `{log}` says which,
wherever a condition on positions stands.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from eventstore.identifiers import StreamId

LOG_ID = 1
"""In PostgreSQL, of the one log that a database holds by now; the tables have room for several."""
Result: TypeAlias = sa.CursorResult[*tuple[Any, ...]]

_SQLITE = {
    "{begin}": "BEGIN",
    "{log}": "",
    "{log_id}": "",
    "{its_id}": "",
    "{data}": "data",
    "{data_bytes}": "length(CAST(data AS BLOB))",
    "{an_id}": "?",
    "{hex}": "stream",
    "{row}": "rowid",
    "{maintain}": "UPDATE log SET maintenance = 1",
    "{maintained}": "UPDATE log SET maintenance = 0",
    # As bytes: what somebody altered in a file need not be text.
    **{f"{{raw_{name}}}": f"CAST({name} AS BLOB)" for name in ("data", "note", "parent", "stream")},
    "{raw_uid}": "CAST(uid AS BLOB)",
    "{raw_state}": "CAST(k.data AS BLOB)",
}
_POSTGRES = {
    "?": "%s",
    "{begin}": "BEGIN ISOLATION LEVEL REPEATABLE READ",
    "{log}": f"log_id = {LOG_ID} AND ",
    "{log_id}": "log_id, ",
    "{its_id}": f"{LOG_ID}, ",
    "{data}": "data::text",
    "{data_bytes}": "octet_length(data::text)",
    "{an_id}": "%s::uuid",
    "{hex}": "replace(stream::text, '-', '')",
    "{row}": "ctid",
    "{maintain}": "SET LOCAL timescape.maintenance = 'on'",
    "{maintained}": "SET LOCAL timescape.maintenance = 'off'",
    "{raw_data}": "data::text",
    "{raw_state}": "k.data",
    **{f"{{raw_{name}}}": name for name in ("note", "parent", "stream", "uid")},
}
_SPELLINGS = {"sqlite": _SQLITE, "postgresql": _POSTGRES}


@lru_cache(maxsize=512)
def spelled(text: str, dialect: str) -> str:
    """Return *text* as the database of *dialect* takes it."""
    for mark, spelling in _SPELLINGS[dialect].items():
        text = text.replace(mark, spelling)
    return text


def run(connection: sa.Connection, text: str, values: Sequence[object] = ()) -> Result:
    """Execute *text* with *values*."""
    return connection.exec_driver_sql(spelled(text, connection.dialect.name), tuple(values))


def run_bare(
    connection: sa.Connection, text: str, values: Sequence[object] = ()
) -> list[tuple[Any, ...]]:
    """Return what *text* gives as the driver gives it: for very many rows, at half the cost."""
    result = run(connection, text, values)
    assert result.cursor is not None  # noqa: S101 - for the type checker: it gives rows
    rows: list[tuple[Any, ...]] = result.cursor.fetchall()  # type: ignore[assignment]
    result.close()
    return rows


def run_each(connection: sa.Connection, text: str, values: Sequence[tuple[object, ...]]) -> None:
    """Execute *text* once for each of *values*."""
    connection.exec_driver_sql(spelled(text, connection.dialect.name), list(values))


@contextmanager
def moment(connection: sa.Connection) -> Iterator[None]:
    """See the log as it is at one moment, whatever comes meanwhile."""
    run(connection, "{begin}")
    try:
        yield
    finally:
        if not connection.invalidated:
            # Nothing was written; at a rollback the driver would forget what it has prepared.
            connection.exec_driver_sql("COMMIT")


@contextmanager
def maintaining(connection: sa.Connection) -> Iterator[None]:
    """Let rows be changed, within a transaction (TB-7)."""
    run(connection, "{maintain}")
    yield
    run(connection, "{maintained}")


def id_of(value: UUID | str) -> StreamId:
    """Return an id as either database gives it."""
    return StreamId(value if isinstance(value, UUID) else UUID(value))


def id_or_none(value: UUID | str | None) -> StreamId | None:
    """Return an id that need not be there."""
    return None if value is None else id_of(value)


def text_of(raw: bytes | str) -> str:
    """Return what a `{raw_…}` mark gave as text; what is not UTF-8 as surrogates."""
    return raw if isinstance(raw, str) else raw.decode(errors="surrogateescape")
