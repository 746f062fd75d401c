"""Make the files of segments: whole, verified and on the disk before they have their name.

Source: AR-2, CH-6.
"""

import hashlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec
import sqlalchemy as sa

from eventstore.chain import StoredRow, Walk
from eventstore.errors import EventStoreError
from eventstore.events import Verdict
from eventstore.sql import blanks, copying, failures, files, segments, verifying
from eventstore.sql.history import END_OF_TIME, History
from eventstore.sql.redacting import Change
from eventstore.sql.segments import Segment
from eventstore.sql.shelf import Shelf
from eventstore.sql.verifying import Start

_CHUNK = 1 << 20
_NEXT_ROWS = f"stream = ? AND revision >= ? ORDER BY revision LIMIT {verifying.PAGE_ROWS}"
_END = "SELECT pos + n, chain FROM commits ORDER BY pos DESC LIMIT 1"
_SPAN = (
    "SELECT min(pos), max(pos + n - 1), min(stream), max(stream),"
    " count(DISTINCT CASE WHEN parent IS NOT NULL THEN stream END) FROM commits"
)


def pack(
    shelf: Shelf,
    history: History,
    number: int,
    streams: Sequence[str],
    connection: sa.Connection,
) -> Segment:
    """Copy *streams* of a store to segment *number*, and hold every row to the chain.

    Args:
        shelf: of the store.
        history: of the store.
        number: of the segment.
        streams: that have all their rows in `commits`.
        connection: to the store, in a transaction that reads it.

    Raises:
        EventStoreError: `chain-broken` when a row is not as it was written, `store-full`,
            `no-segments-folder`.
    """
    folder = shelf.required()
    beside = folder / f"{number:06}.tmp"
    try:
        folder.mkdir(exist_ok=True)
        with failures.translating(beside):
            _fill(beside, streams, connection)
        _check(beside, shelf.place, history, connection)
        with segments.opened_file(beside) as held:
            first, last, least, most, forks = held.exec_driver_sql(_SPAN).one()
        return _named(
            folder, beside, Segment(number, first, last, least, most, forks, 0, "", 0, b"")
        )
    except UnicodeEncodeError as error:
        raise failures.chain_broken(shelf.place, "the text of a row is no text.") from error
    except OSError as error:
        raise failures.read_only(folder, str(error)) from error
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def redacted(shelf: Shelf, change: Change) -> Iterator[Segment | None]:
    """Give the segment that holds the row of *change*, made without the values; None: none does.

    The file before goes once the body has made the new one known.

    Raises:
        EventStoreError: `store-busy`, `segment-missing`, `store-full`.
    """
    if change.home is None:
        yield None
        return
    folder = shelf.required()
    with shelf.alone():
        made = _without(folder, change.home, change)
        try:
            yield made
        except BaseException:
            (folder / made.file).unlink(missing_ok=True)
            raise
        (folder / change.home.file).unlink(missing_ok=True)


def sweep(shelf: Shelf, connection: sa.Connection) -> None:
    """Remove what a process left that was killed: files that no row of `segments` names.

    A redaction may have left one with the values in it.

    The caller is the only one who makes segments.
    """
    folder = shelf.folder
    if folder is None or not folder.is_dir():
        return
    known = {each.file for each in segments.where(connection)}
    for file in folder.iterdir():
        if file.name not in known and file.name[:6].isdecimal():
            file.unlink(missing_ok=True)


def sweep_on_opening(shelf: Shelf, ask: Callable[[Callable[[sa.Connection], None]], None]) -> None:
    """Sweep, unless somebody is making segments; *ask* gives a connection to the store."""
    if shelf.folder is None or not shelf.folder.is_dir():
        return
    with suppress(EventStoreError), shelf.alone():
        ask(lambda connection: sweep(shelf, connection))


