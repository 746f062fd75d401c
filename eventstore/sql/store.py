"""A store in a database: readers, and a writer where the mode has one."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol, Self, TypeVar

import msgspec

from eventstore import refusals
from eventstore.bell import Bell
from eventstore.cursors import LAST, Cursor, us_of
from eventstore.drafts import Drafting
from eventstore.erasure import Erasure
from eventstore.events import Event, Head, NewEvent, Redaction, Row, Verdict
from eventstore.fold import Folded, Reducer
from eventstore.following import Following
from eventstore.forks import Process
from eventstore.identifiers import Position, Revision, StreamId
from eventstore.keyring import Opened, keyring_missing, name_of
from eventstore.nodes import Nodes
from eventstore.sql import failures, originating, subject_keys
from eventstore.sql.erasing import Erasing, Rewrapping
from eventstore.sql.feed import SqlFeed, Watch
from eventstore.sql.folding import FoldCounts, Folds, Report
from eventstore.sql.instants import last_by
from eventstore.sql.keeping import Keeper
from eventstore.sql.locked import MovableLog
from eventstore.sql.movable import Movable
from eventstore.sql.reader import Reader
from eventstore.sql.redacting import Order
from eventstore.sql.tail import read_mark
from eventstore.sql.tickets import SqlTicket
from eventstore.sql.writer import Writer
from eventstore.subjects import Subjects

S = TypeVar("S")


def reporting(writer: Writer, keeper: Keeper | None) -> Report | None:
    """Say whom folds tell what they found of keyframes."""
    if keeper is None:
        return None
    return lambda report: writer.ask(lambda: keeper.take(report))


class UpkeptLog(MovableLog, Protocol):
    """What a log does besides appending; whoever asks has it to itself."""

    def seal_due_s(self) -> float | None:
        """Return when `seal` is due; None: it signs nothing, for want of a key or of the log."""
        ...

    def redact(self, order: Order) -> Redaction: ...
    def erase(self, erasing: Erasing) -> Erasure: ...
    def rewrap(self, batch: Rewrapping) -> None: ...


class Closes(Protocol):
    """What is let go of last."""

    def close(self) -> None: ...


class Node(Nodes, Closes, Protocol):
    """One of the processes that share a log."""


class Writing(msgspec.Struct, frozen=True):
    """What a store has that is open for writing."""

    writer: Writer
    log: UpkeptLog
    holder: Closes | None = None
    nodes: Node | None = None


class SqlStore(Movable):
    """A log in a database. See `eventstore.store.Store` for what its methods do."""

    def __init__(
        self,
        url: str,
        reader: Reader,
        folds: Folds,
        drafting: Drafting,
        watch: Watch,
        writing: Writing | None = None,
        *,
        bell: Bell | None = None,
    ) -> None:
        writer = writing.writer if writing is not None else None
        self._url = url
        self._reader = reader
        self._folds = folds
        self._bell = writer.bell if writer is not None else bell or Bell()
        note = self._note_reset if writer is not None else None
        self._feed = SqlFeed(url, watch, reader, note)
        self._drafting = drafting
        self._writer = writer
        self._log = writing.log if writing is not None else None
        self._holder = writing.holder if writing is not None else None
        self._nodes = writing.nodes if writing is not None else None
        self._subjects = drafting.subjects
        self._closed = False
        self._generation = Process.generation
        self._reader.load_names()

    @property
    def url(self) -> str:
        """Where it is, as it was opened."""
        return self._url

    def append(  # noqa: PLR0913 - the port has them
        self,
        stream: StreamId,
        events: Sequence[NewEvent],
        *,
        kind: str,
        expected: int,
        commit_id: bytes | None = None,
        parent: tuple[StreamId, Revision] | None = None,
        close: bool = False,
        durable: bool = False,
    ) -> SqlTicket:
        self._check_open()
        if self._writer is None:
            raise failures.opened_for_reading(self._url)
        draft = self._drafting.draft(
            stream, events, kind=kind, expected=expected, commit_id=commit_id,
            parent=parent, close=close, durable=durable,
        )  # fmt: skip
        return self._writer.enqueue(draft)

    def head(self, stream: StreamId) -> Head:
        self._check_open()
        return self._reader.head(stream)

    def read(self, stream: StreamId, first: int = 1, last: int | None = None) -> Iterator[Event]:
        self._check_open()
        return self._reader.read(stream, _held(first), _held(LAST if last is None else last))

    def read_log(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 256,
        kinds: Sequence[str] = (),
        newest_first: bool = False,
        first_rows_only: bool = False,
    ) -> list[Row]:
        self._check_open()
        return self._reader.read_log(
            after=_held(after),
            before=None if before is None else _held(before),
            limit=_held(limit),
            kinds=kinds,
            newest_first=newest_first,
            first_rows_only=first_rows_only,
        )

    def end(self) -> Position:
        self._check_open()
        return self._reader.end()

    def count_streams(self, kind: str) -> int:
        self._check_open()
        return self._reader.count_streams(kind)

    def find_streams(self, suffix: str, kind: str, limit: int = 10) -> list[StreamId]:
        self._check_open()
        return self._reader.find_streams(suffix, kind, limit)

    def forks_of(self, stream: StreamId) -> list[StreamId]:
        self._check_open()
        return self._reader.forks_of(stream)

    def open_streams(self, kind: str) -> list[StreamId]:
        self._check_open()
        return self._reader.open_streams(kind)

    def fold(self, reducer: Reducer[S], stream: StreamId, at: int | None = None) -> Folded[S]:
        self._check_open()
        return self._folds.fold(reducer, stream, at)

    @property
    def fold_counts(self) -> FoldCounts:
        """What folds have cost and met since the store was opened."""
        return self._folds.counts

    def subscribe(
        self, name: str, *, after: Cursor | None = None, kinds: Sequence[str] = ()
    ) -> Following:
        self._check_open()
        numbers = [self._reader.registry.kind(kind).id for kind in kinds]
        return Following(self._feed, self._bell, name, after, numbers)

    def cursor_at(self, position: int | None = None) -> Cursor:
        self._check_open()
        position = None if position is None else _held(position)
        return Cursor({self._feed.log: self._reader.mark_at(self._feed.log, position)})

    def position_at(self, instant: datetime) -> Cursor:
        self._check_open()
        at_us, log = us_of(instant), self._feed.log
        with self._reader.moment() as connection:
            found = last_by(connection, self._reader.history, at_us)
            return Cursor({log: read_mark(connection, self._reader.history, log, found)})

    def verify(
        self,
        first: int = 1,
        last: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Verdict:
        self._check_open()
        return self._reader.verifier().verify(_held(first), last, progress)

    def verify_since_seal(self, progress: Callable[[int, int], None] | None = None) -> Verdict:
        self._check_open()
        return self._reader.verifier().since_seal(progress)

    def verify_stream(
        self, stream: StreamId, progress: Callable[[int, int], None] | None = None
    ) -> Verdict:
        self._check_open()
        return self._reader.verifier().stream(stream, progress)

    def seal(self) -> None:
        self._check_open()
        if self._writer is None or self._log is None or self._log.seal_due_s() is None:
            raise failures.not_the_holder(self._url, "seal")
        while self._writer.do(self._log.seal):
            pass

    def redact(
        self, stream: StreamId, revision: int, pointers: Sequence[str], *, by: str, reason: str
    ) -> Redaction:
        self._check_open()
        writer, log = self._writing()
        order = Order(stream, _held(revision), tuple(pointers), by, reason)
        return writer.do(lambda: log.redact(order))

    @property
    def nodes(self) -> Nodes | None:
        return self._nodes

    @property
    def has_keyring(self) -> bool:
        return self._subjects is not None

    def open_sealed(self, stream: StreamId, revision: int, pointer: str) -> Opened:
        self._check_open()
        sealed, origin = self._reader.ask(
            lambda connection: originating.sealed_at(
                connection, self._reader.history, stream, _held(revision), pointer
            )
        )
        return self._keys("To open a sealed value").open(sealed, origin)

    def forgotten(self, keys: Iterable[int]) -> frozenset[int]:
        self._check_open()
        return self._reader.ask(lambda connection: subject_keys.forgotten(connection, keys))

    def erase(self, subject: str, *, by: str, reason: str) -> Erasure:
        self._check_open()
        writer, log = self._writing()
        erasing = Erasing(self._keys("To erase somebody").hash_of(subject), by, reason)
        return writer.do(lambda: log.erase(erasing))

    def rewrap(self, new_master: bytes, progress: Callable[[int, int], None] | None = None) -> int:
        self._check_open()
        writer, log = self._writing()
        subjects = self._keys("To change the master")
        subjects.learn(new_master)
        master = name_of(new_master)
        total = self._reader.ask(lambda connection: subject_keys.count_others(connection, master))
        done = 0
        while True:
            batch = Rewrapping(subjects)
            writer.do(partial(log.rewrap, batch))
            if not batch.done:
                return done
            done += batch.done
            if progress is not None:
                progress(done, total)

    def _keys(self, who: str) -> Subjects:
        if self._subjects is None:
            raise keyring_missing(who)
        return self._subjects

    @property
    def _seals(self) -> bool:
        return self._log is not None and self._log.seal_due_s() is not None

    def _writing(self) -> tuple[Writer, UpkeptLog]:
        if self._writer is None or self._log is None:
            raise failures.opened_for_reading(self._url)
        return self._writer, self._log

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._generation == Process.generation:  # connections belong to the parent too
            self._feed.close()
            self._reader.close()
        self._bell.ring()
        if self._subjects is not None:
            self._subjects.close()
        if self._nodes is not None and self._generation == Process.generation:
            self._nodes.close()  # first: it asks the writer
        done = self._writer is None or self._writer.close()
        if done and self._holder is not None and self._generation == Process.generation:
            self._holder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True) and self._generation == Process.generation:
            problem = f"The store {self._url} was not closed."
            warnings.warn(problem, ResourceWarning, stacklevel=2, source=self)

    def _note_reset(self, name: str, before: str, after: str) -> None:
        self._check_open()
        if self._writer is not None:
            self._writer.enqueue(self._drafting.reset(name, before, after)).result()

    def _check_open(self) -> None:
        if self._closed or self._generation != Process.generation:
            raise refusals.store_closed(self._url)


def _held(number: int) -> int:
    """Return *number*, or the nearest to it that a database holds: nothing is beyond."""
    return max(min(number, LAST), -LAST)
