"""Open a store in PostgreSQL: who reads it, who holds it, who waits for a lease to end."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import msgspec

from eventstore import signing
from eventstore.bell import Bell
from eventstore.codec import Registry
from eventstore.drafts import Drafting
from eventstore.fold import Keepable
from eventstore.identifiers import Clock, Ids
from eventstore.keyring import Keyring
from eventstore.names import NameBook
from eventstore.sql import failures, seal_keys, tail
from eventstore.sql.folding import Folds
from eventstore.sql.keeping import Keeper
from eventstore.sql.postgres import addresses, lease, revisions
from eventstore.sql.postgres.backend import Database, DatabaseWatch
from eventstore.sql.postgres.failures import translating
from eventstore.sql.postgres.hints import Teller
from eventstore.sql.postgres.link import LOG, Link
from eventstore.sql.postgres.log import PostgresLog
from eventstore.sql.reader import Reader
from eventstore.sql.sealing import OnSeal, Sealer
from eventstore.sql.store import SqlStore, Writing, reporting
from eventstore.sql.subject_keys import KeyTable, open_keys
from eventstore.sql.writer import Writer

_POLL_S = 0.25


class Options(msgspec.Struct, frozen=True):
    """What `open_store` was given besides the address; it says what each is."""

    mode: str
    durability: str
    registry: Registry
    clock: Clock
    ids: Ids
    keyframes: Mapping[str, Keepable[Any]]
    check_keyframes: int
    seal_key: bytes | None
    seal_key_file: Path | None
    on_seal: OnSeal | None
    keyring: Keyring | None

    def sealer(self) -> Sealer | None:
        """Return what seals a log; None: there is no key."""
        if self.seal_key is None and self.seal_key_file is None:
            return None
        return Sealer(self.seal_key_file, self.clock, seed=self.seal_key, on_seal=self.on_seal)

    def keys(self) -> list[bytes]:
        """Return the public keys that are trusted to seal."""
        if self.seal_key is not None:
            return [signing.key_of(self.seal_key)]
        return seal_keys.keys(self.seal_key_file) if self.seal_key_file is not None else []


def open_postgres(url: str, options: Options) -> SqlStore:
    """Open the store *url*.

    Raises:
        EventStoreError: `bad-url`, `no-driver`, `store-unreachable`, `no-such-store`,
            `not-a-store`, `schema-old`, `schema-new`, `store-held`, `chain-broken`,
            `history-forked`, `postgres-too-old`, `bad-encoding`, `bad-seal-key`,
            `wrong-master`.
    """
    engine_url, place = addresses.parse(url), addresses.without_password(url)
    database = Database(engine_url, place, options.keys)
    registry = options.registry
    book = NameBook(registry, guest=options.mode != "hold")
    reader = Reader(database, registry, book)
    if options.mode == "read":
        _require_current(reader, place)
        drafting = _drafting(database, options, book)
        bell = Bell()
        folds = Folds(reader, registry, check_every=options.check_keyframes)
        watch = DatabaseWatch(database, reader.end, bell, None)
        return SqlStore(place, reader, folds, drafting, watch, bell=bell)
    log, drafting = _open_log(database, options, book)
    keeper = None
    if options.mode == "hold" and options.keyframes:
        keeper = Keeper(Reader(database, registry, book), registry, options.keyframes)
    writer = Writer(place, place, log, NoLock(), keeper)
    teller = Teller(database.writers, writer.bell, lambda: log.position)
    report = reporting(writer, keeper)
    folds = Folds(reader, registry, check_every=options.check_keyframes, report=report)
    watch = DatabaseWatch(database, reader.end, writer.bell, teller)
    return SqlStore(place, reader, folds, drafting, watch, Writing(writer, log))


def _require_current(reader: Reader, place: str) -> None:
    try:
        reader.ask(lambda connection: revisions.require_current(connection, place))
    except BaseException:
        reader.close()
        raise


def _open_log(
    database: Database,
    options: Options,
    book: NameBook,
) -> tuple[PostgresLog, Drafting]:
    holds = options.mode == "hold"
    link = Link(database.writers, database.place, locking=holds)
    drafting: Drafting | None = None
    try:
        with translating(link.place):
            _warn_of_lazy_disk(link, options.durability)
            if not holds:
                _require_begun(link)
            lease.begin_log(link.connection, options.clock, options.ids)
            drafting = _drafting(database, options, book)
            holder = lease.new_holder(_since(options.clock)) if holds else None
            log = PostgresLog(
                link, options.registry, book, drafting, durability=options.durability,
                holder=holder, sealer=options.sealer() if holds else None,
            )  # fmt: skip
            log.check_tail()
            if holds:
                _hold(log, link)
            log.begin_keys()
    except BaseException:
        link.close()
        if drafting is not None and drafting.subjects is not None:
            drafting.subjects.close()
        raise
    return log, drafting


def _drafting(database: Database, options: Options, book: NameBook) -> Drafting:
    subjects = open_keys(
        lambda: KeyTable(database.engine(), database.translating),
        options.keyring,
        options.clock,
        options.ids,
    )
    return Drafting(options.registry, book, options.clock, options.ids, subjects)


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
        raise failures.no_log(link.place)


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
