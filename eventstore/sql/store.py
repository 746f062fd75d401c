"""A store in an SQLite file: readers, and a writer where the mode has one."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self, TypeVar

from eventstore import refusals
from eventstore.bell import Bell
from eventstore.codec import Registry
from eventstore.cursors import Cursor
from eventstore.drafts import Drafting
from eventstore.erasure import Erasure
from eventstore.events import Event, Head, NewEvent, Redaction, Row, Verdict
from eventstore.fold import Folded, Keepable, Reducer
from eventstore.following import Following
from eventstore.forks import Process
from eventstore.identifiers import Clock, Ids, Position, Revision, StreamId
from eventstore.keyring import Keyring, Opened, keyring_missing, name_of
from eventstore.names import NameBook
from eventstore.sql import (
    connections,
    failures,
    files,
    originating,
    packing,
    revisions,
    schema,
    subject_keys,
)
from eventstore.sql.erasing import Erasing, Rewrapping
from eventstore.sql.feed import SqlFeed
from eventstore.sql.folding import CHECK_EVERY, FoldCounts, Folds, Report
from eventstore.sql.keeping import Keeper
from eventstore.sql.log_file import LOG
from eventstore.sql.maintaining import MaintainedLog
from eventstore.sql.movable import Movable
from eventstore.sql.postgres import addresses
from eventstore.sql.reader import Reader
from eventstore.sql.redacting import Order
from eventstore.sql.sealing import OnSeal, Sealer
from eventstore.sql.subject_keys import KeyTable
from eventstore.sql.tickets import SqlTicket
from eventstore.sql.writer import Writer
from eventstore.store import Store
from eventstore.subjects import OWN, Subjects

S = TypeVar("S")
Mode = Literal["hold", "guest", "read"]
Durability = Literal["fsync", "bounded", "process", "volatile"]
_LAST = (1 << 63) - 1
_NO_KEYFRAMES: Mapping[str, Keepable[Any]] = MappingProxyType({})


def open_store(  # noqa: PLR0913 - what a program decides, once
    url: str,
    *,
    mode: Mode = "hold",
    durability: Durability = "fsync",
    registry: Registry,
    clock: Clock,
    ids: Ids,
    keyframes: Mapping[str, Keepable[Any]] = _NO_KEYFRAMES,
    check_keyframes: int = CHECK_EVERY,
    seal_key: bytes | None = None,
    on_seal: OnSeal | None = None,
    keyring: Keyring | None = None,
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
        keyframes: kind of stream to the reducer whose folds a holder keeps, so that long
            streams are folded in a short time. Whoever reads uses what a holder kept.
        check_keyframes: one kept fold used in so many is folded again and compared.

        seal_key: 32 secret bytes that a holder seals with; None: those of the file
            `<file>.seal-key`, which is made where there is none.
        on_seal: is told each new seal, to send it where nobody who can write the file can
            reach it. The writer waits for it, so it is quick and does not use the store.
        keyring: masters of the keys of persons (`read_keyring` reads them from a file); None:
            nothing can be sealed or hashed here, and what is sealed cannot be opened.

    Raises:
        EventStoreError: `bad-url`, `no-such-store`, `not-a-store`, `schema-old`,
            `schema-new`, `store-held`, `read-only`, `chain-broken`, `history-forked`,
            `bad-pragma`,
            `upcast-missing`, `upcast-unused`, `bad-seal-key`, `wrong-master`,
            `not-in-postgres`.
    """
    registry.check()
    if addresses.is_address(url):
        from eventstore.sql.postgres.store import open_postgres  # noqa: PLC0415 - as needed

        return open_postgres(
            url, mode=mode, durability=durability, registry=registry, clock=clock, ids=ids,
            keyring=keyring,
        )  # fmt: skip
    path = files.path_of(url)
    connections.check_sqlite()
    holder = subjects = None
    if mode == "hold":
        files.is_store(path)  # else a lock file would lie beside a foreign file
        holder = files.HolderLock(path, clock())
    try:
        _require(path, clock, ids, may_create=holder is not None)
        book = NameBook(registry, guest=holder is None)
        subjects = _open_keys(path, keyring, clock, ids)
        drafting = Drafting(registry, book, clock, ids, subjects)
        if mode == "read":
            reader = Reader(path, registry, book)
            folds = Folds(reader, registry, check_every=check_keyframes)
            return SqlStore(url, reader, folds, drafting)
        if holder is not None and not connections.resets_wal_safely():
            LOG.warning("sqlite_old version=%s safe_from=3.51.3", connections.sqlite_version())
        sealer = Sealer(path, clock, seed=seal_key, on_seal=on_seal) if holder else None
        log_file, write_lock = _open_for_writing(path, registry, book, drafting, durability, sealer)
        keeper = None
        if holder is not None and keyframes:
            keeper = Keeper(Reader(path, registry, book), registry, keyframes)
        writer = Writer(url, path, log_file, write_lock, keeper)
        reader = Reader(path, registry, book)
        if holder is not None:
            packing.sweep_on_opening(path, reader.ask)
        folds = Folds(
            reader, registry, check_every=check_keyframes, report=_reporting(writer, keeper)
        )
        return SqlStore(url, reader, folds, drafting, writer, log_file, holder)
    except BaseException:
        if subjects is not None:
            subjects.close()
        if holder is not None:
            holder.close()
        raise


