"""What `open_store` was given, for a store in PostgreSQL."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from eventstore import signing
from eventstore.codec import Registry
from eventstore.fold import Keepable
from eventstore.identifiers import Clock, Ids
from eventstore.keyring import Keyring
from eventstore.sql import seal_keys
from eventstore.sql.postgres.link import LOG, Link
from eventstore.sql.sealing import OnSeal, Sealer


class Options(msgspec.Struct, frozen=True):
    """What `open_store` was given besides the address; it says what each is."""

    mode: str
    durability: str
    registry: Registry
    clock: Clock
    ids: Ids
    keyframes: Mapping[str, Keepable[Any]]
    check_keyframes: int
    seal_key: bytes | None
    seal_key_file: Path | None
    on_seal: OnSeal | None
    keyring: Keyring | None
    team: str = ""
    segments: Path | None = None

    def sealer(self) -> Sealer | None:
        """Return what seals a log; None: there is no key."""
        if self.seal_key is None and self.seal_key_file is None:
            return None
        return Sealer(self.seal_key_file, self.clock, seed=self.seal_key, on_seal=self.on_seal)

    def keys(self) -> list[bytes]:
        """Return the public keys that are trusted to seal."""
        if self.seal_key is not None:
            return [signing.key_of(self.seal_key)]
        return seal_keys.keys(self.seal_key_file) if self.seal_key_file is not None else []


def since(clock: Clock) -> str:
    """Return the time as the log says since when it is held."""
    return datetime.fromtimestamp(clock() / 1_000_000, UTC).isoformat(timespec="seconds")


def warn_of_lazy_disk(link: Link, durability: str) -> None:
    """Say that the server itself keeps nothing safe."""
    off = link.connection.exec_driver_sql("SHOW fsync").scalar_one() == "off"
    if off and durability in {"fsync", "bounded"}:
        LOG.warning("postgres_fsync_off place=%s durability=%s", link.place, durability)
