"""What `verify` reads of a store: where to begin, rows and seals as they are.

Nothing here trusts the file: text may be no text, ids no ids, numbers any numbers.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from eventstore import refusals, seals
from eventstore.chain import Gone, LogEnd, StoredRow, Walk, genesis
from eventstore.identifiers import StreamId
from eventstore.names import REGISTERED, TYPE, Name
from eventstore.seals import Rekeying, Seal
from eventstore.sql import seal_table, tail
from eventstore.sql.history import History
from eventstore.sql.texts import run, text_of
from eventstore.verification import SealedWalk

PAGE_ROWS = 512
_AS_THEY_ARE = {"stream": "{raw_stream}", "parent": "{raw_parent}", "{data}": "{raw_data}"}
_COLUMNS = ", ".join(_AS_THEY_ARE.get(name, name) for name in tail.COLUMNS.split(", "))
_STREAM, _PARENT, _DATA = 2, 10, 13
_NO_ID = UUID(int=0)


class Log(msgspec.Struct, frozen=True):
    """What a log says of itself, all at one moment."""

    uid: UUID
    end: LogEnd
    newest: int
    """Last position of the last row, whatever *end* says."""
    names: list[Name]
    redactions: dict[int, bytes]
    rekeyings: list[Rekeying]
    last_seal: Seal | None

    def keys(self, anchors: Iterable[bytes]) -> frozenset[bytes]:
        """Return the keys that may seal; without *anchors* the last one vouches for others."""
        known = list(anchors) or ([self.last_seal.key] if self.last_seal else [])
        return seals.trusted(self.uid, known, self.rekeyings)

    @property
    def unvouched(self) -> int:
        """How often the key changed without the signature of the one before."""
        return sum(not seals.is_vouched(self.uid, fact) for fact in self.rekeyings)


class Start(msgspec.Struct, frozen=True):
    """Where a walk begins."""

    pos: int
    next_pos: int
    """Position due there."""
    previous: bytes | None
    """Chain value before; None: it is the log's beginning."""


def read_log(connection: sa.Connection) -> Log:
    """Read what the log says of itself. The caller's transaction makes it one moment.

    Raises:
        EventStoreError: `no-such-position`: nobody began it yet.
    """
    query = "SELECT {raw_uid}, epoch, next_pos, head FROM log WHERE {log} TRUE"
    found = run(connection, query).first()
    if found is None:
        raise refusals.no_row(1)
    uid, epoch, next_pos, head = found
    query = "SELECT pos + n - 1 FROM commits WHERE {log} TRUE ORDER BY pos DESC LIMIT 1"
    newest = run(connection, query).scalar()
    names = tail.read_names(connection)
    return Log(
        id_of(uid), LogEnd(next_pos, head, epoch), newest or 0, names,
        seal_table.redactions(connection, names), seal_table.rekeyings(connection, names),
        seal_table.last(connection),
    )  # fmt: skip


def start_at(connection: sa.Connection, history: History, first: int) -> Start:
    """Return where to begin so that the row which holds position *first* is seen."""
    if first <= 1:
        return Start(1, 1, None)
    found = history.row_at(connection, first)
    pos = found.pos if found and found.next_pos > first else first
    before = row_before(connection, history, pos)
    return Start(1, 1, None) if before is None else Start(pos, *before)


def row_before(connection: sa.Connection, history: History, pos: int) -> tuple[int, bytes] | None:
    """Return the position due after the row before *pos*, and that row's chain value."""
    found = history.last_row(connection, pos - 1)
    return (found.next_pos, found.chain) if found else None


def walk_from(
    log: Log,
    start: Start,
    *,
    to_end: bool,
    revision_before: Callable[[StreamId, int], int],
    redaction_since: Callable[[int], bytes | None],
) -> Walk:
    """Return a walk along the rows of *log*."""
    names = log.names
    return Walk(
        uid=log.uid,
        previous=genesis(log.uid) if start.previous is None else start.previous,
        next_pos=start.next_pos,
        end=log.end if to_end else None,
        names=[(name.id, name.kind, name.name, name.version) for name in names],
        names_type=next((n.id for n in names if (n.kind, n.name) == (TYPE, REGISTERED)), None),
        from_start=start.previous is None,
        revision_before=revision_before,
        redactions=log.redactions,
        redaction_since=redaction_since,
    )


def begin(
    log: Log,
    start: Start,
    walk: Walk,
    found: Iterable[Seal],
    anchors: Iterable[bytes],
    *,
    to_end: bool,
) -> SealedWalk:
    """Return *walk* with the seals that lie in its way."""
    return SealedWalk(walk, found, keys=log.keys(anchors), first=start.pos, to_end=to_end)


def no_row_check(log: Log, first: int) -> int:
    """Return the last position there is, if *first* is not beyond it.

    Raises:
        EventStoreError: `no-such-position`.
    """
    end = max(log.end.next_pos - 1, log.newest)
    if first > end:
        raise refusals.no_row(first)
    return end


def page(connection: sa.Connection, history: History, pos: int, end: int) -> list[StoredRow | Gone]:
    """Return the next rows that begin from *pos* to *end*, in order.

    The caller's transaction makes it one moment.
    """
    where = f"{{log}} pos BETWEEN ? AND ? ORDER BY pos LIMIT {PAGE_ROWS}"

    def ask(held: sa.Connection) -> list[StoredRow]:
        return rows_where(held, where, (pos, end))

    own = ask(connection)
    last = own[-1].pos if len(own) == PAGE_ROWS else end
    archived, gone = history.archived(connection, ask, pos, last)
    found: dict[int, StoredRow | Gone] = {row.pos: row for row in [*gone, *archived, *own]}
    return [found[at] for at in sorted(found)][:PAGE_ROWS]


def rows_where(
    connection: sa.Connection, where: str, values: tuple[object, ...]
) -> list[StoredRow]:
    """Return rows, whatever they hold."""
    text = f"SELECT {_COLUMNS} FROM commits WHERE {where}"  # noqa: S608 - columns
    rows = run(connection, text, values)
    return [_row(columns) for columns in rows]


def _row(columns: Sequence[Any]) -> StoredRow:
    values = list(columns)
    values[_STREAM] = StreamId(id_of(values[_STREAM]))
    values[_PARENT] = StreamId(id_of(values[_PARENT])) if values[_PARENT] is not None else None
    # A damaged or hostile file may hold anything there; its hash then says so.
    values[_DATA] = text_of(values[_DATA]) if isinstance(values[_DATA], str | bytes) else ""
    return StoredRow(*values)


def id_of(raw: object) -> UUID:
    """Read an id; one that is not written as it should be is nobody's."""
    if isinstance(raw, UUID):
        return raw
    if not isinstance(raw, bytes):
        return _NO_ID
    try:
        value = UUID(raw.decode("ascii"))
    except ValueError:
        return _NO_ID
    return value if value.hex.encode() == raw else _NO_ID


def revision_before(connection: sa.Connection, stream: StreamId, revision: int) -> int:
    """Return the revision that *stream* was at before its row that begins at *revision*."""
    before = run(
        connection,
        "SELECT revision + n - 1 FROM commits WHERE stream = ? AND revision < ?"
        " ORDER BY revision DESC LIMIT 1",
        (stream.hex, revision),
    ).scalar()
    return int(before or 0)