def _open_keys(path: Path, keyring: Keyring | None, clock: Clock, ids: Ids) -> Subjects | None:
    """Open the keys of persons.

    Raises:
        EventStoreError: `wrong-master`.
    """
    if keyring is None:
        return None
    subjects = Subjects(keyring, KeyTable(path), clock, ids)
    try:
        subjects.begin(subjects.table.by_id(OWN))
    except BaseException:
        subjects.close()
        raise
    return subjects


def _reporting(writer: Writer, keeper: Keeper | None) -> Report | None:
    """Say whom folds tell what they found of keyframes."""
    if keeper is None:
        return None
    return lambda report: writer.ask(lambda: keeper.take(report))


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
    sealer: Sealer | None,
) -> tuple[MaintainedLog, files.WriteLock]:
    write_lock = files.WriteLock(path)
    try:
        with write_lock:
            log_file = MaintainedLog(
                path, registry, book, drafting, durability=durability, guest=sealer is None,
                sealer=sealer,
            )  # fmt: skip
            try:
                if sealer is not None:
                    log_file.hold()
                log_file.begin_keys()
            except BaseException:
                log_file.close()
                raise
    except BaseException:
        write_lock.close()
        raise
    return log_file, write_lock


class SqlStore(Movable):
    """A log in a file. See `eventstore.store.Store` for what its methods do."""

    def __init__(
        self,
        url: str,
        reader: Reader,
        folds: Folds,
        drafting: Drafting,
        writer: Writer | None = None,
        log_file: MaintainedLog | None = None,
        holder: files.HolderLock | None = None,
    ) -> None:
        self._url = url
        self._reader = reader
        self._folds = folds
        self._bell = writer.bell if writer is not None else Bell()
        note = self._note_reset if writer is not None else None
        self._feed = SqlFeed(url, reader.path, reader, note)
        self._drafting = drafting
        self._writer = writer
        self._log_file = log_file
        self._holder = holder
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
        return Cursor({self._feed.log: self._reader.mark_at(self._feed.log, position)})

    def verify(
        self,
        first: int = 1,
        last: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Verdict:
        self._check_open()
        return self._reader.verifier().verify(first, last, progress)

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
        if self._writer is None or self._log_file is None or self._holder is None:
            raise failures.not_the_holder(self._url, "seal")
        while self._writer.do(self._log_file.seal):
            pass

    def redact(
        self, stream: StreamId, revision: int, pointers: Sequence[str], *, by: str, reason: str
    ) -> Redaction:
        self._check_open()
        log_file = self._log_file
        if self._writer is None or log_file is None:
            raise failures.opened_for_reading(self._url)
        order = Order(stream, revision, tuple(pointers), by, reason)
        return self._writer.do(lambda: log_file.redact(order))

    @property
    def has_keyring(self) -> bool:
        return self._subjects is not None

    def open_sealed(self, stream: StreamId, revision: int, pointer: str) -> Opened:
        self._check_open()
        sealed, origin = self._reader.ask(
            lambda connection: originating.sealed_at(
                connection, self._reader.history, stream, revision, pointer
            )
        )
        return self._keys("To open a sealed value").open(sealed, origin)

    def forgotten(self, keys: Iterable[int]) -> frozenset[int]:
        self._check_open()
        return self._reader.ask(lambda connection: subject_keys.forgotten(connection, keys))

    def erase(self, subject: str, *, by: str, reason: str) -> Erasure:
        self._check_open()
        writer, log_file = self._writing()
        erasing = Erasing(self._keys("To erase somebody").hash_of(subject), by, reason)
        return writer.do(lambda: log_file.erase(erasing))

    def rewrap(self, new_master: bytes, progress: Callable[[int, int], None] | None = None) -> int:
        self._check_open()
        writer, log_file = self._writing()
        subjects = self._keys("To change the master")
        subjects.learn(new_master)
        master = name_of(new_master)
        total = self._reader.ask(lambda connection: subject_keys.count_others(connection, master))
        done = 0
        while True:
            batch = Rewrapping(subjects)
            writer.do(partial(log_file.maintain, batch))
            if not batch.done:
                return done
            done += batch.done
            if progress is not None:
                progress(done, total)

    def _keys(self, who: str) -> Subjects:
        if self._subjects is None:
            raise keyring_missing(who)
        return self._subjects

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._generation == Process.generation:  # the lock of cursors belongs to the parent too
            self._feed.close()
        self._bell.ring()
        self._reader.close()
        if self._subjects is not None:
            self._subjects.close()
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
