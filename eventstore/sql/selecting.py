"""Which streams may leave the log now: closed, sealed, old enough, and with all their forks.

Source: AR-1.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa

from eventstore import redaction, retention
from eventstore.chain import CLOSES
from eventstore.identifiers import StreamId
from eventstore.retention import Wanted
from eventstore.sql import seal_table, segments, tail
from eventstore.sql.history import History
from eventstore.sql.texts import id_of, run

_CLOSING = (
    "SELECT stream FROM commits WHERE {log} (flags & ?) <> 0 AND kind = ? AND at_us <= ?"
    " AND pos <= ? ORDER BY pos"
)
_END = (
    "SELECT pos + n - 1, flags, kind, at_us FROM commits WHERE stream = ?"
    " ORDER BY revision DESC LIMIT 1"
)
_WEIGHT = "SELECT count(*), sum(length({data})), sum(n) FROM commits WHERE stream = ?"
_ROW_BYTES = 250
"""Of a row's other columns, and its entries in the indexes."""


class Pick(msgspec.Struct, frozen=True):
    """A stream that may leave."""

    stream: str
    rows: int
    size: int
    """About what it takes of the file, in bytes."""
    events: int
    kind: int


class Selection:
    """Looks for streams that may leave, in one moment of one store.

    Args:
        connection: to the store, in a transaction.
        history: of the store.
        wanted: what is looked for.
        kinds: number to name of the kinds whose streams stay.
        dropping: whether forks that are archived are in the way.
    """

    def __init__(
        self,
        connection: sa.Connection,
        history: History,
        wanted: Wanted,
        kinds: Mapping[int, str],
        *,
        dropping: bool,
    ) -> None:
        self._connection = connection
        self._history = history
        self._wanted = wanted
        self._staying = kinds
        self._dropping = dropping
        self._named = {stream.hex for stream in wanted.streams}
        seal = seal_table.last(connection)
        self._sealed_to = seal.last_pos if seal is not None else 0
        self._children = self._forks()
        self._known: dict[str, str | None] = {}

    def picks(self) -> Iterator[Pick]:
        """Give streams, each after all that go on from it.

        Raises:
            EventStoreError: `cannot-archive`, `has-forks` for streams that were named.
        """
        taken: set[str] = set()
        for stream in self._candidates():
            family = self._family(stream)
            if all(self.obstacle(each) is None for each in family):
                for each in family:
                    if each not in taken:
                        taken.add(each)
                        yield self._pick(each)

    def obstacle(self, stream: str) -> str | None:
        """Say why *stream* itself has to stay; None: it may go."""
        if stream not in self._known:
            self._known[stream] = self._look(stream)
        return self._known[stream]

    def check_named(self) -> None:
        """Refuse what was asked for by name and must stay.

        Raises:
            EventStoreError: `cannot-archive`, `has-forks`.
        """
        for stream in self._wanted.streams:
            if self._is_archived(stream):
                continue
            reason = self.obstacle(stream.hex)
            if reason is not None:
                raise retention.cannot_archive(reason)
            for fork in self._family(stream.hex)[:-1]:
                if self.obstacle(fork) is not None:
                    raise retention.has_forks(stream, StreamId(UUID(fork)))

    def _is_archived(self, stream: StreamId) -> bool:
        if segments.has_stream(self._connection, stream):
            return False
        home = self._history.home(self._connection, stream)
        if home is not None and self._dropping:
            reason = f"stream {stream} is archived, and is kept with that"
            raise retention.cannot_archive(reason)
        return home is not None

    def _candidates(self) -> Iterator[str]:
        if self._wanted.streams:
            yield from sorted(self._named)
            return
        for kind, before_us in self._wanted.before_us.items():
            bounds = (CLOSES, kind, before_us, self._sealed_to)
            for (stream,) in run(self._connection, _CLOSING, bounds):
                yield id_of(stream).hex

    def _family(self, stream: str) -> list[str]:
        """Return *stream* and all that goes on from it, itself last."""
        found = [stream]
        for each in found:
            found += self._children.get(each, ())
        return found[::-1]

    def _look(self, stream: str) -> str | None:
        row = run(self._connection, _END, (stream,)).first()
        name = f"stream {UUID(stream)}"
        if row is None:
            return f"there is no {name} in it"
        last, flags, kind, at_us = row
        if kind in self._staying:
            return f"{name} is of kind {self._staying[kind]}, which stays"
        if not flags & CLOSES:
            return f"{name} is not closed"
        if last > self._sealed_to:
            return f"{name} is not sealed yet"
        if self._named:
            return None if stream in self._named else f"{name} was not named"
        before_us = self._wanted.before_us.get(kind)
        return None if before_us is not None and at_us <= before_us else f"{name} is to be kept"

    def _pick(self, stream: str) -> Pick:
        rows, size, events = run(self._connection, _WEIGHT, (stream,)).one()
        kind = run(self._connection, _END, (stream,)).one()[2]
        return Pick(stream, rows, int(size) + rows * _ROW_BYTES, events, kind)

    def _forks(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        sql = "SELECT parent, stream FROM commits WHERE parent IS NOT NULL ORDER BY pos"
        rows: list[Any] = list(run(self._connection, sql).all())
        if self._dropping:
            for each in segments.where(self._connection, "forks > 0"):
                with self._history.opened(each) as held:
                    rows += run(held, sql).all()
        for parent, stream in rows:
            found.setdefault(id_of(parent).hex, []).append(id_of(stream).hex)
        return found


def state_of(connection: sa.Connection) -> tuple[int, int]:
    """Return what is another one once a stream got a fork or lost a value.

    A selection, and what was copied by it, hold as long as it is the same.
    """
    forks = run(connection, "SELECT count(*) FROM commits WHERE parent IS NOT NULL").scalar_one()
    names = tail.read_names(connection)
    redacted = seal_table.facts(connection, names, redaction.FACT, redaction.Redacted)
    return int(forks), len(redacted)
