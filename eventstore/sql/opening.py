"""Open a store by its address: an SQLite file here, a database by `postgres.opening`."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from eventstore.codec import Registry
from eventstore.drafts import Drafting
from eventstore.fold import Keepable
from eventstore.identifiers import Clock, Ids
from eventstore.keyring import Keyring
from eventstore.names import NameBook
from eventstore.sql import (
    choices,
    connections,
    failures,
    files,
    packing,
    revisions,
    schema,
    seal_keys,
)
from eventstore.sql.choices import Durability, Mode
from eventstore.sql.folding import CHECK_EVERY, Folds
from eventstore.sql.keeping import Keeper
from eventstore.sql.log_file import LOG
from eventstore.sql.maintaining import MaintainedLog
from eventstore.sql.postgres import addresses
from eventstore.sql.reader import Reader
from eventstore.sql.sealing import OnSeal, Sealer
from eventstore.sql.store import SqlStore, Writing, reporting
from eventstore.sql.subject_keys import KeyTable, open_keys
from eventstore.sql.watch import File, FileWatch
from eventstore.sql.writer import Writer
from eventstore.store import Store

S = TypeVar("S")
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
    seal_key_file: Path | None = None,
    on_seal: OnSeal | None = None,
    keyring: Keyring | None = None,
    team: str = "",
    segments: Path | None = None,
) -> Store:
    """Open the store *url*, such as `sqlite:///timescape.db`. The caller closes it.

    Args:
        url: of a file, which a holder makes if there is none; or `postgresql://…`, of a
            database that `upgrade` has made ready.
        mode: `hold` to append as the one process that holds the log, `guest` to append
            beside a holder, `read` to append nothing. `join` to append as one of several
            processes that serve: one of them holds the log, and another one does when it is
            gone. Of a file there is one such process, so there it is `hold`.
        durability: what is true of a commit when its ticket is answered. `fsync`: it
            survives a power cut. `bounded`: at most the last 50 ms do not. `process`: it
            survives the death of the process. `volatile`: nothing, for tests.
        registry: kinds of streams and types of events.
        clock: gives the time.
        ids: gives new ids.
        keyframes: kind of stream to the reducer whose folds a holder keeps, so that long
            streams are folded in a short time. Whoever reads uses what a holder kept.
        check_keyframes: one kept fold used in so many is folded again and compared.
        seal_key: 32 secret bytes that a holder seals with; None: those of the key file.
        seal_key_file: which is made where there is none; None: `<file>.seal-key`. A log in
            PostgreSQL has no file beside it: without a key or a key file it is not sealed.
        on_seal: is told each new seal, to send it where nobody who can write the file can
            reach it. The writer waits for it, so it is quick and does not use the store.
        keyring: masters of the keys of persons (`read_keyring` reads them from a file); None:
            nothing can be sealed or hashed here, and what is sealed cannot be opened.
        team: of a process that joins: who can end its work when it is gone.
        segments: folder of what is archived of a log in PostgreSQL, one for all who read it.
            Without it nothing can be archived, and what is cannot be read. A file has its
            own beside it.

    Raises:
        EventStoreError: `bad-url`, `no-such-store`, `not-a-store`, `schema-old`,
            `schema-new`, `store-held`, `read-only`, `chain-broken`, `history-forked`,
            `bad-pragma`, `bad-option`, `upcast-missing`, `upcast-unused`, `bad-seal-key`,
            `wrong-master`.
    """
    choices.check(mode=mode, durability=durability, check_keyframes=check_keyframes)
    registry.check()
    if addresses.is_address(url):
        from eventstore.sql.postgres.opening import open_postgres  # noqa: PLC0415
        from eventstore.sql.postgres.options import Options  # noqa: PLC0415

        return open_postgres(
            url,
            Options(
                mode, durability, registry, clock, ids, keyframes, check_keyframes, seal_key,
                seal_key_file, on_seal, keyring, team, segments,
            ),
        )  # fmt: skip
    path = files.path_of(url)
    connections.check_sqlite()
    holder = subjects = None
    if mode in {"hold", "join"}:
        files.is_store(path)  # else a lock file would lie beside a foreign file
        holder = files.HolderLock(path, clock())
    try:
        _require(path, clock, ids, may_create=holder is not None)
        book = NameBook(registry, guest=holder is None)
        subjects = open_keys(lambda: _key_table(path), keyring, clock, ids)
        drafting = Drafting(registry, book, clock, ids, subjects)
        key_file = seal_key_file or seal_keys.file_of(path)
        file = File(path, key_file)
        if mode == "read":
            reader = Reader(file, registry, book)
            folds = Folds(reader, registry, check_every=check_keyframes)
            return SqlStore(url, reader, folds, drafting, FileWatch(path))
        if holder is not None and not connections.resets_wal_safely():
            LOG.warning("sqlite_old version=%s safe_from=3.51.3", connections.sqlite_version())
        sealer = Sealer(key_file, clock, seed=seal_key, on_seal=on_seal) if holder else None
        log_file, write_lock = _open_for_writing(path, registry, book, drafting, durability, sealer)
        keeper = None
        if holder is not None and keyframes:
            keeper = Keeper(Reader(file, registry, book), registry, keyframes)
        writer = Writer(url, path, log_file, write_lock, keeper)
        reader = Reader(file, registry, book)
        if holder is not None:
            packing.sweep_on_opening(reader.shelf, reader.ask)
        folds = Folds(
            reader, registry, check_every=check_keyframes, report=reporting(writer, keeper)
        )
        writing = Writing(writer, log_file, holder)
        return SqlStore(url, reader, folds, drafting, FileWatch(path), writing)
    except BaseException:
        if subjects is not None:
            subjects.close()
        if holder is not None:
            holder.close()
        raise


def _key_table(path: Path) -> KeyTable:
    return KeyTable(connections.reader_engine(path), lambda: failures.translating(path))


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
