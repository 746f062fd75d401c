"""Stores in SQLite files and PostgreSQL: open one, make its tables, look at them.

What is about exports is loaded when it is asked for: whoever opens a store has no use for it.
"""

from typing import TYPE_CHECKING

from eventstore.doors import opener
from eventstore.sql.choices import Durability, Mode
from eventstore.sql.master_file import read_keyring
from eventstore.sql.migrating import Step
from eventstore.sql.opening import open_store
from eventstore.sql.postgres.addresses import without_password
from eventstore.sql.revisions import Checked, Upgraded
from eventstore.sql.safety import sqlite_safety
from eventstore.sql.schema import check, current, history, maintain, sql, upgrade

if TYPE_CHECKING:
    from eventstore.sql.importing import import_
    from eventstore.sql.offline import verify_export
    from eventstore.sql.reopening import open_export

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

_ROOMS = {
    "import_": "eventstore.sql.importing",
    "open_export": "eventstore.sql.reopening",
    "verify_export": "eventstore.sql.offline",
}
if not TYPE_CHECKING:  # else the type checker would take any name for one of this door
    __getattr__ = opener(__name__, _ROOMS)
