"""Write a file whole or not at all, for its owner to read (AD-17)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debugger.errors import UnavailableError, WriteRefusedError


def write_file(path: Path, content: bytes, *, force: bool = False) -> None:
    """Write *content* to *path*, which only the owner may read.

    Raises:
        WriteRefusedError: there is such a file, and *force* is not given.
        UnavailableError: it cannot be written.
    """
    with written_beside(path, force=force) as beside:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)


@contextmanager
def written_beside(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a name beside *path* to write to, which becomes *path* when the block ends well.

    Raises:
        WriteRefusedError: there is such a file, and *force* is not given.
        UnavailableError: it cannot be written.
    """
    refuse_existing(path, force=force)
    beside = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        yield beside
        _sync(beside)
        refuse_existing(path, force=force)
        beside.replace(path)
        _sync(path.parent)
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror or error}."
        raise UnavailableError(problem, "Name a file in a folder that you may write.") from error
    finally:
        beside.unlink(missing_ok=True)


def refuse_existing(path: Path, *, force: bool) -> None:
    """Refuse to write over a file.

    Raises:
        WriteRefusedError: there is one, and *force* is not given.
    """
    if not force and os.path.lexists(path):
        problem = f"{path} is there already."
        raise WriteRefusedError(problem, "Name another file, or add --force.")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
