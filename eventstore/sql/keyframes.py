"""The SQL of kept folds: one probe finds one, and what writes and drops them.

Reading gives Structs; writing gives `Write`s, which the writer carries out together.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from eventstore.identifiers import StreamId
from eventstore.sql.texts import run

DROPPED_AT_ONCE = 256
_PAGE_BYTES = 4_096
_COLUMNS_BYTES = 150
"""Of a keyframe's other columns and its entries in the indexes."""

# The row that ends where the keyframe does is looked up with it: its chain value is what
# ties a kept fold to its history.
NEWEST = (
    "SELECT k.revision, k.digest, {raw_state}, c.chain FROM keyframes AS k LEFT JOIN commits AS c"
    " ON c.stream = k.stream AND c.revision = (SELECT revision FROM commits"
    " WHERE stream = ? AND revision <= k.revision ORDER BY revision DESC LIMIT 1)"
    " AND c.revision + c.n - 1 = k.revision"
    " WHERE k.stream = ? AND k.reducer = (SELECT id FROM reducers WHERE fingerprint = ?)"
    " AND k.revision <= ? ORDER BY k.revision DESC LIMIT 1"
)
CHAIN = "SELECT chain FROM commits WHERE stream = ? AND revision = ?"
CHAIN_UP_TO = (
    "SELECT chain FROM commits WHERE stream = ? AND revision = (SELECT revision FROM commits"
    " WHERE stream = ? AND revision <= ? ORDER BY revision DESC LIMIT 1) AND revision + n - 1 = ?"
)
_ADD_REDUCER = (
    "INSERT INTO reducers (name, version, fingerprint) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
)
_PUT = (
    "INSERT INTO keyframes (stream, reducer, revision, digest, data)"
    " VALUES (?, (SELECT id FROM reducers WHERE fingerprint = ?), ?, ?, ?)"
    " ON CONFLICT (stream, reducer, revision)"
    " DO UPDATE SET digest = excluded.digest, data = excluded.data"
)
DROP_AFTER = (
    "DELETE FROM keyframes WHERE stream = ? AND revision > ?"
    " AND reducer = (SELECT id FROM reducers WHERE fingerprint = ?)"
)
COUNT = "SELECT count(*) FROM keyframes WHERE reducer = ?"
DROP_SOME = (
    "DELETE FROM keyframes WHERE {row} IN"  # noqa: S608 - a number
    f" (SELECT {{row}} FROM keyframes WHERE reducer = ? LIMIT {DROPPED_AT_ONCE})"
)


class Stored(msgspec.Struct, frozen=True):
    """A keyframe as it is stored."""

    revision: int
    digest: bytes
    data: bytes
    chain: bytes | None
    """Of the row of the log that ends at *revision*; None: no row does."""


class Write(msgspec.Struct, frozen=True):
    """A statement that changes what is kept, for `texts.run`."""

    sql: str
    parameters: tuple[Any, ...]
    size: int = 0
    """Of what it adds, in bytes."""
    settles: bool = False
    """Whether it must be done before anything is read again."""


def newest(
    connection: sa.Connection, stream: StreamId, fingerprint: bytes, revision: int
) -> Stored | None:
    """Return the last keyframe of *stream* at or before *revision*, valid or not."""
    row = run(connection, NEWEST, (stream.hex, stream.hex, fingerprint, revision)).first()
    if row is None:
        return None
    revision, digest, data, chain = row
    return Stored(revision, digest, data.encode() if isinstance(data, str) else data, chain)


def chain_at(connection: sa.Connection, stream: StreamId, revision: int) -> bytes:
    """Return the chain value of the row of *stream* that begins at *revision*."""
    return bytes(run(connection, CHAIN, (stream.hex, revision)).scalar_one())


def chain_up_to(connection: sa.Connection, stream: StreamId, revision: int) -> bytes | None:
    """Return the chain value of the row of *stream* that ends at *revision*; None: none does."""
    values = (stream.hex, stream.hex, revision, revision)
    chain: bytes | None = run(connection, CHAIN_UP_TO, values).scalar()
    return chain


def reducer_id(connection: sa.Connection, fingerprint: bytes) -> int | None:
    """Return the number under which a fingerprint is known."""
    sql = "SELECT id FROM reducers WHERE fingerprint = ?"
    number = run(connection, sql, (fingerprint,)).scalar()
    return None if number is None else int(number)


def outdated(connection: sa.Connection, name: str, fingerprint: bytes) -> list[int]:
    """Return the numbers of a reducer's fingerprints, but for *fingerprint* and the latest other.

    Two stay, so that a program and the one that replaces it can take turns.
    """
    rows = run(
        connection,
        "SELECT id FROM reducers WHERE name = ? AND fingerprint <> ? ORDER BY id DESC",
        (name, fingerprint),
    )
    return [int(number) for number in rows.scalars()][1:]


def count(connection: sa.Connection, reducer: int) -> int:
    """Count the keyframes under a number."""
    return int(run(connection, COUNT, (reducer,)).scalar_one())


def add_reducer(name: str, version: int, fingerprint: bytes) -> Write:
    """Make a reducer known."""
    return Write(_ADD_REDUCER, (name, version, fingerprint))


def weight(data: bytes) -> int:
    """Return what a keyframe takes of the file, in bytes.

    Two of more than half a page do not fit into one, so each has whole pages to itself.
    """
    size = len(data) + _COLUMNS_BYTES
    return size if 2 * size <= _PAGE_BYTES else -(-size // _PAGE_BYTES) * _PAGE_BYTES


def put(stream: StreamId, fingerprint: bytes, revision: int, digest: bytes, data: bytes) -> Write:
    """Keep a fold, in the place of what is there."""
    text = data.decode()
    return Write(_PUT, (stream.hex, fingerprint, revision, digest, text), weight(data))


def drop_after(stream: StreamId, revision: int, fingerprint: bytes) -> Write:
    """Drop the keyframes of *stream* that come after *revision*."""
    return Write(DROP_AFTER, (stream.hex, revision, fingerprint), settles=True)


def drop_some(number: int) -> Write:
    """Drop at most `DROPPED_AT_ONCE` keyframes under a number."""
    return Write(DROP_SOME, (number,), settles=True)


def drop_reducer(number: int) -> Write:
    """Forget a number that has no keyframes any more."""
    return Write("DELETE FROM reducers WHERE id = ?", (number,))
