"""Reading a log: short transactions, whole pages, rows out as Structs."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from string import hexdigits
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec
import sqlalchemy as sa

from eventstore import refusals
from eventstore.chain import CLOSES
from eventstore.codec import Registry, RowDecoder
from eventstore.cursors import Mark
from eventstore.errors import EventStoreError
from eventstore.events import Event, Head, Row
from eventstore.following import PAGE_ROWS, Found
from eventstore.forks import Process
from eventstore.identifiers import Position, Revision, StreamId
from eventstore.names import NameBook
from eventstore.sql import failures, tail
from eventstore.sql.history import History, twice
from eventstore.sql.shelf import Shelf
from eventstore.sql.texts import id_of, id_or_none, moment, run
from eventstore.sql.verifier import Verifier

T = TypeVar("T")
ROW_EVENTS = 256

_BEGINS = "(revision = 1 OR parent IS NOT NULL)"
_HEAD = (
    "SELECT revision, n, kind, flags, pos, parent, parent_revision FROM commits WHERE stream = ?"
)
_ENDS = (
    f"SELECT * FROM ({_HEAD} ORDER BY revision DESC LIMIT 1) AS last"  # noqa: S608 - columns
    f" UNION ALL SELECT * FROM ({_HEAD} ORDER BY revision LIMIT 1) AS first"
)
_PAGE = (
    "SELECT pos, revision, n, began_us, {data}, parent, parent_revision, flags"
    " FROM commits WHERE stream = ? AND revision BETWEEN ? AND ? ORDER BY revision LIMIT 256"
)
# The index `commits_unclosed` holds the first rows that close nothing: those of most requests
# are not among them, for one row is all that they have.
_OPEN = (
    f"SELECT stream FROM commits AS c WHERE kind = ? AND (flags & 1) = 0 AND {_BEGINS}"  # noqa: S608
    " AND NOT EXISTS (SELECT 1 FROM commits AS closing"
    " WHERE closing.stream = c.stream AND (closing.flags & 1) = 1) ORDER BY pos"
)
_ROW = "pos, stream, revision, kind, flags, began_us, at_us, parent, parent_revision, {data}"
_ROW_COLUMNS = len(_ROW.split(", "))
_END_OF_TIME = 1 << 62
_HEX_DIGITS = 32


class LogRow(msgspec.Struct, frozen=True, gc=False):
    """What a row holds of its stream, not yet decoded."""

    pos: int
    revision: int
    n: int
    began_us: int
    data: str

    @property
    def last(self) -> int:
        """Revision of its last event."""
        return self.revision + self.n - 1


class Backend(Protocol):
    """What a database gives whoever reads a log in it."""

    @property
    def place(self) -> failures.Place:
        """Where it is, as it may be shown."""
        ...

    @property
    def shelf(self) -> Shelf:
        """Where its segments lie."""
        ...

    def engine(self) -> sa.Engine:
        """Return a new pool of connections that can only read."""
        ...

    def translating(self) -> AbstractContextManager[None]:
        """Raise the driver's errors as ours."""
        ...

    def anchors(self) -> Iterable[bytes]:
        """Return the public keys whose seals are trusted, as far as they are known here."""
        ...


