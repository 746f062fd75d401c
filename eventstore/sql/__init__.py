"""Stores in SQLite files and PostgreSQL: open one, make its tables, look at them."""

from eventstore.sql.postgres.addresses import without_password
from eventstore.sql.revisions import Checked, Upgraded
from eventstore.sql.schema import check, current, maintain, script, upgrade
from eventstore.sql.store import Durability, Mode, open_store

__all__ = [
    "Checked",
    "Durability",
    "Mode",
    "Upgraded",
    "check",
    "current",
    "maintain",
    "open_store",
    "script",
    "upgrade",
    "without_password",
]
