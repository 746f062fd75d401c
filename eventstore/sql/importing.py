"""Bring an export into a store: an empty one becomes the log that was exported.

Source: AR-4.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from eventstore.codec import Registry
from eventstore.errors import EventStoreError
from eventstore.events import Imported
from eventstore.identifiers import Clock, Ids
from eventstore.sql import exports, files, offline, packing, restoring, schema
from eventstore.sql.adopting import Incoming
from eventstore.sql.opening import open_store
from eventstore.sql.points import crash_point
from eventstore.sql.postgres import addresses
from eventstore.sql.restoring import Whole
from eventstore.sql.store import SqlStore

Progress = Callable[[int, int], None]


def import_(
    file: Path,
    url: str,
    *,
    registry: Registry,
    clock: Clock,
    ids: Ids,
    segments: Path | None = None,
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
        segments: of a store in PostgreSQL, as for `open_store`.
        progress: is told positions verified and in all, now and then.

    Raises:
        EventStoreError: `import-conflict` where the store has other events for a stream, and
            then nothing is imported; `export-broken`, `not-an-export`, `unknown-kind`; and
            what opening raises.
    """
    verdict = offline.verify_export(file, progress)
    if verdict.fault is not None:
        raise broken(file, verdict.position or 0, verdict.detail)
    with exports.opened(file) as source:
        whole = Whole(file, source, registry, clock, ids)
        restored = _restore(url, whole, segments) if exports.is_whole(source) else None
        if restored is not None:
            return restored
        with _open(url, registry, clock, ids, segments) as store:
            return _adopt(file, source, store, clock, ids)


def _restore(url: str, whole: Whole, segments: Path | None) -> Imported | None:
    """Make an empty store the log of a whole export; None: it is not empty, or in use."""
    if not addresses.is_address(url):
        path = files.path_of(url)
        if not files.is_store(path):
            schema.create(path, whole.clock, whole.ids)
        return restoring.restore(path, whole)
    from eventstore.sql.postgres.restoring import restore  # noqa: PLC0415 - needs a driver

    return restore(url, whole, segments)


def _open(url: str, registry: Registry, clock: Clock, ids: Ids, segments: Path | None) -> SqlStore:
    """Hold the store, or be a guest of who does."""
    opened = partial(open_store, url, registry=registry, clock=clock, ids=ids, segments=segments)
    try:
        store = opened(mode="hold")
    except EventStoreError as error:
        if error.code != "store-held":
            raise
        store = opened(mode="guest")
    assert isinstance(store, SqlStore)  # noqa: S101 - for the type checker
    return store


def _adopt(file: Path, source: sa.Connection, store: SqlStore, clock: Clock, ids: Ids) -> Imported:
    uid = source.exec_driver_sql("SELECT uid FROM log").scalar_one()
    incoming = Incoming(
        source, store.registry, token=ids.token, now_us=clock(), sha256=packing.hash_of(file),
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
