"""A store in PostgreSQL: readers, and a writer where the mode has one."""

import os
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self, TypeVar

from eventstore import refusals
from eventstore.codec import Registry
from eventstore.cursors import Cursor
from eventstore.drafts import Drafting
from eventstore.erasure import Erasure
from eventstore.events import (
    Archived,
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
from eventstore.identifiers import Clock, Ids, Position, Revision, StreamId
from eventstore.keyring import Keyring, Opened
from eventstore.names import NameBook
from eventstore.sql import failures
from eventstore.sql.postgres import addresses, lease, revisions, tail
from eventstore.sql.postgres.failures import no_log, not_here_yet, translating
from eventstore.sql.postgres.link import LOG, Link
from eventstore.sql.postgres.log import PostgresLog
from eventstore.sql.postgres.reader import Reader
from eventstore.sql.tickets import SqlTicket
from eventstore.sql.writer import Writer
from eventstore.subscription import Subscription

S = TypeVar("S")
_LAST = (1 << 63) - 1
_POLL_S = 0.25


def open_postgres(
    url: str,
    *,
    mode: str,
    durability: str,
    registry: Registry,
    clock: Clock,
    ids: Ids,
    keyring: Keyring | None = None,
) -> "PostgresStore":
    """Open the store *url*; `eventstore.sql.open_store` says what the arguments are.

    Raises:
        EventStoreError: `bad-url`, `no-driver`, `store-unreachable`, `no-such-store`,
            `not-a-store`, `schema-old`, `schema-new`, `store-held`, `chain-broken`,
            `postgres-too-old`, `bad-encoding`, `not-in-postgres` for a keyring.
    """
    engine_url, place = addresses.parse(url), addresses.without_password(url)
    if keyring is not None:
        raise not_here_yet(place, "seal values under persons' keys")
    revisions.require_current(engine_url, place)
    book = NameBook(registry, guest=mode != "hold")
    drafting = Drafting(registry, book, clock, ids)
    if mode == "read":
        return PostgresStore(place, Reader(engine_url, place, registry, book), drafting)
    link = Link(engine_url, place, locking=mode == "hold")
    try:
        with translating(place):
            _warn_of_lazy_disk(link, durability)
            if mode == "guest":
                _require_begun(link)
            lease.begin_log(link.connection, clock, ids)
            holder = None if mode == "guest" else lease.new_holder(_since(clock))
            log = PostgresLog(link, registry, book, drafting, durability=durability, holder=holder)
            if holder is not None:
                _hold(log, link)
    except BaseException:
        link.close()
        raise
    writer = Writer(place, place, log, NoLock())
    return PostgresStore(place, Reader(engine_url, place, registry, book), drafting, writer)


def _since(clock: Clock) -> str:
    return datetime.fromtimestamp(clock() / 1_000_000, UTC).isoformat(timespec="seconds")


def _hold(log: PostgresLog, link: Link) -> None:
    """Hold the log; wait while the lease runs of a holder that is gone.

    Raises:
        EventStoreError: `store-held`.
    """
    first: datetime | None = None
    while not log.hold():
        held = lease.held(link.connection)
        first = first or held.until
        # Its connection lives, or somebody goes on extending the lease: it is not gone.
        if not link.is_alone or held.until != first:
            raise held.refusal(link.place)
        time.sleep(min(held.remaining_s + 0.01, _POLL_S))


def _require_begun(link: Link) -> None:
    """Refuse a guest where nobody ever held: the holder gives the first names their numbers."""
    if not tail.count_names(link.connection):
        raise no_log(link.place)


def _warn_of_lazy_disk(link: Link, durability: str) -> None:
    off = link.connection.exec_driver_sql("SHOW fsync").scalar_one() == "off"
    if off and durability in {"fsync", "bounded"}:
        LOG.warning("postgres_fsync_off place=%s durability=%s", link.place, durability)


class NoLock:
    """Stands where a file's lock would: the server keeps writers apart by itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def take(self) -> bool:
        """Say no: an event loop does not wait for a server."""
        return False

    def leave(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class PostgresStore:
    """A log in a database. See `eventstore.store.Store` for what its methods do."""

    def __init__(
        self, place: str, reader: Reader, drafting: Drafting, writer: Writer | None = None
    ) -> None:
        self._place = place
        self._reader = reader
        self._drafting = drafting
        self._writer = writer
        self._closed = False
        self._pid = os.getpid()
        self._reader.load_names()

    @property
    def url(self) -> str:
        """Where it is, without the password."""
        return self._place

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
            raise failures.opened_for_reading(self._place)
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
        return self._reader.read(stream, first, _LAST if last is None else last)

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
            after=after,
            before=before,
            limit=limit,
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
        return self._reader.fold(reducer, stream, at)

    def verify(
        self,
        first: int = 1,
        last: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Verdict:
        self._check_open()
        return self._reader.verify(first, last, progress)

    # --- what only the other backends do, so far ---

    def subscribe(
        self, name: str, *, after: Cursor | None = None, kinds: Sequence[str] = ()
    ) -> Subscription:
        raise not_here_yet(self._place, "read along")

    def cursor_at(self, position: int | None = None) -> Cursor:
        raise not_here_yet(self._place, "read along")

    def verify_since_seal(self, progress: Callable[[int, int], None] | None = None) -> Verdict:
        raise not_here_yet(self._place, "seal")

    def verify_stream(
        self, stream: StreamId, progress: Callable[[int, int], None] | None = None
    ) -> Verdict:
        raise not_here_yet(self._place, "verify a part")

    def seal(self) -> None:
        raise not_here_yet(self._place, "seal")

    def redact(
        self, stream: StreamId, revision: int, pointers: Sequence[str], *, by: str, reason: str
    ) -> Redaction:
        raise not_here_yet(self._place, "redact")

    def archive(
        self,
        *,
        older_than: timedelta | None = None,
        kinds: Sequence[str] = (),
        streams: Sequence[StreamId] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Archived:
        raise not_here_yet(self._place, "archive")

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
        raise not_here_yet(self._place, "drop streams")

    def export(
        self,
        path: str,
        *,
        streams: Sequence[StreamId] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Exported:
        raise not_here_yet(self._place, "export")

    @property
    def has_keyring(self) -> bool:
        return False

    def open_sealed(self, stream: StreamId, revision: int, pointer: str) -> Opened:
        raise not_here_yet(self._place, "open sealed values")

    def forgotten(self, keys: Iterable[int]) -> frozenset[int]:
        return frozenset(keys)

    def erase(self, subject: str, *, by: str, reason: str) -> Erasure:
        raise not_here_yet(self._place, "erase")

    def rewrap(self, new_master: bytes, progress: Callable[[int, int], None] | None = None) -> int:
        raise not_here_yet(self._place, "change the master")

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._pid == os.getpid():
            self._reader.close()
        if self._writer is not None:
            self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True) and self._pid == os.getpid():
            problem = f"The store {self._place} was not closed."
            warnings.warn(problem, ResourceWarning, stacklevel=2, source=self)

    def _check_open(self) -> None:
        if self._closed or self._pid != os.getpid():
            raise refusals.store_closed(self._place)
