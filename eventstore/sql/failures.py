"""What drivers and the operating system refuse, as errors of ours with a remedy."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from eventstore.errors import EventStoreError

Place: TypeAlias = Path | str
"""Where a store is: a file, or an address without its password."""

_PRIMARY = 0xFF
_READ_ONLY = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class FencedError(Exception):
    """The log is not where the writer thought: somebody else appended, or took it."""


CONTRADICTIONS = 100
"""How often a row may be taken though it was looked for: another process may be first a few times,
not each time. Then the file contradicts itself, and nobody may wait for ever."""


class NotUniqueError(Exception):
    """A row or name is there already."""


def sqlite_error(error: sa.exc.DBAPIError) -> sqlite3.Error:
    """Return the driver's own error."""
    if isinstance(error.orig, sqlite3.Error):
        return error.orig
    return sqlite3.InterfaceError(str(error))


def wrapped(error: sqlite3.Error, text: str) -> sa.exc.DBAPIError:
    """Return *error*, which the driver raised on *text*, as SQLAlchemy would raise it."""
    return sa.exc.DBAPIError(text, None, error, hide_parameters=True)


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 if the error is of Python's making."""
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY


def translated(error: sqlite3.Error, path: Path) -> EventStoreError:
    """Return our error for one of the driver's."""
    code = primary_code(error)
    fields: dict[str, object] = {
        "path": str(path),
        "driver": getattr(error, "sqlite_errorname", type(error).__name__),
    }
    if code == sqlite3.SQLITE_FULL:
        return store_full(path)
    if code in _BUSY:
        return EventStoreError(
            "store-busy",
            f"Another program has kept {path} locked for 5 s.",
            "Find it with `lsof`, or try again after 1 s.",
            fields,
        )
    if code in _READ_ONLY:
        return read_only(path, str(error))
    if code in _DAMAGED:
        return damaged(path, str(error), fields)
    return EventStoreError(
        "log-failed",
        f"Reading or writing {path} failed: {error}.",
        "Check the disk, then open the store again.",
        fields,
    )


