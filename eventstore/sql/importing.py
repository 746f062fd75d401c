"""Bring an export into a store: an empty one becomes the log that was exported.

Source: AR-4.
"""

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from eventstore.codec import Registry
from eventstore.drafts import Drafting
from eventstore.errors import EventStoreError
from eventstore.events import Imported
from eventstore.identifiers import Clock, Ids
from eventstore.names import NameBook
from eventstore.retention import RestoredFact
from eventstore.sql import exports, failures, files, offline, packing, revisions, schema
from eventstore.sql.adopting import Incoming
from eventstore.sql.history import History
from eventstore.sql.maintaining import MaintainedLog
from eventstore.sql.opening import open_store
from eventstore.sql.points import crash_point
from eventstore.sql.postgres import addresses
from eventstore.sql.store import SqlStore

Progress = Callable[[int, int], None]
_EMPTIED = ("commits", "names", "seals", "tombstones", "cursors", "keyframes", "reducers")
_FILLED = ("commits", "names", "seals", "tombstones")


def import_(
    file: Path,
    url: str,
    *,
    registry: Registry,
    clock: Clock,
    ids: Ids,
    progress: Progress | None = None,
) -> Imported:
    """Bring the export *file* into the store *url*; make the store if there is none.

    Where the store is empty and the file holds a whole log, the store becomes that log, with
    its id, positions and seals, and goes on under the next epoch. Else the streams that the
    store lacks are appended, and those that go on in the file. Streams of the kinds `log`
    and `control` are left out then. Doing it again adds nothing.

    Args:
        file: that `Store.export` wrote. It is verified first.
        url: of the store, which may be in use.
        registry: kinds of streams and types of events.
        clock: gives the time.
        ids: gives new ids.
        progress: is told positions verified and in all, now and then.

    Raises:
        EventStoreError: `import-conflict` where the store has other events for a stream, and
            then nothing is imported; `export-broken`, `not-an-export`, `unknown-kind`,
            `not-in-postgres`; and what opening raises.
    """
    if addresses.is_address(url):
        raise failures.not_here_yet(addresses.without_password(url), "import")
    verdict = offline.verify(file, progress)
    if verdict.fault is not None:
        raise broken(file, verdict.position or 0, verdict.detail)
    path = files.path_of(url)
    if not files.is_store(path):
        schema.create(path, clock, ids)
    with exports.opened(file) as source:
        restored = _restore(file, path, source, registry, clock, ids)
        if restored is not None:
            return restored
        with _open(url, registry, clock, ids) as store:
            return _adopt(file, path, source, store, clock, ids)


# --- as the log that it was ---


def _restore(
    file: Path, path: Path, source: sa.Connection, registry: Registry, clock: Clock, ids: Ids
) -> Imported | None:
    """Make an empty store the log of a whole export; None: it is not empty, or in use."""
    if not exports.is_whole(source):
        return None
    revisions.require_current(path)
    try:
        holder = files.HolderLock(path, clock())
    except EventStoreError as error:
        if error.code != "store-held":
            raise
        return None
    write_lock = files.WriteLock(path)
    try:
        with write_lock:
            return _become(file, path, source, registry, clock, ids)
    finally:
        write_lock.close()
        holder.close()


def _become(
    file: Path, path: Path, source: sa.Connection, registry: Registry, clock: Clock, ids: Ids
) -> Imported | None:
    book = NameBook(registry)
    drafting = Drafting(registry, book, clock, ids)
    log_file = MaintainedLog(path, registry, book, drafting, durability="fsync", guest=True)
    try:
        if not log_file.is_empty():
            return None
        crash_point("import.before")
        fresh = NameBook(registry)
        position = log_file.become(
            lambda connection: _copy(file, source, connection),
            fresh,
            Drafting(registry, fresh, clock, ids),
        )
        crash_point("import.after")
    finally:
        log_file.close()
    rows, events = source.exec_driver_sql("SELECT count(*), sum(n) FROM commits").one()
    streams = source.exec_driver_sql("SELECT count(DISTINCT stream) FROM commits").scalar_one()
    return Imported(True, streams, rows, events, 0, 0, position)  # noqa: FBT003


def _copy(file: Path, source: sa.Connection, connection: sa.Connection) -> RestoredFact:
    """Put what the export holds in the place of what the store does."""
    for table in _EMPTIED:
        connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608 - ours
    for table in _FILLED:
        _fill(source, connection, table)
    connection.exec_driver_sql("DELETE FROM log")
    uid, epoch, next_pos, head, created_us = source.exec_driver_sql(
        "SELECT uid, epoch, next_pos, head, created_us FROM log"
    ).one()
    connection.exec_driver_sql(
        "INSERT INTO log VALUES (1, ?, ?, ?, ?, 0, 1, 1, ?)",
        (uid, epoch, next_pos, head, created_us),
    )
    return RestoredFact(next_pos - 1, epoch, packing.hash_of(file).hex())


def _fill(source: sa.Connection, connection: sa.Connection, table: str) -> None:
    rows = source.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1")  # noqa: S608 - ours
    while page := rows.fetchmany(1_000):
        marks = ",".join("?" * len(page[0]))
        connection.exec_driver_sql(
            f"INSERT INTO {table} VALUES ({marks})",  # noqa: S608 - ours
            [tuple(row) for row in page],
        )


# --- into a log that goes on ---


def _open(url: str, registry: Registry, clock: Clock, ids: Ids) -> SqlStore:
    """Hold the store, or be a guest of who does."""
    try:
        store = open_store(url, mode="hold", registry=registry, clock=clock, ids=ids)
    except EventStoreError as error:
        if error.code != "store-held":
            raise
        store = open_store(url, mode="guest", registry=registry, clock=clock, ids=ids)
    assert isinstance(store, SqlStore)  # noqa: S101 - for the type checker
    return store


def _adopt(
    file: Path, path: Path, source: sa.Connection, store: SqlStore, clock: Clock, ids: Ids
) -> Imported:
    uid = source.exec_driver_sql("SELECT uid FROM log").scalar_one()
    incoming = Incoming(
        source, store.registry, History(path), token=ids.token, now_us=clock(),
        sha256=packing.hash_of(file),
    )  # fmt: skip
    crash_point("import.before")
    position = store.adopt(incoming, uid)
    crash_point("import.after")
    counts = incoming.counts
    return Imported(
        False, counts.streams, counts.rows, counts.events, counts.known, counts.left_out,  # noqa: FBT003
        position,
    )  # fmt: skip


def broken(file: Path, position: int, detail: str) -> EventStoreError:
    """Say that the file was altered."""
    return EventStoreError(
        "export-broken",
        f"{file} is not as it was written, at position {position}: {detail}",
        "Export it again, or copy it again and compare its SHA-256; nothing was imported.",
        {"path": str(file), "position": position},
    )
