"""The key file of a store: the seeds that seal it, one a line, the last one now.

Earlier lines only vouch for later ones. Beside the file, seals prove nothing against its
owner: keep the public key, or the seals, somewhere else (`on_seal`).

Source: CH-3.
"""

import logging
import os
import secrets
from pathlib import Path

from eventstore import signing
from eventstore.errors import EventStoreError
from eventstore.sql import failures, files

LOG = logging.getLogger("eventstore")
_OTHERS = 0o077


def file_of(path: Path) -> Path:
    """Return the key file of the store *path*."""
    return Path(f"{path}.seal-key")


def seeds(file: Path) -> list[bytes]:
    """Return the seeds in the key file *file*, oldest first; none if it is not there or not ours.

    Raises:
        EventStoreError: `bad-seal-key` when it is not one.
    """
    try:
        lines = file.read_text("ascii").split()
        if file.stat().st_mode & _OTHERS:
            LOG.warning("seal_key_open path=%s mode=%o", file, file.stat().st_mode & 0o777)
    except (FileNotFoundError, PermissionError):
        return []
    except ValueError as error:
        raise _bad_key(file) from error
    return [_seed(line, file) for line in lines]


def keys(file: Path) -> list[bytes]:
    """Return the public keys of the key file: whoever may read it knows whom to trust."""
    return [signing.key_of(seed) for seed in seeds(file)]


def new_seed() -> bytes:
    """Return a seed that nobody has."""
    return secrets.token_bytes(signing.SEED_BYTES)


def make(name: Path, seed: bytes) -> None:
    """Make the key file, readable by its owner only, whole or not at all.

    Raises:
        EventStoreError: `read-only` when it cannot be made.
    """
    beside = name.with_name(f"{name.name}.new")
    try:
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(file, f"{seed.hex()}\n".encode())
            os.fsync(file)
        finally:
            os.close(file)
        # Not before it is on the disk: a power cut would leave an empty file of that name.
        files.rename_new(beside, name)
    except OSError as error:
        raise failures.read_only(name, str(error.strerror)) from error


def check_seed(seed: bytes) -> None:
    """Refuse what is no seed.

    Raises:
        EventStoreError: `bad-seal-key`.
    """
    if type(seed) is not bytes or len(seed) != signing.SEED_BYTES:
        raise _bad_key("seal_key")


def _seed(line: str, file: Path) -> bytes:
    try:
        seed = bytes.fromhex(line)
    except ValueError as error:
        raise _bad_key(file) from error
    if len(seed) != signing.SEED_BYTES:
        raise _bad_key(file)
    return seed


def _bad_key(where: object) -> EventStoreError:
    # Never the value: it is a secret.
    return EventStoreError(
        "bad-seal-key",
        f"{where} holds something that is no key for seals.",
        "Each is 32 bytes, in the file 64 hex digits a line; without it a new key is made.",
        {"where": str(where)},
    )
