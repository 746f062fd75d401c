"""The tables of a store: made, brought up to date, and looked at."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from eventstore.chain import genesis
from eventstore.identifiers import Clock, Ids
from eventstore.sql import blanks, connections, failures, files, migrating, revisions
from eventstore.sql.connections import driver_of
from eventstore.sql.migrating import Step
from eventstore.sql.points import crash_point
from eventstore.sql.postgres import addresses
from eventstore.sql.postgres import schema as postgres
from eventstore.sql.revisions import Checked, Upgraded
from eventstore.sql.tables import REVISION, log


def create(path: Path, clock: Clock, ids: Ids) -> None:
    """Make a new store, unless another process makes one first.

    It is built beside and then given its name: whoever looks sees no store, or a whole one.

    Raises:
        EventStoreError: `read-only`, `store-full`.
    """
    now_us = clock()
    uid = ids.uuid7(now_us)
    beside = path.with_name(f"{path.name}.{uid.hex}.new")
    try:
        with failures.translating(path):
            blanks.write(beside)
            engine = connections.transactional_engine(beside)
            with engine.begin() as connection:
                row = {"only": 1, "uid": uid.hex, "epoch": 0, "next_pos": 1, "head": genesis(uid)}
                row |= {"syncs": 0, "open_from": 1, "maintenance": 0, "created_us": now_us}
                connection.execute(log.insert().values(row))
            with engine.connect() as connection:
                driver_of(connection).execute("PRAGMA journal_mode = wal")
        files.sync(beside)
        crash_point("create.before")
        _name(beside, path)
        files.sync(path.parent)
        crash_point("create.after")
    except OSError as error:
        raise failures.read_only(path, str(error)) from error
    finally:
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{beside}{suffix}").unlink(missing_ok=True)


def upgrade(url: str, *, clock: Clock, ids: Ids, backup: bool = True) -> Upgraded:
    """Bring the tables of the store *url* up to date; make the store if there is none.

    Args:
        url: of the store.
        clock: gives the time.
        ids: gives new ids.
        backup: before a store is changed, keep it as `<file>.before-<revision>`, which
            replaces an older file of that name.

    Raises:
        EventStoreError: `schema-new`, `store-held`, `not-a-store`, `read-only`,
            `store-full`, `bad-url`.
    """
    if addresses.is_address(url):
        return postgres.upgrade(url, clock=clock)
    path = files.path_of(url)
    connections.check_sqlite()
    exists = files.is_store(path)
    holder = files.HolderLock(path, clock())
    try:
        if not exists:
            create(path, clock, ids)
            return Upgraded(None, REVISION)
        before = revisions.of(path)
        if revisions.is_newer(before):
            raise failures.schema_new(path, before, REVISION)
        kept = path.with_name(f"{path.name}.before-{REVISION}")
        backup = backup and before != REVISION
        with failures.translating(path), _lone_writer(path) as connection:
            if backup:
                _copy(connection, kept)
            crash_point("upgrade.before")
            migrating.migrate("versions", REVISION, connection)
            crash_point("upgrade.after")
        return Upgraded(before, REVISION, str(kept) if backup else None)
    finally:
        holder.close()


def current(url: str) -> str:
    """Return the revision of the tables of the store *url*.

    Raises:
        EventStoreError: `no-such-store`, `not-a-store`, `bad-url`.
    """
    if addresses.is_address(url):
        return postgres.current(url)
    path = files.path_of(url)
    if not files.is_store(path):
        raise failures.no_such_store(path)
    return revisions.of(path)


def check(url: str, *, clock: Clock) -> Checked:
    """Compare the tables of the store *url* with what the migrations make.

    Raises:
        EventStoreError: `no-such-store`, `not-a-store`, `bad-url`.
    """
    if addresses.is_address(url):
        return postgres.check(url, clock=clock)
    path = files.path_of(url)
    revision = current(url)
    if revision != REVISION:
        state = "newer" if revisions.is_newer(revision) else "behind"
        return Checked(revision, REVISION, state)
    engine = connections.reader_engine(path)
    try:
        with failures.translating(path), engine.connect() as connection:
            found = _catalogue(connection)
    finally:
        engine.dispose()
    drift = tuple(difflib.unified_diff(_fresh_catalogue(), found, "expected", "found", lineterm=""))
    return Checked(revision, REVISION, "drifted" if drift else "current", drift)


def maintain(url: str, *, clock: Clock) -> list[str]:
    """Do for the store *url* what is due as time goes by; return the partitions it made.

    Raises:
        EventStoreError: as `current`.
    """
    if addresses.is_address(url):
        return postgres.maintain(url, clock=clock)
    current(url)
    return []


def history(url: str) -> tuple[Step, ...]:
    """Return the revisions of the tables, oldest first, and which the store *url* has.

    Raises:
        EventStoreError: `not-a-store`, `bad-url`.
    """
    if addresses.is_address(url):
        return postgres.history(url)
    return migrating.steps("versions", _revision(files.path_of(url)))


def sql(url: str) -> str:
    """Return the SQL that `upgrade` would run on the store *url*, to be read or run by hand.

    Raises:
        EventStoreError: `schema-new`, `not-a-store`, `bad-url`.
    """
    if addresses.is_address(url):
        return postgres.script()
    path = files.path_of(url)
    before = _revision(path)
    if before is not None and revisions.is_newer(before):
        raise failures.schema_new(path, before, REVISION)
    return migrating.script("versions", REVISION, before, dialect_name="sqlite")


def _revision(path: Path) -> str | None:
    return revisions.of(path) if files.is_store(path) else None


def _copy(connection: sa.Connection, kept: Path) -> None:
    """Write the whole store to *kept*: whoever finds a file of that name finds it whole."""
    beside = kept.with_name(f"{kept.name}.new")
    beside.unlink(missing_ok=True)  # of a copy that was killed
    try:
        # Not by way of SQLAlchemy, which would begin a transaction: VACUUM refuses to run in one.
        driver_of(connection).execute("VACUUM INTO ?", (str(beside),))
        files.sync(beside)
        beside.replace(kept)
        files.sync(kept.parent)
    except OSError as error:
        raise failures.read_only(kept, str(error)) from error
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _lone_writer(path: Path) -> Iterator[sa.Connection]:
    lock = files.WriteLock(path)
    try:
        with lock, connections.transactional_engine(path).connect() as connection:
            yield connection
    finally:
        lock.close()


def _fresh_catalogue() -> list[str]:
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    try:
        with engine.connect() as connection:
            migrating.migrate("versions", REVISION, connection)
            return _catalogue(connection)
    finally:
        engine.dispose()


def _catalogue(connection: sa.Connection) -> list[str]:
    """Return all that makes the tables, line by line: STRICT, checks, triggers and view too."""
    rows = connection.exec_driver_sql(
        "SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_master ORDER BY type, name"
    )
    lines = []
    for name, sql in rows:
        lines += [name, *(f"  {line.strip()}" for line in sql.splitlines() if line.strip())]
    return lines


def _name(beside: Path, path: Path) -> None:
    try:
        path.hardlink_to(beside)
    except FileExistsError:
        return  # another process was first: its store is as good
    except OSError:
        # A file system without hard links. The holder lock keeps other makers away.
        beside.rename(path)
