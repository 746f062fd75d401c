"""Opens logs. The only place of the runtime that knows a backend."""

from typing import Literal, TypeAlias

from eventstore import Ids, Store
from runtime.context import CONTROL, REQUEST, REQUEST_REDUCER, registry
from runtime.effects import system_clock
from runtime.timescape import TABLE_REDUCER

Durability: TypeAlias = Literal["fsync", "bounded", "process", "volatile"]
"""What survives a crash and a power cut; see `docs/`."""
DEFAULT_STORE = "sqlite:///timescape.db"
STORE_SETTING = "TIMESCAPE_STORE"
"""Environment variable that names the log where nobody else does."""


def open_log(url: str, *, ids: Ids, durability: Durability = "fsync") -> Store:
    """Open the log at *url* to write to it; a new one is made on first use.

    Raises:
        EventStoreError: it cannot be opened, or another process holds it.
    """
    # Whoever imports `runtime` to read types should not pay for a database driver.
    from eventstore.sql import open_store  # noqa: PLC0415

    return open_store(
        url,
        mode="hold",
        durability=durability,
        registry=registry(),
        clock=system_clock,
        ids=ids,
        keyframes={REQUEST.name: REQUEST_REDUCER, CONTROL.name: TABLE_REDUCER},
    )
