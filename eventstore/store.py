"""The port: what every backend of the log must do.

The docstrings are the rules, and `eventstore.testing.StoreContract` checks them.
All methods are synchronous and may be called from any thread.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol, Self, TypeVar

from eventstore.cursors import Cursor
from eventstore.erasure import Erasure
from eventstore.events import (
    Archived,
    Commit,
    Event,
    Exported,
    Head,
    NewEvent,
    Pruned,
    Redaction,
    Row,
    Verdict,
)
from eventstore.fold import Folded, Reducer
from eventstore.identifiers import Position, Revision, StreamId
from eventstore.keyring import Opened
from eventstore.nodes import Nodes
from eventstore.subscription import Subscription

S = TypeVar("S")


class Ticket(Protocol):
    """The promise of an append. Both ways of waiting raise what the append raised."""

    def result(self, timeout_s: float | None = None) -> Commit:
        """Block until the commit is durable."""
        ...

    async def durable(self) -> Commit:
        """Wait until the commit is durable, without blocking the event loop."""
        ...


class Store(Protocol):
    """A log of events in streams."""

    @property
    def url(self) -> str:
        """Where it is, as it was opened."""
        ...

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
    ) -> Ticket:
        """Put *events* at the end of *stream*, all or none; does no I/O itself.

        The events are encoded before it returns: later changes to what they hold are
        not seen. Faults of the events raise here; faults of the state of the log raise
        from the ticket.

        Args:
            stream: its id; a new one comes from the source of ids.
            events: at least one.
            kind: of the stream, as registered; never `log`.
            expected: the revision *stream* is at, or `ANY`, or `NEW`.
            commit_id: 16 bytes that name this append; sent twice it is done once.
            parent: stream and revision this one goes on from. Only with `NEW`; revisions
                then start at the parent's revision + 1.
            close: refuse every later append to the stream.
            durable: sync to the disk whatever durability the store has.

        Raises:
            EventStoreError: `invalid-event`, `invalid-id`, `invalid-fork`, `unknown-kind`,
                `reserved-kind`, `too-large`, `stream-too-long`, `store-busy`, `store-closed`,
                `read-only`, `keyring-missing`; from the ticket `wrong-revision`,
                `stream-closed`, `stream-mismatch`, `commit-id-reused`, `store-full`,
                `commit-unknown`, `log-failed`, `log-fenced`.
        """
        ...

    def head(self, stream: StreamId) -> Head:
        """Say how far *stream* is; revision 0 if there is none."""
        ...

    def read(self, stream: StreamId, first: int = 1, last: int | None = None) -> Iterator[Event]:
        """Give the events of *stream* from revision *first* to *last*, both included.

        A fork begins with the events of its ancestors (FK-1).

        Raises:
            EventStoreError: `upcast-failed` at an event of an older schema that its upcaster
                cannot read; those before it and behind it can be asked for.
        """
        ...

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
        """Give up to *limit* rows between two positions, both excluded.

        Args:
            after: rows that begin after this position.
            before: rows that begin before this position; None: up to the end.
            limit: at most so many rows.
            kinds: of these kinds only; empty: all.
            newest_first: from the end backwards.
            first_rows_only: only rows which begin a stream, one a stream.
        """
        ...

    def end(self) -> Position:
        """Return the position of the last event; 0 if there is none."""
        ...

    def count_streams(self, kind: str) -> int:
        """Count the streams of *kind*. Reads headers of the whole log: not for every frame."""
        ...

    def find_streams(self, suffix: str, kind: str, limit: int = 10) -> list[StreamId]:
        """Find streams of *kind* whose id, as 32 hex digits, ends with *suffix*, newest first."""
        ...

    def forks_of(self, stream: StreamId) -> list[StreamId]:
        """Give the streams that go on from *stream*, oldest first."""
        ...

    def open_streams(self, kind: str) -> list[StreamId]:
        """Give the streams of *kind* that no append has closed, oldest first; not for every frame.

        Closed ones that were closed by their first commit cost nothing.
        """
        ...

    def fold(self, reducer: Reducer[S], stream: StreamId, at: int | None = None) -> Folded[S]:
        """Fold *stream* up to revision *at* (None: all of it).

        Raises:
            EventStoreError: `no-such-revision` when *at* is past the head.
        """
        ...

    def subscribe(
        self, name: str, *, after: Cursor | None = None, kinds: Sequence[str] = ()
    ) -> Subscription:
        """Read the log as it grows: pages of at most 256 rows, in order, none twice or left out.

        Args:
            name: under which `page.done()` saves how far the reader is.
            after: where to begin; None: where *name* was saved, else at the beginning.
            kinds: rows of these kinds only; empty: all.

        Raises:
            EventStoreError: `invalid-id` for a bad name, `unknown-kind`, `history-forked` when
                *after* is of another log; when pages are asked for, if the log does not have
                its history any more (SB-3).
        """
        ...

    def cursor_at(self, position: int | None = None) -> Cursor:
        """Return a cursor after the last row that ends at *position* or before it.

        None: at the end of the log, so that only what comes later is read.
        """
        ...

    def position_at(self, instant: datetime) -> Cursor:
        """Return a cursor after the last row that came at *instant* or before it (LG-2).

        The log's time never goes back: what comes after the cursor came later. At the
        beginning of the log where nothing was there yet, at its end where nothing came since.

        Args:
            instant: aware.

        Raises:
            EventStoreError: `naive-instant`, `segment-missing`.
        """
        ...

    def verify(
        self,
        first: int = 1,
        last: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Verdict:
        """Check hashes, order and names of the rows that hold positions *first* to *last*.

        Seals that lie between the two are checked too. *progress* is told positions done
        and in all, now and then.
        """
        ...

    def verify_since_seal(self, progress: Callable[[int, int], None] | None = None) -> Verdict:
        """Check the last seal and the rows after it; without a seal, all rows."""
        ...

    def verify_stream(
        self, stream: StreamId, progress: Callable[[int, int], None] | None = None
    ) -> Verdict:
        """Check the rows of one stream, its ancestors' too, and the seals over them.

        *progress* is told rows done and in all.
        """
        ...

    def seal(self) -> None:
        """Sign all rows that are not sealed yet.

        Raises:
            EventStoreError: `not-the-holder`.
        """
        ...

    def redact(
        self, stream: StreamId, revision: int, pointers: Sequence[str], *, by: str, reason: str
    ) -> Redaction:
        """Take values out of an event for good, so that chain and seals still hold.

        What goes on from it is folded without them: they are `eventstore.values.Redacted`,
        and text where only text may stand is `<redacted>`. That it was done, by whom and
        why, is a fact `maintenance.redacted` in the log's own stream. Asked for once more, by the
        same and for the same reason, nothing is written (`Redaction.duplicate`); another one who
        asks, or another reason, is another fact.

        Args:
            stream: whose event; a fork's inherited events are redacted where they stand.
            revision: of the event.
            pointers: JSON pointers into its payload as stored; the empty one is all of it.
            by: who wants it.
            reason: why.

        Raises:
            EventStoreError: `no-such-revision`, `no-such-value`, `cannot-redact`, `read-only`,
                `invalid-event` for words that no fact can hold.
        """
        ...

    def archive(
        self,
        *,
        older_than: timedelta | None = None,
        kinds: Sequence[str] = (),
        streams: Sequence[StreamId] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Archived:
        """Move closed streams out of the store's file into segments, files beside it (AR-1).

        They are read as before, as long as the segments are there. A stream moves as a
        whole, and only together with, or after, all that go on from it. Appends go on
        meanwhile; what a killed process left undone is done at the next call. The fact
        `maintenance.archived` tells of each segment.

        Args:
            older_than: whose last row is as old; None: as the kinds' retention has it.
            kinds: of these only; none: all that may move.
            streams: just these, whatever their kind's retention is.
            progress: is told streams moved and in all, now and then.

        Raises:
            EventStoreError: `cannot-archive`, `has-forks`, `chain-broken`, `store-busy`,
                `store-full`, `read-only`, `unknown-kind`, `not-in-memory`; of a log in
                PostgreSQL `no-segments-folder`, `segments-folder-taken`.
        """
        ...

    def prune(
        self,
        *,
        by: str,
        reason: str,
        older_than: timedelta | None = None,
        kinds: Sequence[str] = (),
        streams: Sequence[StreamId] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Pruned:
        """Drop closed streams for good (AR-1): nothing can bring them back.

        Of their rows only the hashes stay, so that chain and seals still hold. Their
        positions are not used again. What is archived is not dropped. The facts
        `maintenance.pruned` tell of it.

        Args:
            by: who wants it.
            reason: why.
            older_than: as for `archive`.
            kinds: as for `archive`.
            streams: as for `archive`.
            progress: as for `archive`.

        Raises:
            EventStoreError: as `archive`; `invalid-event` for words that no fact can hold.
        """
        ...

    def export(
        self,
        path: str,
        *,
        streams: Sequence[StreamId] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Exported:
        """Write rows with what proves them to one new file, which verifies without the store.

        With them go the streams that they go on from, the log's own stream, the names, and
        the seals over them. What is sealed against reading, or was taken out, stays so.

        Args:
            path: of the file; there must be none.
            streams: just these; none: the whole log.
            progress: is told rows written and in all, now and then.

        Raises:
            EventStoreError: `file-exists`, `no-such-stream`, `segment-missing`, `read-only`,
                `store-full`, `not-in-memory`.
        """
        ...

    @property
    def nodes(self) -> Nodes | None:
        """The processes that serve from this log together; None: it was not opened so."""
        ...

    @property
    def has_keyring(self) -> bool:
        """Whether it was opened with a keyring: values can be sealed, hashed and opened."""
        ...

    def open_sealed(self, stream: StreamId, revision: int, pointer: str) -> Opened:
        """Return the encoded value that is sealed in an event, or `Forgotten`.

        `eventstore.values.decode` makes a value of yours of it.

        Args:
            stream: whose event; a fork's inherited events are opened where they stand.
            revision: of the event.
            pointer: JSON pointer into its payload as stored.

        Raises:
            EventStoreError: `no-such-revision`, `no-such-value`, `sealed-invalid` when it was
                altered or moved, `keyring-missing`, `wrong-master`.
        """
        ...

    def forgotten(self, keys: Iterable[int]) -> frozenset[int]:
        """Return those of *keys*, numbers in sealed values, that were destroyed."""
        ...

    def erase(self, subject: str, *, by: str, reason: str) -> Erasure:
        """Destroy the key of *subject*: whatever is sealed under it is forgotten from then on.

        Nothing else changes: rows keep their bytes, chain and seals hold, folds give what
        they gave. That it was done, by whom and why, is a fact `maintenance.erased` in the
        log's own stream, with a hash of the subject. Should the subject come again, it
        gets a new key.

        Args:
            subject: the text that values were sealed for.
            by: who wants it.
            reason: why.

        Raises:
            EventStoreError: `no-such-subject`, `keyring-missing`, `read-only`, `invalid-event` for
                words that no fact can hold.
        """
        ...

    def rewrap(self, new_master: bytes, progress: Callable[[int, int], None] | None = None) -> int:
        """Wrap all keys by *new_master*; return how many were wrapped by another one.

        It goes a hundred keys a transaction: interrupted, it goes on where it stopped.
        Other processes need *new_master* in their keyring before, and the old one until it
        is done.

        Args:
            new_master: 32 bytes.
            progress: is told how many keys are done, and how many there are to do.

        Raises:
            EventStoreError: `bad-master`, `wrong-master`, `keyring-missing`, `read-only`.
        """
        ...

    def close(self) -> None:
        """Refuse new appends, write what is queued, let go. Twice is once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
