"""The file of masters: 32 bytes that wrap the keys of persons, apart from the store (EN-1)."""

import logging
from pathlib import Path

from eventstore.errors import EventStoreError
from eventstore.keyring import SECRET_BYTES, Keyring, bad_master

LOG = logging.getLogger("eventstore")
_OTHERS = 0o077


def read_keyring(path: Path) -> Keyring:
    """Read a keyring: a file of 32 bytes, or of lines of 64 hex digits, the newest last.

    Raises:
        EventStoreError: `bad-master`: it is none, or cannot be read. Nothing of it is shown.
    """
    try:
        content = path.read_bytes()
        mode = path.stat().st_mode & 0o777
    except OSError as error:
        raise EventStoreError(
            "bad-master",
            f"{path} cannot be read: {error.strerror}.",
            "Give the file that holds the master; `openssl rand -hex 32 > FILE` makes one.",
            {"where": str(path)},
        ) from error
    if mode & _OTHERS:
        LOG.warning("keyring_open path=%s mode=%o", path, mode)
    if len(content) == SECRET_BYTES:
        return Keyring([content])
    try:
        return Keyring([bytes.fromhex(line) for line in content.decode("ascii").split()])
    except (ValueError, EventStoreError):
        # Without its cause, which quotes what it could not read.
        raise bad_master(str(path)) from None
