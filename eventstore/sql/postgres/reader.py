"""Reading a log: a statement a page, rows out as Structs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa

from eventstore import refusals
from eventstore.chain import CLOSES
from eventstore.codec import Registry, RowDecoder
from eventstore.errors import EventStoreError
from eventstore.events import Event, Head, Row, Verdict
from eventstore.fold import Folded, Reducer, fold
from eventstore.identifiers import Position, Revision, StreamId
from eventstore.names import NameBook
from eventstore.sql.postgres import connections, failures, tail, verifying
from eventstore.sql.postgres.tables import LOG_ID, commits

S = TypeVar("S")
ROW_EVENTS = 256

_BEGINS = (commits.c.revision == 1) | commits.c.parent.is_not(None)
_HEAD_COLUMNS = "revision, n, kind, flags, pos, parent, parent_revision"
_HEAD = (
    f"(SELECT {_HEAD_COLUMNS} FROM commits WHERE stream = %(stream)s"
    " ORDER BY revision DESC LIMIT 1) UNION ALL"
    f" (SELECT {_HEAD_COLUMNS} FROM commits WHERE stream = %(stream)s ORDER BY revision LIMIT 1)"
)
_PAGE = (
    "SELECT pos, revision, n, began_us, data::text, parent, parent_revision FROM commits"
    " WHERE stream = %s AND revision BETWEEN %s AND %s ORDER BY revision LIMIT 256"
)
_ROW_COLUMNS = [
    *(commits.c[name] for name in ("pos", "stream", "revision", "kind", "flags", "began_us")),
    *(commits.c[name] for name in ("at_us", "parent", "parent_revision")),
    sa.cast(commits.c.data, sa.Text),
]
_END_OF_TIME = 1 << 62
_HEX_DIGITS = 32


class Reader:
    """Reads one log. Thread-safe.

    Args:
        url: for the engine.
        place: the address without its password.
        registry: what the program knows.
        names: what the numbers mean; learns what the log registers.
    """

    def __init__(self, url: sa.URL, place: str, registry: Registry, names: NameBook) -> None:
        self._place = place
        self._registry = registry
        self._names = names
        self._decoder = RowDecoder(registry, names.types, names.sites)
        self._engine = connections.reader_engine(url)

    def close(self) -> None:
        """Let go of the connections."""
        self._engine.dispose()

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        with failures.translating(self._place), self._engine.connect() as connection:
            yield connection

    def load_names(self) -> None:
        """Learn the names of the log."""
        with self._connection() as connection:
            self._names.load(tail.read_names(connection))

    def end(self) -> Position:
        """Return the position of the last event."""
        query = f"SELECT next_pos - 1 FROM log WHERE log_id = {LOG_ID}"
        with self._connection() as connection:
            return Position(connection.exec_driver_sql(query).scalar() or 0)

    def head(self, stream: StreamId) -> Head:
        """Say how far *stream* is."""
        with self._connection() as connection:
            rows = connection.exec_driver_sql(_HEAD, {"stream": stream}).all()
        if not rows:
            return Head(Revision(0))
        (revision, n, kind, flags, pos, *_), (*_, parent, parent_revision) = rows
        return Head(
            revision=Revision(revision + n - 1),
            kind=self._registry.kind_by_id(kind).name,
            closed=bool(flags & CLOSES),
            parent=parent,
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
            start = rows[-1][1] + rows[-1][2]

    def _page(self, stream: StreamId, start: int, last: int) -> Sequence[Any]:
        with self._connection() as connection:
            return connection.exec_driver_sql(_PAGE, (stream, start, last)).all()

    def _inherited(self, rows: Sequence[Any], first: int, last: int) -> Iterator[Event]:
        """Give what the ancestors have of a fork that begins with *rows*."""
        if rows and rows[0][5] is not None and first < rows[0][1]:
            yield from self.read(rows[0][5], first, min(last, rows[0][6]))

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
        query = sa.select(*_ROW_COLUMNS).where(commits.c.log_id == LOG_ID, commits.c.pos > after)
        if before is not None:
            query = query.where(commits.c.pos < before)
        if kinds:
            query = query.where(commits.c.kind.in_([self._registry.kind(k).id for k in kinds]))
        if first_rows_only:
            query = query.where(_BEGINS)
        query = query.order_by(commits.c.pos.desc() if newest_first else commits.c.pos)
        with self._connection() as connection:
            rows = connection.execute(query.limit(max(limit, 0))).all()
        return [self._row(*row) for row in rows]

    def _row(  # noqa: PLR0913, PLR0917 - the columns
        self,
        pos: int,
        stream: UUID,
        revision: int,
        kind: int,
        flags: int,
        began_us: int,
        at_us: int,
        parent: UUID | None,
        parent_revision: int | None,
        data: str,
    ) -> Row:
        stream_id = StreamId(stream)
        return Row(
            Position(pos), stream_id, Revision(revision), self._registry.kind_by_id(kind).name,
            bool(flags & CLOSES), began_us, at_us, StreamId(parent) if parent else None,
            Revision(parent_revision or 0),
            self._decode(pos, stream_id, revision, began_us, data),
        )  # fmt: skip

    def count_streams(self, kind: str) -> int:
        """Count the streams of *kind*."""
        number = self._registry.kind(kind).id
        query = sa.select(sa.func.count()).where(commits.c.kind == number, _BEGINS)
        with self._connection() as connection:
            return connection.execute(query).scalar_one()

    def find_streams(self, suffix: str, kind: str, limit: int) -> list[StreamId]:
        """Find streams by the end of their id."""
        whole = _whole_id(suffix)
        if whole is not None:
            fits = commits.c.stream == whole
        else:
            digits = sa.func.replace(sa.cast(commits.c.stream, sa.Text), "-", "")
            fits = sa.func.right(digits, len(suffix)) == suffix.lower()
        query = (
            sa.select(commits.c.stream)
            .where(commits.c.kind == self._registry.kind(kind).id, _BEGINS, fits)
            .order_by(commits.c.pos.desc())
            .limit(max(limit, 0))
        )
        with self._connection() as connection:
            return [StreamId(stream) for stream in connection.execute(query).scalars()]

    def forks_of(self, stream: StreamId) -> list[StreamId]:
        """Give the streams that go on from *stream*."""
        query = (
            sa.select(commits.c.stream).where(commits.c.parent == stream).order_by(commits.c.pos)
        )
        with self._connection() as connection:
            return [StreamId(fork) for fork in connection.execute(query).scalars()]

    def open_streams(self, kind: str) -> list[StreamId]:
        """Give the streams of *kind* that no row closes."""
        query = (
            sa.select(commits.c.stream)
            .where(commits.c.kind == self._registry.kind(kind).id)
            .group_by(commits.c.stream)
            .having(sa.func.bit_or(commits.c.flags.op("&")(CLOSES)) == 0)
            .order_by(sa.func.min(commits.c.pos))
        )
        with self._connection() as connection:
            return [StreamId(stream) for stream in connection.execute(query).scalars()]

    def fold(self, reducer: Reducer[S], stream: StreamId, at: int | None) -> Folded[S]:
        """Fold *stream* up to revision *at*."""
        revision = self.head(stream).revision
        if at is not None and not 0 <= at <= revision:
            raise refusals.no_such_revision(stream, at, revision)
        at = revision if at is None else at
        return Folded(fold(reducer, self.read(stream, 1, at)), Revision(at))

    def verify(
        self, first: int, last: int | None, progress: Callable[[int, int], None] | None
    ) -> Verdict:
        """Check the rows that hold positions *first* to *last*."""
        with self._connection() as connection:
            check = verifying.begin(connection, first, last, self._revision_before)
        pos = check.start
        while pos <= check.end:
            with self._connection() as connection:
                rows = verifying.page(connection, pos, check.end)
            if not rows:
                break
            for row in rows:
                fault = check.walk.step(row)
                if fault is not None:
                    return fault
            pos = max(rows[-1].next_pos, pos + 1)
            if progress is not None:
                progress(min(pos, check.end + 1) - check.start, check.end + 1 - check.start)
        return check.walk.finish()

    def _revision_before(self, stream: StreamId, revision: int) -> int:
        with self._connection() as connection:
            return verifying.revision_before(connection, stream, revision)


def _whole_id(suffix: str) -> UUID | None:
    """Return the id that *suffix* is all of: that one is found by its index."""
    try:
        return UUID(suffix) if len(suffix) == _HEX_DIGITS else None
    except ValueError:
        return None
