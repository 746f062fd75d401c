"""Stores in SQLite files and PostgreSQL: open one, make its tables, look at them."""

from eventstore.sql.importing import import_
from eventstore.sql.master_file import read_keyring
from eventstore.sql.migrating import Step
from eventstore.sql.offline import verify as verify_export
from eventstore.sql.opening import Durability, Mode, open_store
from eventstore.sql.postgres.addresses import without_password
from eventstore.sql.reopening import open_export
from eventstore.sql.revisions import Checked, Upgraded
from eventstore.sql.safety import sqlite_safety
from eventstore.sql.schema import check, current, history, maintain, sql, upgrade

__all__ = [
    "Checked",
    "Durability",
    "Mode",
    "Step",
    "Upgraded",
    "check",
    "current",
    "history",
    "import_",
    "maintain",
    "open_export",
    "open_store",
    "read_keyring",
    "sql",
    "sqlite_safety",
    "upgrade",
    "verify_export",
    "without_password",
]
