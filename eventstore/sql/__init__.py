"""Stores in SQLite files: open one, make its tables, look at them."""

from eventstore.sql.schema import Checked, Upgraded, check, current, upgrade
from eventstore.sql.store import Durability, Mode, open_store

__all__ = [
    "Checked",
    "Durability",
    "Mode",
    "Upgraded",
    "check",
    "current",
    "open_store",
    "upgrade",
]
