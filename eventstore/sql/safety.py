"""What this machine's SQLite is good for."""

from eventstore.sql import connections


def sqlite_safety() -> tuple[str, bool]:
    """Give the version of SQLite, and whether two connections may checkpoint one file at once."""
    return connections.sqlite_version(), connections.resets_wal_safely()
