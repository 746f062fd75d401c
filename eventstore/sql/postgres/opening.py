"""Open a store in PostgreSQL: who reads it, who holds it, who waits for a lease to end."""

import time
from datetime import datetime

from eventstore.bell import Bell
from eventstore.drafts import Drafting
from eventstore.names import NameBook
from eventstore.sql import failures, packing, tail
from eventstore.sql.folding import Folds
from eventstore.sql.keeping import Keeper
from eventstore.sql.postgres import addresses, lease, revisions
from eventstore.sql.postgres.backend import Database, DatabaseWatch
from eventstore.sql.postgres.drafting import drafting_of
from eventstore.sql.postgres.failures import translating
from eventstore.sql.postgres.hints import Teller
from eventstore.sql.postgres.joining import open_joined
from eventstore.sql.postgres.link import Link
from eventstore.sql.postgres.locks import NoLock
from eventstore.sql.postgres.log import PostgresLog
from eventstore.sql.postgres.options import Options, since, warn_of_lazy_disk
from eventstore.sql.reader import Reader
from eventstore.sql.store import SqlStore, Writing, reporting
from eventstore.sql.writer import Writer

_POLL_S = 0.25


def open_postgres(url: str, options: Options) -> SqlStore:
    """Open the store *url*.

    Raises:
        EventStoreError: `bad-url`, `no-driver`, `store-unreachable`, `no-such-store`,
            `not-a-store`, `schema-old`, `schema-new`, `store-held`, `chain-broken`,
            `history-forked`, `postgres-too-old`, `bad-encoding`, `bad-seal-key`,
            `wrong-master`.
    """
    engine_url, place = addresses.parse(url), addresses.without_password(url)
    database = Database(engine_url, place, options.keys, options.segments)
    if options.mode == "join":
        return open_joined(database, options)
    registry = options.registry
    book = NameBook(registry, guest=options.mode != "hold")
    reader = Reader(database, registry, book)
    if options.mode == "read":
        _require_current(reader, place)
        drafting = drafting_of(database, options, book)
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
    if options.mode == "hold":
        packing.sweep_on_opening(reader.shelf, reader.ask)
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
            warn_of_lazy_disk(link, options.durability)
            if not holds:
                _require_begun(link)
            lease.begin_log(link.connection, options.clock, options.ids)
            drafting = drafting_of(database, options, book)
            holder = lease.new_holder(since(options.clock)) if holds else None
            log = PostgresLog(
                link, options.registry, book, drafting, database.shelf,
                durability=options.durability, holder=holder,
                sealer=options.sealer() if holds else None,
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
