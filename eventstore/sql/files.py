"""The files of an SQLite store: where it is, whether it is one, and who may write it."""

import contextlib
import datetime as dt
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from eventstore.errors import EventStoreError
from eventstore.sql import failures
from eventstore.sql.tables import APPLICATION_ID

_PREFIX = "sqlite:///"
_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100
_APPLICATION_ID_AT = 68


def path_of(url: str) -> Path:
    """Return the file that *url* names.

    Raises:
        EventStoreError: `bad-url`.
    """
    path = url.removeprefix(_PREFIX)
    if not url.startswith(_PREFIX) or not path or path == ":memory:" or "\0" in path:
        raise failures.bad_url(url)
    return Path(path).absolute()


def is_store(path: Path) -> bool:
    """Say whether *path* is a file of ours; False if there is no file.

    It reads bytes and opens no database, which would already write beside a foreign one.

    Raises:
        EventStoreError: `not-a-store`, `read-only`.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except FileNotFoundError:
        return False
    except (IsADirectoryError, NotADirectoryError) as error:
        raise failures.not_a_store(path, "a folder is in its place") from error
    except PermissionError as error:
        raise failures.unreadable(path) from error
    if not header.startswith(_MAGIC):
        raise failures.not_a_store(path, "it is no SQLite file" if header else "it is empty")
    number = int.from_bytes(header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4], "big")
    if number != APPLICATION_ID:
        raise failures.not_a_store(path, "another program made this SQLite file")
    return True


def rename_new(beside: Path, name: Path) -> None:
    """Give the file *beside* its *name*, and bring that to the disk.

    Raises:
        FileExistsError: another file has that name.
    """
    try:
        name.hardlink_to(beside)
        beside.unlink()
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links. The holder lock keeps other makers away.
        beside.rename(name)
    sync(name.parent)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


class WriteLock:
    """Held around each write, checkpoint and read-write close of a store.

    SQLite serialises writers by itself, but before 3.51.3 it can lose a write when one
    connection checkpoints and another one writes. `flock` belongs to the open file, so it
    holds between two stores of one process too.
    """

    def __init__(self, path: Path) -> None:
        self._file = _open_lock(path, "-write")

    def __enter__(self) -> Self:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def take(self) -> bool:
        """Take it if nobody has it; say whether that was so."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def leave(self) -> None:
        """Let others have it."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file. Twice is once."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


@contextlib.contextmanager
def archiving(path: Path) -> Iterator[None]:
    """Be the only one who makes or changes segments of a store.

    Raises:
        EventStoreError: `store-busy` when somebody else does.
    """
    file = _open_lock(path, "-archive")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise failures.archive_busy(path) from error
    finally:
        os.close(file)


class HolderLock:
    """Held by the process that holds the log, for as long as it does.

    Raises:
        EventStoreError: `store-held` with who holds it, `read-only`.
    """

    def __init__(self, path: Path, now_us: int) -> None:
        self._file = _open_lock(path, "-holder")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            refusal = _held_by(path, os.pread(self._file, 1_000, 0))
            os.close(self._file)
            raise refusal from error
        since = dt.datetime.fromtimestamp(now_us / 1_000_000, dt.UTC).isoformat(timespec="seconds")
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": since}
        # Only told to others: a full disk is no reason not to hold the lock.
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps(holder).encode(), 0)

    def close(self) -> None:
        """Let another process hold the log. Twice is once."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1


def _open_lock(path: Path, suffix: str) -> int:
    try:
        return os.open(f"{path}{suffix}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except FileNotFoundError as error:
        raise _no_folder(path) from error
    except OSError as error:
        raise failures.read_only(path, f"{error.strerror}: {path}{suffix}") from error


def _no_folder(path: Path) -> EventStoreError:
    return EventStoreError(
        "no-such-store",
        f"There is no folder {path.parent}.",
        "Make it, or check the path.",
        {"path": str(path)},
    )


def _held_by(path: Path, content: bytes) -> EventStoreError:
    try:
        holder = json.loads(content)
    except ValueError:
        holder = {}
    unknown = "an unknown"
    return failures.store_held(
        path, holder.get("pid", unknown), holder.get("host", unknown), holder.get("since", "now")
    )
