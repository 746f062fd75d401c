"""Stores in SQLite files: open one, make its tables, look at them."""

from eventstore.sql.migrating import Step
from eventstore.sql.schema import Checked, Upgraded, check, current, history, sql, upgrade
from eventstore.sql.store import Durability, Mode, open_store

__all__ = [
    "Checked",
    "Durability",
    "Mode",
    "Step",
    "Upgraded",
    "check",
    "current",
    "history",
    "open_store",
    "sql",
    "upgrade",
]