class Reader:
    """Reads one store. Thread-safe.

    Args:
        backend: whose store it is.
        registry: what the program knows.
        names: what the numbers mean; learns what the log registers.
    """

    def __init__(self, backend: Backend, registry: Registry, names: NameBook) -> None:
        self.registry = registry
        self.history = History(backend.shelf.folder)
        self._backend = backend
        self._names = names
        self._decoder = RowDecoder(registry, names.types, names.sites)
        self._engine = backend.engine()
        self._closed = False
        self._generation = Process.generation

    @property
    def place(self) -> failures.Place:
        """Where the store is, as it may be shown."""
        return self._backend.place

    @property
    def shelf(self) -> Shelf:
        """Where its segments lie."""
        return self._backend.shelf

    def close(self) -> None:
        """Let go of the connections."""
        self._closed = True
        self._engine.dispose()

    def _check_open(self) -> None:
        if self._closed or self._generation != Process.generation:
            raise refusals.store_closed(str(self.place))

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        self._check_open()
        with self._backend.translating(), self._engine.connect() as connection:
            try:
                yield connection
            finally:
                if self._closed:
                    # A thread was reading meanwhile: nobody closes what it gives back now.
                    connection.invalidate()

    def ask(self, query: Callable[[sa.Connection], T]) -> T:
        """Return what *query* answers: a short one, for it has a connection to itself."""
        with self._connection() as connection:
            return query(connection)

    def of_stream(self, stream: StreamId, query: Callable[[sa.Connection], T]) -> T:
        """Return what *query* answers of the file that holds the rows of *stream*."""
        with self._connection() as connection:
            return self.history.of_stream(connection, stream, query)

    def load_names(self) -> None:
        """Learn the names of the log."""
        with self._connection() as connection:
            self._names.load(tail.read_names(connection))

    def end(self) -> Position:
        """Return the position of the last event."""
        with self._connection() as connection:
            found = run(connection, "SELECT next_pos - 1 FROM log WHERE {log} TRUE").scalar()
            return Position(found or 0)

    def head(self, stream: StreamId) -> Head:
        """Say how far *stream* is."""
        rows = self.of_stream(
            stream, lambda connection: run(connection, _ENDS, (stream.hex, stream.hex)).all()
        )
        if not rows:
            return Head(Revision(0))
        (revision, n, kind, flags, pos, *_), (*_, parent, parent_revision) = rows
        return Head(
            revision=Revision(revision + n - 1),
            kind=self.registry.kind_by_id(kind).name,
            closed=bool(flags & CLOSES),
            parent=id_or_none(parent),
            parent_revision=Revision(parent_revision or 0),
            last_position=Position(pos + n - 1),
        )

    def read(self, stream: StreamId, first: int, last: int) -> Iterator[Event]:
        """Give events of *stream*, page by page, its ancestors' first."""
        # A row that holds revision *first* begins at most 255 before it.
        start = max(first - ROW_EVENTS + 1, 1)
        while start <= last:
            rows = self._page(stream, start, last)
            if not rows:
                # Of a fork it may be that all that is asked for is its ancestors'.
                rows = self._page(stream, 1, _END_OF_TIME) if start <= first else []
                yield from self._inherited(rows, first, last)
                return
            yield from self._inherited(rows, first, last)
            for pos, revision, _, began_us, data, *_ in rows:
                events = self._decode(pos, stream, revision, began_us, data)
                if revision < first or revision + len(events) - 1 > last:
                    events = events[max(first - revision, 0) : last - revision + 1]
                yield from events
            if rows[-1][7] & CLOSES:
                return  # nothing follows: the database need not say so
            start = rows[-1][1] + rows[-1][2]

    def rows(self, stream: StreamId, start: int, last: int) -> Iterator[LogRow]:
        """Give the stream's own rows that begin from revision *start* to *last*."""
        while start <= last and (page := self._page(stream, start, last)):
            for pos, revision, n, began_us, data, *_ in page:
                yield LogRow(pos, revision, n, began_us, data)
            start = page[-1][1] + page[-1][2]

    def events(self, stream: StreamId, row: LogRow) -> Sequence[Event]:
        """Decode a row of *stream*."""
        return self._decode(row.pos, stream, row.revision, row.began_us, row.data)

    def _page(self, stream: StreamId, start: int, last: int) -> Sequence[Any]:
        return self.of_stream(
            stream, lambda connection: run(connection, _PAGE, (stream.hex, start, last)).all()
        )

    def _inherited(self, rows: Sequence[Any], first: int, last: int) -> Iterator[Event]:
        """Give what the ancestors have of a fork that begins with *rows*."""
        if rows and rows[0][5] is not None and first < rows[0][1]:
            yield from self.read(id_of(rows[0][5]), first, min(last, rows[0][6]))

    def _decode(
        self, pos: int, stream: StreamId, revision: int, began_us: int, data: str
    ) -> Sequence[Event]:
        decode = self._decoder.decode
        try:
            return decode(data, position=pos, stream=stream, first=revision, began_us=began_us)
        except EventStoreError:
            known = len(self._names)
            self.load_names()
            if len(self._names) == known:
                raise
            return decode(data, position=pos, stream=stream, first=revision, began_us=began_us)

    def read_log(
        self,
        *,
        after: int,
        before: int | None,
        limit: int,
        kinds: Sequence[str],
        newest_first: bool,
        first_rows_only: bool,
    ) -> list[Row]:
        """Give rows between two positions."""
        where, values = self._where(after, kinds)
        if before is not None:
            where, values = f"{where} AND pos < ?", [*values, before]
        if first_rows_only:
            where = f"{where} AND {_BEGINS}"
        order = "pos DESC" if newest_first else "pos"
        text = f"SELECT {_ROW} FROM commits WHERE {where} ORDER BY {order} LIMIT ?"  # noqa: S608
        asked = (text, [*values, max(limit, 0)])
        rows = twice(lambda: self._rows(asked, after, before, limit, newest_first=newest_first))
        return [self._row(*row) for row in rows]

    def _where(self, after: int, kinds: Sequence[int | str]) -> tuple[str, list[int]]:
        """Return the condition for rows of *kinds* that begin after a position, and its values."""
        numbers = [k if isinstance(k, int) else self.registry.kind(k).id for k in kinds]
        if not numbers:
            return "{log} pos > ?", [after]
        marks = ",".join("?" * len(numbers))
        return f"{{log}} pos > ? AND kind IN ({marks})", [after, *numbers]

    def _rows(
        self,
        asked: tuple[str, Sequence[object]],
        after: int,
        before: int | None,
        limit: int,
        *,
        newest_first: bool,
    ) -> list[Any]:
        if limit <= 0:
            return []
        with self.moment() as connection:
            return self.history.rows(
                connection, lambda held: run(held, *asked).all(), after=after, before=before,
                limit=limit, newest_first=newest_first,
            )  # fmt: skip

    def _row(  # noqa: PLR0913, PLR0917 - the columns
        self,
        pos: int,
        stream: UUID | str,
        revision: int,
        kind: int,
        flags: int,
        began_us: int,
        at_us: int,
        parent: UUID | str | None,
        parent_revision: int | None,
        data: str,
    ) -> Row:
        stream_id = id_of(stream)
        return Row(
            Position(pos), stream_id, Revision(revision), self.registry.kind_by_id(kind).name,
            bool(flags & CLOSES), began_us, at_us, id_or_none(parent),
            Revision(parent_revision or 0),
            self._decode(pos, stream_id, revision, began_us, data),
        )  # fmt: skip

    def log_id(self) -> UUID:
        """Return the id of the log.

        Raises:
            EventStoreError: `no-such-store`: nobody began it yet.
        """
        with self._connection() as connection:
            uid = tail.read_uid(connection)
        if uid is None:
            raise failures.no_log(self._backend.place)
        return uid

    def page(self, log: UUID, after: Mark, kinds: Sequence[int]) -> Found:
        """Give a subscription's next rows, in one transaction with the mark behind them.

        Raises:
            EventStoreError: `history-forked`.
        """
        where, values = self._where(after.position, kinds)
        text = f"SELECT {_ROW}, epoch, n, chain FROM commits WHERE {where} ORDER BY pos LIMIT ?"  # noqa: S608
        rows, mark = twice(lambda: self._rows_and_mark((text, [*values, PAGE_ROWS]), log, after))
        more = len(rows) == PAGE_ROWS
        if more:
            (pos, *_, epoch, n, chain) = rows[-1]
            mark = Mark(epoch, pos + n - 1, chain)
        return Found([self._row(*row[:_ROW_COLUMNS]) for row in rows], mark, more)

    def _rows_and_mark(
        self, asked: tuple[str, Sequence[object]], log: UUID, after: Mark
    ) -> tuple[list[Any], Mark]:
        with self.moment() as connection:
            if tail.read_mark(connection, self.history, log, after.position) != after:
                raise refusals.history_forked(log, after.position)
            rows = self.history.rows(
                connection, lambda held: run(held, *asked).all(), after=after.position,
                before=None, limit=PAGE_ROWS,
            )  # fmt: skip
            return rows, tail.read_mark(connection, self.history, log)

    def mark_at(self, log: UUID, position: int | None) -> Mark:
        """Return the mark after the last row that ends up to *position*; None: at the end."""
        with self.moment() as connection:
            mark = tail.read_mark(connection, self.history, log, position)
            if position is None or mark.position <= position:
                return mark
            # The row that holds *position* goes on behind it.
            row = self.history.row_at(connection, position)
            return tail.read_mark(connection, self.history, log, row.pos - 1 if row else 0)

    @contextmanager
    def moment(self) -> Iterator[sa.Connection]:
        """Give a connection that sees the log as it is at one moment."""
        with self._connection() as connection, moment(connection):
            yield connection

    def count_streams(self, kind: str) -> int:
        """Count the streams of *kind*."""
        number = self.registry.kind(kind).id
        with self.moment() as connection:
            return twice(
                lambda: self.history.count(connection, f"kind = ? AND {_BEGINS}", (number,))
            )

    def find_streams(self, suffix: str, kind: str, limit: int) -> list[StreamId]:
        """Find streams by the end of their id."""
        number, suffix = self.registry.kind(kind).id, suffix.lower()
        fits, values = "substr({hex}, ?) = ?", [_HEX_DIGITS + 1 - len(suffix), suffix]
        if _is_id(suffix):
            fits, values = "stream = ?", [suffix]
        # The index on (stream, revision) holds all ids: the rows themselves are only
        # looked at where the id fits.
        text = (
            "SELECT pos, stream FROM commits"  # noqa: S608 - ours
            f" WHERE stream IN (SELECT stream FROM commits WHERE {fits})"
            f" AND kind = ? AND {_BEGINS} ORDER BY pos DESC LIMIT ?"
        )
        asked = (text, [*values, number, max(limit, 0)])
        if _is_id(suffix):
            # One that is not archived is found without the segments.
            rows = self.of_stream(id_of(suffix), lambda held: run(held, *asked).all())
        else:
            rows = twice(lambda: self._rows(asked, 0, None, limit, newest_first=True))
        return [id_of(found) for _, found in rows]

    def forks_of(self, stream: StreamId) -> list[StreamId]:
        """Give the streams that go on from *stream*."""
        with self._connection() as connection:
            return [fork for _, fork in self.history.forks(connection, stream)]

    def open_streams(self, kind: str) -> list[StreamId]:
        """Give the streams of *kind* that no row closes."""
        number = self.registry.kind(kind).id
        with self._connection() as connection:
            return [id_of(stream) for stream in run(connection, _OPEN, (number,)).scalars()]

    def verifier(self) -> Verifier:
        """Return what checks the store."""
        return Verifier(self._connection, self._backend.anchors, self.history)


def _is_id(suffix: str) -> bool:
    """Say whether *suffix* is all of an id: that one is found by its index."""
    return len(suffix) == _HEX_DIGITS and set(suffix) <= set(hexdigits)
