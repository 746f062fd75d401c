"""Open a log that several processes share: as its holder where nobody is, else beside it."""

import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from eventstore.codec import Registry
from eventstore.drafts import Drafting
from eventstore.fold import Keepable
from eventstore.names import NameBook
from eventstore.sql import packing
from eventstore.sql.folding import Folds, Gap, Mismatch
from eventstore.sql.keeping import Keeper
from eventstore.sql.postgres import lease, team
from eventstore.sql.postgres.backend import Database, DatabaseWatch
from eventstore.sql.postgres.drafting import drafting_of
from eventstore.sql.postgres.failures import translating
from eventstore.sql.postgres.hints import Teller
from eventstore.sql.postgres.joined import JoinedLog
from eventstore.sql.postgres.link import Link
from eventstore.sql.postgres.locks import NoLock
from eventstore.sql.postgres.nodes import Identity, PostgresNodes
from eventstore.sql.postgres.options import Options, since, warn_of_lazy_disk
from eventstore.sql.reader import Reader
from eventstore.sql.store import SqlStore, Writing
from eventstore.sql.writer import Writer

_NODE_BYTES = 6


def open_joined(database: Database, options: Options) -> SqlStore:
    """Open the store of *database* as one of its nodes; see `open_postgres` for what it raises."""
    link = Link(database.writers, database.place, locking=False)
    opened: _Opened | None = None
    try:
        with translating(link.place):
            warn_of_lazy_disk(link, options.durability)
            lease.begin_log(link.connection, options.clock, options.ids)
            who = _enter(link, options)
            # Low numbers for names, if there is nobody else who gives them.
            if _is_unheld(link):
                opened = _held(_open(database, link, options, who, guest=False))
            opened = opened or _open(database, link, options, who, guest=True)
            opened.log.begin_keys()
    except BaseException:
        link.close()
        if opened is not None:
            opened.close()
        raise
    return _store(database, options, who, opened)


class _Opened(msgspec.Struct, frozen=True):
    """What is open for writing."""

    log: JoinedLog
    book: NameBook
    drafting: Drafting

    def close(self) -> None:
        """Let go of keys; the link stays."""
        if self.drafting.subjects is not None:
            self.drafting.subjects.close()


def _enter(link: Link, options: Options) -> Identity:
    node = options.ids.token(_NODE_BYTES).hex()
    who = Identity(node, options.team, socket.gethostname(), os.getpid())
    team.enter(link.connection, who.node, who.team, who.host, who.pid)
    return who


def _is_unheld(link: Link) -> bool:
    return not lease.held(link.connection).remaining_s


def _open(
    database: Database, link: Link, options: Options, who: Identity, *, guest: bool
) -> _Opened:
    book = NameBook(options.registry, guest=guest)
    drafting = drafting_of(database, options, book)
    log = JoinedLog(
        link, options.registry, book, drafting, database.shelf, durability=options.durability,
        holder=None,
    )  # fmt: skip
    log.join(who.node, lease.new_holder(since(options.clock), who.node), options.sealer())
    opened = _Opened(log, book, drafting)
    try:
        log.check_tail()
    except BaseException:
        opened.close()
        raise
    return opened


def _held(opened: _Opened) -> _Opened | None:
    """Hold the log; None: somebody else was quicker."""
    try:
        opened.log.take_over()
    except BaseException:
        opened.close()
        raise
    if opened.log.holds:
        return opened
    opened.close()
    return None


def _store(database: Database, options: Options, who: Identity, opened: _Opened) -> SqlStore:
    place, registry, log = database.place, options.registry, opened.log
    writer = Writer(place, place, log, NoLock())
    duties = Duties(log, writer, _keeping(database, registry, opened.book, options.keyframes))
    nodes = PostgresNodes(database, who, duties, writer.ask, options.clock)
    reader = Reader(database, registry, opened.book)
    folds = Folds(reader, registry, check_every=options.check_keyframes, report=duties.report)
    teller = Teller(database.writers, writer.bell, lambda: log.position)
    watch = DatabaseWatch(database, reader.end, writer.bell, teller)
    writing = Writing(writer, log, nodes=nodes)
    if log.holds:
        packing.sweep_on_opening(reader.shelf, reader.ask)
    return SqlStore(place, reader, folds, opened.drafting, watch, writing)


MakeKeeper = Callable[[], Keeper | None]


def _keeping(
    database: Database, registry: Registry, book: NameBook, kept: Mapping[str, Keepable[Any]]
) -> MakeKeeper:
    return lambda: Keeper(Reader(database, registry, book), registry, kept) if kept else None


class Duties:
    """What the holder of a log does for all nodes.

    Args:
        log: of this process.
        writer: does it.
        make_keeper: makes what keeps folds, from the time on that this process holds the log.
    """

    def __init__(self, log: JoinedLog, writer: Writer, make_keeper: MakeKeeper) -> None:
        self._log = log
        self._writer = writer
        self._make_keeper = make_keeper
        self._keeper: Keeper | None = None
        if log.holds:
            writer.ask(self._keep)

    @property
    def holds(self) -> bool:
        """Whether this process holds the log; ask from anywhere."""
        return self._log.holds

    def take_over(self) -> None:
        """Hold the log, if nobody else does; in the writer's thread."""
        self._log.take_over()
        if self._log.holds:
            self._keep()

    def judge(self) -> None:
        """Decide which nodes are gone; in the writer's thread."""
        self._log.judge()

    def report(self, found: Gap | Mismatch) -> None:
        """Take note of what a fold found of keyframes, where they are kept."""
        keeper = self._keeper
        if keeper is not None:
            self._writer.ask(lambda: keeper.take(found))

    def _keep(self) -> None:
        if self._keeper is None:
            self._keeper = self._make_keeper()
            self._writer.keep_folds(self._keeper)
