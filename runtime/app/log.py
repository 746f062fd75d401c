"""Opens logs. The only place of the runtime that knows a backend."""

import os
from pathlib import Path
from typing import Literal, TypeAlias

from eventstore import Ids, Store
from runtime.app.log_settings import seal_key_file, segments_folder
from runtime.context import CONTROL, REQUEST, REQUEST_REDUCER, WINDOWS, registry
from runtime.effects import system_clock
from runtime.policies.kept_windows import WINDOWS_REDUCER
from runtime.timescape import TABLE_REDUCER

Durability: TypeAlias = Literal["fsync", "bounded", "process", "volatile"]
"""What survives a crash and a power cut; see `docs/`."""
DEFAULT_STORE = "sqlite:///timescape.db"
STORE_SETTING = "TIMESCAPE_STORE"
"""Environment variable that names the log where nobody else does."""
KEYRING_SETTING = "TIMESCAPE_KEYRING"
"""Environment variable that names the file of masters where nobody else does."""


def open_log(
    url: str,
    *,
    ids: Ids,
    durability: Durability = "fsync",
    keyring: Path | None = None,
    team: str | None = None,
) -> Store:
    """Open the log at *url* to write to it; a new one is made on first use.

    Args:
        url: of the log.
        ids: gives ids, keys and nonces.
        durability: `fsync`, `bounded`, `process` or `volatile`.
        keyring: file of masters, for values that are hashed or sealed.
        team: of processes that may serve from it together, in PostgreSQL: the name of their
            app; None: this one alone.

    Raises:
        EventStoreError: it cannot be opened, or another process holds it; `bad-master`,
            `wrong-master`.
    """
    # Whoever imports `runtime` to read types should not pay for a database driver.
    from eventstore.sql import open_store, read_keyring  # noqa: PLC0415

    return open_store(
        url,
        mode="hold" if team is None else "join",
        team=team or "",
        durability=durability,
        registry=registry(),
        clock=system_clock,
        ids=ids,
        keyframes={
            REQUEST.name: REQUEST_REDUCER,
            CONTROL.name: TABLE_REDUCER,
            WINDOWS.name: WINDOWS_REDUCER,
        },
        seal_key_file=seal_key_file(os.environ),
        keyring=None if keyring is None else read_keyring(keyring),
        segments=segments_folder(os.environ),
    )
