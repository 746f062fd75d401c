"""A store in an SQLite file: readers, and a writer where the mode has one."""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, Self, TypeVar

from eventstore import refusals
from eventstore.codec import Registry
from eventstore.drafts import Drafting
from eventstore.events import Event, Head, NewEvent, Row, Verdict
from eventstore.fold import Folded, Reducer
from eventstore.identifiers import Clock, Ids, Position, Revision, StreamId
from eventstore.names import NameBook
from eventstore.sql import connections, failures, files, revisions, schema
from eventstore.sql.log_file import LOG, LogFile
from eventstore.sql.postgres import addresses
from eventstore.sql.reader import Reader
from eventstore.sql.tickets import SqlTicket
from eventstore.sql.writer import Writer
from eventstore.store import Store

S = TypeVar("S")
Mode = Literal["hold", "guest", "read"]
Durability = Literal["fsync", "bounded", "process", "volatile"]
_LAST = (1 << 63) - 1


def open_store(
    url: str,
    *,
    mode: Mode = "hold",
    durability: Durability = "fsync",
    registry: Registry,
    clock: Clock,
    ids: Ids,
) -> Store:
    """Open the store *url*, such as `sqlite:///timescape.db`. The caller closes it.

    Args:
        url: of a file, which a holder makes if there is none; or `postgresql://…`, of a
            database that `upgrade` has made ready.
        mode: `hold` to append as the one process that holds the log, `guest` to append
            beside a holder, `read` to append nothing.
        durability: what is true of a commit when its ticket is answered. `fsync`: it
            survives a power cut. `bounded`: at most the last 50 ms do not. `process`: it
            survives the death of the process. `volatile`: nothing, for tests.
        registry: kinds of streams and types of events.
        clock: gives the time.
        ids: gives new ids.

    Raises:
        EventStoreError: `bad-url`, `no-such-store`, `not-a-store`, `schema-old`,
            `schema-new`, `store-held`, `read-only`, `chain-broken`, `bad-pragma`.
    """
    if addresses.is_address(url):
        from eventstore.sql.postgres.store import open_postgres  # noqa: PLC0415 - as needed

        return open_postgres(
            url, mode=mode, durability=durability, registry=registry, clock=clock, ids=ids
        )
    path = files.path_of(url)
    connections.check_sqlite()
    holder = None
    if mode == "hold":
        files.is_store(path)  # else a lock file would lie beside a foreign file
        holder = files.HolderLock(path, clock())
    try:
        _require(path, clock, ids, may_create=holder is not None)
        book = NameBook(registry, guest=holder is None)
        drafting = Drafting(registry, book, clock, ids)
        if mode == "read":
            return SqlStore(url, path, registry, book, drafting)
        if holder is not None and not connections.resets_wal_safely():
            LOG.warning("sqlite_old version=%s safe_from=3.51.3", connections.sqlite_version())
        log_file, write_lock = _open_for_writing(path, registry, book, drafting, durability, holder)
        writer = Writer(url, path, log_file, write_lock)
        return SqlStore(url, path, registry, book, drafting, writer, holder)
    except BaseException:
        if holder is not None:
            holder.close()
        raise


def _require(path: Path, clock: Clock, ids: Ids, *, may_create: bool) -> None:
    if not files.is_store(path):
        if not may_create:
            raise failures.no_such_store(path)
        schema.create(path, clock, ids)
    revisions.require_current(path)


def _open_for_writing(
    path: Path,
    registry: Registry,
    book: NameBook,
    drafting: Drafting,
    durability: Durability,
    holder: files.HolderLock | None,
) -> tuple[LogFile, files.WriteLock]:
    write_lock = files.WriteLock(path)
    try:
        with write_lock:
            log_file = LogFile(
                path, registry, book, drafting, durability=durability, guest=holder is None
            )
            if holder is not None:
                try:
                    log_file.hold()
                except BaseException:
                    log_file.close()
                    raise
    except BaseException:
        write_lock.close()
        raise
    return log_file, write_lock


class SqlStore:
    """A log in a file. See `eventstore.store.Store` for what its methods do."""

    def __init__(
        self,
        url: str,
        path: Path,
        registry: Registry,
        book: NameBook,
        drafting: Drafting,
        writer: Writer | None = None,
        holder: files.HolderLock | None = None,
    ) -> None:
        self._url = url
        self._reader = Reader(path, registry, book)
        self._drafting = drafting
        self._writer = writer
        self._holder = holder
        self._closed = False
        self._pid = os.getpid()
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

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._reader.close()
        done = self._writer is None or self._writer.close()
        if done and self._holder is not None and self._pid == os.getpid():
            self._holder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True) and self._pid == os.getpid():
            problem = f"The store {self._url} was not closed."
            warnings.warn(problem, ResourceWarning, stacklevel=2, source=self)

    def _check_open(self) -> None:
        if self._closed or self._pid != os.getpid():
            raise refusals.store_closed(self._url)
