"""Move closed streams out of `commits`: into segments (`archive`), or for good (`prune`).

Each step is a transaction of its own, short enough for appends to go on in between, and
whatever step a process is killed after, the next run finds what is left to do. Only what
every reader can do without is outside of transactions: a file that no row names yet.

Source: AR-1, AR-2, TB-7.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

import msgspec
import sqlalchemy as sa

from eventstore import retention
from eventstore.chain import Gone
from eventstore.events import Archived, Pruned
from eventstore.identifiers import Clock, Position, StreamId
from eventstore.retention import (
    BATCH_ROWS,
    STAYING,
    ArchivedFact,
    PrunedFact,
    Wanted,
    wanted_of,
)
from eventstore.sql import packing, segments
from eventstore.sql.points import crash_point
from eventstore.sql.reader import Reader
from eventstore.sql.segments import Segment
from eventstore.sql.selecting import Pick, Selection, state_of
from eventstore.sql.taking_out import HEADERS, drop_rows, next_position, take_out
from eventstore.sql.texts import run

T = TypeVar("T")
Progress: TypeAlias = Callable[[int, int], None]
VACUUM_PAGES = 1_000


class Changing(Protocol):
    """What is done to the log, each under its lock; see `SqlStore`."""

    def maintain(
        self,
        work: Callable[[sa.Connection], T],
        fact: str | None = None,
        tell: Callable[[T], object] = lambda _: None,
    ) -> tuple[T, Position]:
        """See `MaintainedLog.change`."""
        ...

    def give_back(self, pages: int) -> bool:
        """Give so many free pages back to the disk; say whether there are more."""
        ...

    def truncate(self) -> None:
        """Bring the write-ahead log over into the file."""
        ...

    def seal_all(self) -> None:
        """Seal what is not sealed, if this process is who does."""
        ...


class Archiver:
    """Moves rows of one store.

    Args:
        reader: of the store.
        log: to be changed.
        clock: says how old a stream is.
        segment_bytes: of rows, at most, in one segment.
        batch_rows: that one transaction takes out, at most.
    """

    def __init__(
        self,
        reader: Reader,
        log: Changing,
        clock: Clock,
        *,
        segment_bytes: int = retention.SEGMENT_BYTES,
        batch_rows: int = BATCH_ROWS,
    ) -> None:
        self._shelf = reader.shelf
        self._reader = reader
        self._log = log
        self._clock = clock
        self._segment_bytes = segment_bytes
        self._batch_rows = batch_rows
        kinds = reader.registry.kinds
        self._names = {kind.id: kind.name for kind in kinds}
        self._staying = {kind.id: kind.name for kind in kinds if kind.name in STAYING}

    def wanted(
        self,
        action: str,
        older_than: timedelta | None,
        kinds: Sequence[str],
        streams: Sequence[StreamId],
    ) -> Wanted:
        """Say what `archive` or `prune` (*action* `drop`) are to look for.

        Raises:
            EventStoreError: `cannot-archive`, `unknown-kind`.
        """
        if streams:
            return Wanted(streams=tuple(streams))
        registry = self._reader.registry
        for name in kinds:
            registry.kind(name)  # refuses one that is not there
        age_s = None if older_than is None else older_than.total_seconds()
        return wanted_of(registry.kinds, action, self._clock(), older_than_s=age_s, names=kinds)

    def archive(self, wanted: Wanted, progress: Progress | None = None) -> Archived:
        """Copy what is *wanted* to segments, and take it out of `commits`.

        Raises:
            EventStoreError: see `Store.archive`.
        """
        done = Archived()
        folder = self._shelf.required()
        with self._shelf.alone():
            self._finish()
            self._log.seal_all()
            self._check(wanted, dropping=False)
            total = self._count(wanted) if progress is not None else 0
            while picks := self._next_segment(wanted):
                segment = self._segment_of(picks)
                if segment is None:
                    continue  # a fork or a redaction came meanwhile: look again
                self._unload(segment)
                done = _with(done, segment, picks, folder)
                if progress is not None:
                    progress(done.streams, max(total, done.streams))
            self._give_back()
        return done

    def prune(
        self, wanted: Wanted, *, by: str, reason: str, progress: Progress | None = None
    ) -> Pruned:
        """Drop what is *wanted* for good.

        Raises:
            EventStoreError: see `Store.prune`.
        """
        done = Pruned()
        with self._shelf.alone():
            self._finish()
            self._log.seal_all()
            self._check(wanted, dropping=True)
            while True:
                picks, state = self._select(wanted, dropping=True, most=1 << 62)
                if not picks:
                    break
                for batch in _batches(picks, self._batch_rows):
                    position = self._drop(batch, state, by, reason)
                    if position is None:
                        break  # a fork came meanwhile: look again
                    done = Pruned(
                        done.streams + len(batch), done.rows + sum(pick.rows for pick in batch),
                        (*done.positions, position),
                    )  # fmt: skip
                    if progress is not None:
                        progress(done.streams, max(len(picks), done.streams))
            self._give_back()
        return done

    # --- what leaves ---

    def _select(
        self, wanted: Wanted, *, dropping: bool, most: int
    ) -> tuple[list[Pick], tuple[int, int]]:
        """Return streams of about *most* bytes in all, and the state that they were found in."""
        with self._reader.moment() as connection:
            picks = self._selection(connection, wanted, dropping=dropping).picks()
            return list(_up_to(picks, most)), state_of(connection)

    def _check(self, wanted: Wanted, *, dropping: bool) -> None:
        with self._reader.moment() as connection:
            self._selection(connection, wanted, dropping=dropping).check_named()

    def _count(self, wanted: Wanted) -> int:
        with self._reader.moment() as connection:
            return sum(1 for _ in self._selection(connection, wanted, dropping=False).picks())

    def _selection(self, connection: sa.Connection, wanted: Wanted, *, dropping: bool) -> Selection:
        history = self._reader.history
        return Selection(connection, history, wanted, self._staying, dropping=dropping)

    # --- into a segment ---

    def _next_segment(self, wanted: Wanted) -> list[Pick]:
        return self._select(wanted, dropping=False, most=self._segment_bytes)[0]

    def _segment_of(self, picks: Sequence[Pick]) -> Segment | None:
        """Make the segment of *picks* and make it known; None: it does not hold any more."""
        streams = [pick.stream for pick in picks]
        with self._reader.moment() as connection:
            number = 1 + max((each.id for each in segments.where(connection)), default=0)
            state = state_of(connection)
            history = self._reader.history
            made = packing.pack(self._shelf, history, number, streams, connection)
        crash_point("segment.before")

        def enter(connection: sa.Connection) -> Segment:
            if state_of(connection) != state:
                raise _ChangedError
            known = msgspec.structs.replace(made, event_pos=next_position(connection))
            segments.insert(connection, known)
            return known

        try:
            segment, _ = self._log.maintain(
                enter, retention.ARCHIVED, lambda known: _fact_of(known, picks)
            )
        except _ChangedError:
            (self._shelf.required() / made.file).unlink(missing_ok=True)
            return None
        crash_point("segment.after")
        return segment

    def _unload(self, segment: Segment) -> None:
        """Take the rows of *segment* out of `commits`, those that are still there."""
        most = self._batch_rows
        done_to = self._reader.ask(lambda c: segments.unloaded_to(c, segment.id))
        with self._reader.history.opened(segment) as held:
            is_last = False
            while not is_last:
                text = f"{HEADERS} pos > ? ORDER BY pos LIMIT ?"
                rows = run(held, text, (done_to, most)).all()
                batch = [Gone(*row) for row in rows]
                is_last = len(batch) < most
                crash_point("unload.before")
                self._log.maintain(partial(take_out, batch, segment, is_last=is_last))
                crash_point("unload.after")
                done_to = batch[-1].pos if batch else done_to

    def _finish(self) -> None:
        """Do what is left of segments that are made, and remove files that no segment is."""
        with self._reader.moment() as connection:
            packing.sweep(self._shelf, connection)
            left = segments.where(connection, "unloaded = 0")
        for segment in left:
            self._unload(segment)

    # --- for good ---

    def _drop(
        self, batch: Sequence[Pick], state: tuple[int, int], by: str, reason: str
    ) -> Position | None:
        """Drop streams in one transaction with its fact; None: they cannot go any more."""
        crash_point("prune.before")

        def work(connection: sa.Connection) -> PrunedFact:
            if state_of(connection) != state:
                raise _ChangedError
            stones = drop_rows(connection, [pick.stream for pick in batch])
            names = sorted({self._names[pick.kind] for pick in batch})
            return PrunedFact(
                names, len(batch), sum(pick.rows for pick in batch),
                sum(pick.events for pick in batch), stones[0][0], stones[-1][1],
                retention.digest_of(stones), by, reason,
                batch[0].stream if len(batch) == 1 else "",
            )  # fmt: skip

        try:
            _, position = self._log.maintain(work, retention.PRUNED, lambda fact: fact)
        except _ChangedError:
            return None
        crash_point("prune.after")
        return position

    def _give_back(self) -> None:
        while self._log.give_back(VACUUM_PAGES):
            pass
        # Only then the file is cut, what was dropped is in no file any more, and the write-ahead
        # log that all this went through is gone: a holder beside us does not count it.
        self._log.truncate()


class _ChangedError(Exception):
    """What was selected does not hold any more."""


def _up_to(picks: Iterable[Pick], most: int) -> Iterator[Pick]:
    """Give at least one, and no more once they are *most* bytes."""
    total = 0
    for pick in picks:
        if total and total + pick.size > most:
            return
        total += pick.size
        yield pick


def _batches(picks: Sequence[Pick], most: int) -> Iterator[list[Pick]]:
    """Put streams together up to *most* rows.

    One with more rows is dropped at once all the same: half of it would be a lie.
    """
    batch: list[Pick] = []
    for pick in picks:
        if batch and sum(each.rows for each in batch) + pick.rows > most:
            yield batch
            batch = []
        batch.append(pick)
    if batch:
        yield batch


def _fact_of(segment: Segment, picks: Sequence[Pick]) -> ArchivedFact:
    return ArchivedFact(
        segment.id, segment.file, segment.size, segment.sha256.hex(), segment.first_pos,
        segment.last_pos, len(picks), sum(pick.rows for pick in picks),
        sum(pick.events for pick in picks),
    )  # fmt: skip


def _with(done: Archived, segment: Segment, picks: Sequence[Pick], folder: Path) -> Archived:
    return Archived(
        done.streams + len(picks), done.rows + sum(pick.rows for pick in picks),
        (*done.files, str(folder / segment.file)), done.size + segment.size,
    )  # fmt: skip