@contextmanager
def translating(path: Path) -> Iterator[None]:
    """Raise the driver's errors as ours."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise translated(sqlite_error(error), path) from error
    except sqlite3.Error as error:
        raise translated(error, path) from error
    except UnicodeDecodeError as error:
        # Of a damaged schema the driver cannot even tell what is wrong with it.
        raise damaged(path, "it holds text that is none") from error
    except sa.exc.TimeoutError as error:
        raise reader_expired(path) from error


def damaged(path: Place, reason: str, fields: dict[str, object] | None = None) -> EventStoreError:
    """Say that the file is not as SQLite writes one."""
    return EventStoreError(
        "store-damaged",
        f"{path} cannot be read: {reason}.",
        "Keep the file, and go on from a backup.",
        fields or {"path": str(path)},
    )


def store_full(path: Place) -> EventStoreError:
    """Say that the disk is full."""
    return EventStoreError(
        "store-full",
        f"There is no space left for {path}.",
        "Free space on the disk; the store then goes on by itself.",
        {"path": str(path)},
    )


def read_only(path: Place, reason: str) -> EventStoreError:
    """Say that the file or its folder cannot be written."""
    return EventStoreError(
        "read-only",
        f"{path} cannot be written: {reason}.",
        "Give this user the right to write the file and its folder, or open it for reading.",
        {"path": str(path)},
    )


def unreadable(path: Place) -> EventStoreError:
    """Say that the file may not even be read."""
    return EventStoreError(
        "read-only",
        f"{path} can be neither read nor written by this user.",
        "Give this user the right to read the file, and to write it and its folder if it records.",
        {"path": str(path)},
    )


def opened_for_reading(url: str) -> EventStoreError:
    """Say that this store was opened in mode `read`."""
    return EventStoreError(
        "read-only",
        f"The store {url} is open for reading only.",
        "Open it as holder or as guest to append.",
        {"url": url},
    )


def cursor_not_kept(url: str, name: str) -> EventStoreError:
    """Say that a store opened for reading keeps no cursors."""
    return EventStoreError(
        "read-only",
        f"The store {url} is open for reading only: it cannot keep the cursor {name!r}.",
        "Open it as holder or as guest, or keep the cursor in a database of your own:"
        " page.done(connection).",
        {"url": url, "name": name},
    )


def reader_expired(path: Place) -> EventStoreError:
    """Say that all readers were busy."""
    return EventStoreError(
        "reader-expired",
        f"No reader of {path} came free within 5 s.",
        "Read with fewer threads at a time.",
        {"path": str(path)},
    )


def bad_url(url: str) -> EventStoreError:
    """Say how a store is named."""
    return EventStoreError(
        "bad-url",
        f"{url!r} does not name a store.",
        "Write sqlite:///file.db (in this folder) or sqlite:////folder/file.db.",
        {"url": url},
    )


def no_such_store(path: Path) -> EventStoreError:
    """Say that there is no file."""
    return EventStoreError(
        "no-such-store",
        f"There is no store {path}.",
        "Check the path; `timescape serve` and `timescape demo` make new stores.",
        {"path": str(path)},
    )


def no_log(place: Place) -> EventStoreError:
    """Say that there is nothing yet to be a guest or a reader of."""
    return EventStoreError(
        "no-such-store",
        f"Nothing was recorded in {place} yet.",
        "Record something with `timescape serve` first.",
        {"path": str(place)},
    )


def not_a_store(path: Place, reason: str) -> EventStoreError:
    """Say that the file is something else, and was left alone."""
    return EventStoreError(
        "not-a-store",
        f"{path} is not an event store: {reason}. It was not touched.",
        "Give the path of a store, or of no file yet.",
        {"path": str(path)},
    )


def store_held(path: Place, pid: object, host: object, since: object) -> EventStoreError:
    """Say who holds the log."""
    return EventStoreError(
        "store-held",
        f"{path} is held by process {pid} on {host} since {since}.",
        "Stop that process, or open the store as a guest or for reading.",
        {"path": str(path), "pid": pid, "host": host, "since": since},
    )


def schema_old(path: Place, revision: str | None, expected: str) -> EventStoreError:
    """Say that the tables are older than the program."""
    return EventStoreError(
        "schema-old",
        f"{path} is at revision {revision}, this program needs {expected}.",
        "Run `timescape db upgrade`.",
        {"path": str(path), "revision": revision, "expected": expected},
    )


def schema_new(path: Place, revision: str | None, expected: str) -> EventStoreError:
    """Say that the tables are newer than the program."""
    return EventStoreError(
        "schema-new",
        f"{path} is at revision {revision}, this program knows up to {expected}.",
        "Use a newer version of Timescape.",
        {"path": str(path), "revision": revision, "expected": expected},
    )


def bad_pragma(path: Path, name: str, wanted: object, got: object) -> EventStoreError:
    """Say that SQLite did not take a setting."""
    return EventStoreError(
        "bad-pragma",
        f"SQLite has {name} = {got} for {path}, not {wanted}.",
        "Keep the store on a local disk, and use an SQLite built with its defaults.",
        {"path": str(path), "pragma": name, "wanted": wanted, "got": got},
    )


def sqlite_too_old(version: str) -> EventStoreError:
    """Say which SQLite is needed."""
    return EventStoreError(
        "sqlite-too-old",
        f"This Python has SQLite {version}; 3.38 is the oldest that works.",
        "Use a Python built with a newer SQLite.",
        {"version": version},
    )


def chain_broken(path: Place, detail: str) -> EventStoreError:
    """Say that the end of the log is not as it was written."""
    return EventStoreError(
        "chain-broken",
        f"The end of the log {path} was altered: {detail}",
        "Keep the file, open it for reading, run `timescape verify`, go on from a backup.",
        {"path": str(path)},
    )


def history_forked(path: Place, sealed_to: int, last: int) -> EventStoreError:
    """Say that the log lost rows that were sealed."""
    return EventStoreError(
        "history-forked",
        f"{path} ends at position {last}, and was sealed up to {sealed_to}.",
        "Rows are gone, or the seals are of a later copy: keep the file, go on from a backup.",
        {"path": str(path), "sealed_to": sealed_to, "last": last},
    )


def not_the_holder(url: str, what: str) -> EventStoreError:
    """Say that only the holder does it."""
    return EventStoreError(
        "not-the-holder",
        f"The store {url} is not held by this process with a key, so it cannot {what}.",
        "Open it as holder, in PostgreSQL with a seal_key; a server that runs on it then"
        " seals it by itself.",
        {"url": url},
    )


def log_fenced(path: Place, epoch: int, found: int) -> EventStoreError:
    """Say that another process took the log."""
    return EventStoreError(
        "log-fenced",
        f"Another process holds {path}: the epoch is {found}, not {epoch}.",
        "Restart this process.",
        {"path": str(path), "epoch": epoch, "found": found},
    )


def commit_unknown(path: Place) -> EventStoreError:
    """Say that a commit may be there or not."""
    return EventStoreError(
        "commit-unknown",
        f"A write to {path} failed; the commit may be in the log or not.",
        "Append it again with the same commit id: it is then there once.",
        {"path": str(path)},
    )


def log_failed(path: Place) -> EventStoreError:
    """Say that nothing can be written for now."""
    return EventStoreError(
        "log-failed",
        f"A write to {path} failed; this commit was not tried.",
        "Check the disk; appends are taken again as soon as a write succeeds.",
        {"path": str(path)},
    )


def queue_full(path: Place, commits: int) -> EventStoreError:
    """Say that the disk does not keep up."""
    return EventStoreError(
        "store-busy",
        f"{commits} commits wait to be written to {path}.",
        "Try again after 1 s.",
        {"path": str(path), "waiting": commits},
    )


def archive_busy(path: Place) -> EventStoreError:
    """Say that somebody else moves rows."""
    return EventStoreError(
        "store-busy",
        f"Another program archives, drops or redacts archived rows of {path}.",
        "Try again when it is done.",
        {"path": str(path)},
    )


def keyframe_mismatch(reducer: str, version: int, stream: object, revision: int) -> EventStoreError:
    """Say that a kept fold is not what its reducer folds to. It is logged, never raised."""
    return EventStoreError(
        "keyframe-mismatch",
        f"The fold of stream {stream} kept at revision {revision} is not what reducer"
        f" {reducer!r} version {version} folds to; its kept folds are not used any more.",
        "Raise the reducer's version whenever its meaning changes.",
        {"reducer": reducer, "version": version, "stream": stream, "revision": revision},
    )
