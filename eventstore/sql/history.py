"""The rows of a log wherever they are: in `commits`, in segments, or gone but for a tombstone.

Whoever reads rows asks here, and gets the same answer before, while and after they are
archived. `commits` is asked first: rows leave it only after a segment that has them is in
the table, so a segment that is not there when the answer is has none that are missing in it.

Source: AR-3.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from eventstore.chain import Gone, unpack_gone
from eventstore.errors import EventStoreError
from eventstore.identifiers import StreamId
from eventstore.sql import failures, segments
from eventstore.sql.segments import Segment
from eventstore.sql.texts import id_of, run

T = TypeVar("T")
Ask = Callable[[sa.Connection], Sequence[Any]]
"""Rows that have a `pos`, of `commits` in the file that it is given."""

END_OF_TIME = 1 << 62
_LAST = "SELECT pos, n, epoch, chain FROM commits WHERE {log} pos <= ? ORDER BY pos DESC LIMIT 1"
_TOMBSTONE = "SELECT first_pos, last_pos, epoch, chain, gone, segment, event_pos FROM tombstones"
_TOMBSTONES = (
    f"{_TOMBSTONE} WHERE {{log}} first_pos <= ? AND last_pos >= ? AND first_pos >= coalesce("  # noqa: S608
    "(SELECT max(first_pos) FROM tombstones WHERE {log} first_pos <= ?), ?) ORDER BY first_pos"
)


class Place(msgspec.Struct, frozen=True):
    """Where a row stands, and the chain value up to it."""

    pos: int
    next_pos: int
    epoch: int
    chain: bytes


class Tombstone(msgspec.Struct, frozen=True):
    """What stands where rows were taken out: the columns of table `tombstones`."""

    first_pos: int
    last_pos: int
    epoch: int
    chain: bytes
    gone: bytes | None
    segment: int | None
    event_pos: int


class History:
    """The rows of a store. Thread-safe: it keeps no file open.

    Args:
        folder: of its segments; None: nobody named it, so that they cannot be read.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._engines: dict[str, sa.Engine] = {}

    @contextmanager
    def opened(self, segment: Segment) -> Iterator[sa.Connection]:
        """Look into *segment*.

        Raises:
            EventStoreError: `segment-missing`.
        """
        # Whoever writes the table must not lead a reader out of the folder.
        file = (self._folder or Path()) / Path(segment.file).name
        if self._folder is None or not file.exists():
            raise segments.segment_missing(file)
        engine = self._engines.get(segment.file)
        if engine is None:
            # Making one takes longer than most answers.
            engine = self._engines[segment.file] = segments.engine_of(file)
        with failures.translating(file), engine.connect() as held:
            yield held

    # --- by stream ---

    def of_stream(
        self, connection: sa.Connection, stream: StreamId, ask: Callable[[sa.Connection], T]
    ) -> T:
        """Return what *ask* answers of the file that holds the rows of *stream*.

        Raises:
            EventStoreError: `segment-missing`.
        """
        answer = ask(connection)

        def elsewhere() -> T:
            for each in self._suspects(connection, stream):
                with self.opened(each) as held:
                    if segments.has_stream(held, stream):
                        return ask(held)
            return answer

        return twice(elsewhere)

    def home(self, connection: sa.Connection, stream: StreamId) -> Segment | None:
        """Return the segment that holds *stream*; None: its rows are in `commits`, if it has any.

        Raises:
            EventStoreError: `segment-missing`.
        """
        for each in self._suspects(connection, stream):
            with self.opened(each) as held:
                if segments.has_stream(held, stream):
                    return each
        return None

    def _suspects(self, connection: sa.Connection, stream: StreamId) -> list[Segment]:
        """Return the segments that may hold *stream*; none if it is in `commits` for certain."""
        found = segments.covering(connection, stream)
        # Of a stream in an unloaded segment nothing is left in `commits`.
        if all(each.unloaded for each in found) and (
            not found or segments.has_stream(connection, stream)
        ):
            return []
        return found

    def forks(self, connection: sa.Connection, stream: StreamId) -> list[tuple[int, StreamId]]:
        """Return position and stream of what goes on from *stream*, oldest first."""
        sql = "SELECT pos, stream FROM commits WHERE parent = ?"

        def ask(held: sa.Connection) -> Sequence[Any]:
            return run(held, sql, (stream.hex,)).all()

        def found() -> list[tuple[int, StreamId]]:
            rows = {(row[0], id_of(row[1])) for row in ask(connection)}
            for each in segments.where(connection, "forks > 0"):
                with self.opened(each) as held:
                    rows |= {(row[0], id_of(row[1])) for row in ask(held)}
            return sorted(rows)

        return twice(found)

    # --- by position ---

    def rows(
        self,
        connection: sa.Connection,
        ask: Ask,
        *,
        after: int,
        before: int | None,
        limit: int,
        newest_first: bool = False,
    ) -> list[Any]:
        """Return up to *limit* rows that *ask* gives of any file, in order.

        The caller's transaction makes it one moment; *ask* keeps to the bounds and the limit.

        Raises:
            EventStoreError: `segment-missing`.
        """
        own = list(ask(connection))
        last = END_OF_TIME if before is None else before - 1
        others = segments.between(connection, after + 1, last)
        rows = own
        for each in sorted(others, key=lambda segment: segment.last_pos, reverse=newest_first):
            if len(rows) >= limit and _is_beyond(each, rows[limit - 1].pos, newest_first):
                continue
            with self.opened(each) as held:
                found = {row.pos: row for row in [*ask(held), *rows]}
            rows = [found[pos] for pos in sorted(found, reverse=newest_first)][:limit]
        return rows

    def count(self, connection: sa.Connection, condition: str, values: Sequence[object]) -> int:
        """Count the rows that *condition* is true of. The caller's transaction is one moment.

        Raises:
            EventStoreError: `segment-missing`.
        """
        query = f"SELECT count(*) FROM commits WHERE {condition}"  # noqa: S608 - ours
        total = int(run(connection, query, values).scalar_one())
        both = f"SELECT pos FROM commits WHERE {condition}"  # noqa: S608 - ours
        for each in segments.where(connection):
            with self.opened(each) as held:
                total += int(run(held, query, values).scalar_one())
                if not each.unloaded:
                    here, there = (run(of, both, values).scalars() for of in (connection, held))
                    total -= len({*here} & {*there})
        return total

    def recent(self, connection: sa.Connection, ask: Ask, limit: int) -> list[Any]:
        """Return the last rows that *ask* gives, newest first, of what can be had of them."""
        own = list(ask(connection))
        first = own[-1].pos if len(own) == limit else 1
        try:
            others, _ = self.archived(connection, ask, first, END_OF_TIME)
        except EventStoreError:  # who appends need not have the segments
            return own
        found = {row.pos: row for row in [*others, *own]}
        return [found[pos] for pos in sorted(found, reverse=True)][:limit]

    def last_row(self, connection: sa.Connection, position: int) -> Place | None:
        """Return the last row that begins at *position* or before.

        Where it is the last of those that a tombstone stands for, its own beginning is told
        as its end.
        """
        return self._place(connection, position, exact=False)

    def row_at(self, connection: sa.Connection, position: int) -> Place | None:
        """Return the last row that begins at *position* or before, with where it begins.

        Raises:
            EventStoreError: `segment-missing`.
        """
        return self._place(connection, position, exact=True)

    def _place(self, connection: sa.Connection, position: int, *, exact: bool) -> Place | None:
        row = run(connection, _LAST, (position,)).first()
        stone = tombstone_at(connection, position)
        if stone is None or (row is not None and row[0] > stone.first_pos):
            return None if row is None else _place_of(row)
        if position > stone.last_pos or (position == stone.last_pos and not exact):
            return Place(stone.last_pos, stone.last_pos + 1, stone.epoch, stone.chain)
        return twice(lambda: self._inside(connection, stone, position))

    def _inside(self, connection: sa.Connection, stone: Tombstone, position: int) -> Place | None:
        if stone.segment is None:
            inside = [row for row in unpack_gone(stone.first_pos, stone.gone or b"")
                      if row.pos <= position]  # fmt: skip
            row = inside[-1] if inside else None
            return Place(row.pos, row.next_pos, row.epoch, row.chain) if row else None
        for each in segments.where(connection, "id = ?", (stone.segment,)):
            with self.opened(each) as held:
                found = run(held, _LAST, (position,)).first()
                return None if found is None else _place_of(found)
        return None

    def tombstones(self, connection: sa.Connection, first: int, last: int) -> list[Tombstone]:
        """Return the tombstones that stand for positions from *first* to *last*."""
        rows = run(connection, _TOMBSTONES, (last, first, first, first))
        return [Tombstone(*row) for row in rows.all()]

    def is_taken_out(self, connection: sa.Connection, position: int) -> bool:
        """Say whether a tombstone stands at *position*."""
        stone = tombstone_at(connection, position)
        return stone is not None and stone.last_pos >= position

    def chains(self, connection: sa.Connection, first: int, last: int) -> list[tuple[int, bytes]]:
        """Return position and chain value of all rows that begin from *first* to *last*.

        Raises:
            EventStoreError: `segment-missing`.
        """
        sql = "SELECT pos, chain FROM commits WHERE {log} pos BETWEEN ? AND ?"

        def ask(held: sa.Connection) -> Sequence[Any]:
            return run(held, sql, (first, last)).all()

        own = ask(connection)
        archived, gone = self.archived(connection, ask, first, last)
        found = {row.pos: row.chain for row in [*gone, *archived, *own]}
        return sorted(found.items())

    def archived(
        self, connection: sa.Connection, ask: Ask, first: int, last: int
    ) -> tuple[list[Any], list[Gone]]:
        """Return what *ask* gives of segments under tombstones in these positions, and the gone.

        Raises:
            EventStoreError: `segment-missing`.
        """

        def found() -> tuple[list[Any], list[Gone]]:
            stones = self.tombstones(connection, first, last)
            rows: list[Any] = []
            wanted = {stone.segment for stone in stones} - {None}
            for number in sorted(number for number in wanted if number is not None):
                for each in segments.where(connection, "id = ?", (number,)):
                    with self.opened(each) as held:
                        rows += ask(held)
            gone = [
                row for stone in stones if stone.segment is None
                for row in unpack_gone(stone.first_pos, stone.gone or b"")
                if first <= row.pos <= last
            ]  # fmt: skip
            return rows, gone

        return twice(found)


def twice(look: Callable[[], T]) -> T:
    """Look again where a file was not there: a redaction may just have made another one.

    Raises:
        EventStoreError: `segment-missing`.
    """
    try:
        return look()
    except EventStoreError as error:
        if error.code != "segment-missing":
            raise
    return look()


def tombstone_at(connection: sa.Connection, position: int) -> Tombstone | None:
    """Return the last tombstone that begins at *position* or before."""
    text = f"{_TOMBSTONE} WHERE {{log}} first_pos <= ? ORDER BY first_pos DESC LIMIT 1"
    row = run(connection, text, (position,)).first()
    return Tombstone(*row) if row else None


def _place_of(row: Sequence[Any]) -> Place:
    pos, n, epoch, chain = row
    return Place(pos, pos + n, epoch, chain)


def _is_beyond(segment: Segment, pos: int, newest_first: bool) -> bool:  # noqa: FBT001
    return segment.last_pos < pos if newest_first else segment.first_pos > pos