def _connect_new(file: Path) -> sqlite3.Connection:
    """Open a new *file* of our tables for writing."""
    blanks.write(file)
    connection = sqlite3.connect(file, isolation_level=None)
    # It has no name yet: nobody misses it, and it is synced as a whole when it is done.
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def hash_of(file: Path) -> bytes:
    """Return the SHA-256 of a file."""
    total = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            total.update(chunk)
    return total.digest()


def _fill(beside: Path, streams: Sequence[str], source: sa.Connection) -> None:
    with closing(_connect_new(beside)) as target:
        target.execute("BEGIN")
        for stream in streams:
            revision = 1
            while page := verifying.rows_where(source, _NEXT_ROWS, (stream, revision)):
                copying.rows(target, page)
                revision = page[-1].next_revision
        copying.names(target, source)
        copying.log(target, source, target.execute(_END).fetchone())
        target.execute("COMMIT")


def _check(
    beside: Path, place: failures.Place, history: History, connection: sa.Connection
) -> None:
    """Hold the rows of a file to the chain of the store that they were copied from."""
    with segments.opened_file(beside) as held:
        if held.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok":
            raise failures.chain_broken(place, f"the copy {beside} is damaged.")
        verdict = _along(rows_of(held), history, connection)
    if verdict.fault is not None:
        raise failures.chain_broken(place, f"at position {verdict.position}: {verdict.detail}")


def _along(rows: Iterator[StoredRow], history: History, connection: sa.Connection) -> Verdict:
    """Walk along rows between which others stand in the store."""
    walk: Walk | None = None
    at = 0
    for row in rows:
        fault = None
        if row.pos != at:
            before = verifying.row_before(connection, history, row.pos)
            start = Start(row.pos, *before) if before else Start(1, 1, None)
            if walk is None:
                walk = verifying.walk_from(
                    verifying.read_log(connection), start, to_end=False,
                    revision_before=lambda *_: 0, redaction_since=lambda _: None,
                )  # fmt: skip
            else:
                fault = walk.skip(at, start.next_pos, start.previous or b"")
        assert walk is not None  # noqa: S101 - no row is at position 0
        fault = fault or walk.step(row)
        if fault is not None:
            return fault
        at = row.next_pos
    assert walk is not None  # noqa: S101 - a segment has rows
    return walk.finish()


def rows_of(held: sa.Connection) -> Iterator[StoredRow]:
    """Give all rows of a file, in order."""
    pos = 1
    while page := verifying.rows_where(
        held, f"pos BETWEEN ? AND ? ORDER BY pos LIMIT {verifying.PAGE_ROWS}", (pos, END_OF_TIME)
    ):
        yield from page
        pos = page[-1].next_pos


def _named(folder: Path, beside: Path, segment: Segment) -> Segment:
    """Bring a file to the disk and give it its name, which tells of what is in it."""
    files.sync(beside)
    digest = hash_of(beside)
    name = f"{segment.id:06}-{digest.hex()[:12]}.db"
    size = beside.stat().st_size
    beside.rename(folder / name)
    files.sync(folder)
    return msgspec.structs.replace(segment, file=name, size=size, sha256=digest)


def _without(folder: Path, segment: Segment, change: Change) -> Segment:
    beside = folder / f"{segment.id:06}.tmp"
    try:
        try:
            beside.touch(mode=0o600)
            shutil.copyfile(folder / segment.file, beside)
        except FileNotFoundError as error:
            raise segments.segment_missing(folder / segment.file) from error
        with failures.translating(beside), closing(sqlite3.connect(beside)) as connection:
            connection.isolation_level = None
            for statement in ("PRAGMA journal_mode = MEMORY", "PRAGMA secure_delete = 1"):
                connection.execute(statement)
            connection.execute("UPDATE log SET maintenance = 1")
            connection.execute(
                "UPDATE commits SET data = ?, salt = NULL WHERE pos = ?", (change.data, change.pos)
            )
            connection.execute("UPDATE log SET maintenance = 0")
            connection.execute("VACUUM")
        return _named(folder, beside, segment)
    except OSError as error:
        raise failures.read_only(folder, str(error)) from error
    finally:
        beside.unlink(missing_ok=True)
