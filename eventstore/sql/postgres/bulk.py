"""Rows by COPY in its binary form: for imports, which bring very many (PG-1).

The values are packed here, and not by the driver: it would take the text of a payload for
something to be made JSON of once more.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from eventstore.sql.texts import LOG_ID

CHUNK_ROWS = 1_000
Pack: TypeAlias = Callable[[Any], bytes]

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_integer, _bigint = struct.Struct("!i").pack, struct.Struct("!q").pack
_size, _fields = struct.Struct("!i").pack, struct.Struct("!h").pack


def _text(value: str) -> bytes:
    return value.encode()


def _uuid(value: str) -> bytes:
    return UUID(value).bytes


COLUMNS: dict[str, tuple[str, tuple[Pack, ...]]] = {
    "commits": (
        "pos, epoch, stream, revision, n, kind, flags, began_us, at_us, commit_id, parent,"
        " parent_revision, codec, data, salt, digest, chain",
        (_bigint, _bigint, _uuid, _bigint, _integer, _integer, _integer, _bigint, _bigint, bytes,
         _uuid, _bigint, _integer, _text, bytes, bytes, bytes),
    ),
    "names": (
        "id, kind, name, version, fingerprint", (_bigint, _integer, _text, _integer, bytes),
    ),
    "seals": (
        "last_pos, first_pos, note, marks, key, signature",
        (_bigint, _bigint, _text, bytes, bytes, bytes),
    ),
    "tombstones": (
        "first_pos, last_pos, epoch, chain, gone, segment, event_pos",
        (_bigint, _bigint, _bigint, bytes, bytes, _integer, _bigint),
    ),
}  # fmt: skip
"""What can be copied: table to its columns besides `log_id`, and how each is packed."""


def copy(connection: sa.Connection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert *rows*, a chunk at a time, within the caller's transaction.

    Args:
        connection: of a writer.
        table: one of `COLUMNS`.
        rows: values of its columns, ids as 32 hex digits.
    """
    names, packs = COLUMNS[table]
    text = f"COPY {table} (log_id, {names}) FROM STDIN (FORMAT BINARY)"
    driver: Any = connection.connection.driver_connection
    chunk: list[bytes] = []

    def send() -> None:
        with driver.cursor() as cursor, cursor.copy(text) as into:
            into.write(b"".join([_HEADER, *chunk, _END]))
        chunk.clear()

    for row in rows:
        chunk.append(packed(row, packs))
        if len(chunk) == CHUNK_ROWS:
            send()
    if chunk:
        send()


def packed(row: Sequence[Any], packs: Sequence[Pack]) -> bytes:
    """Return *row* in the binary form, behind the number of its log."""
    parts = [_fields(len(packs) + 1), _size(4), _integer(LOG_ID)]
    for value, pack in zip(row, packs, strict=True):
        if value is None:
            parts.append(_NULL)
        else:
            raw = pack(value)
            parts += (_size(len(raw)), raw)
    return b"".join(parts)
