"""Connections to an SQLite store, with settings that are read back."""

import os
import sqlite3
import sys
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import sqlalchemy as sa

from eventstore.sql import failures

Level = Literal["OFF", "NORMAL", "FULL"]
"""Of PRAGMA synchronous."""
READERS = 8
WAIT_S = 5
OLDEST = (3, 38, 0)
BUSY_TIMEOUT_MS = 5_000

LEVEL_OF: dict[str, Level] = {
    "fsync": "FULL",
    "bounded": "NORMAL",
    "process": "NORMAL",
    "volatile": "OFF",
}
"""By durability."""
_LEVELS = {"OFF": 0, "NORMAL": 1, "FULL": 2}
_READER_SETTINGS: dict[str, object] = {
    "query_only": 1,
    "busy_timeout": BUSY_TIMEOUT_MS,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "mmap_size": 0,
}
_WRITER_SETTINGS: dict[str, object] = {
    "journal_mode": "wal",
    "busy_timeout": BUSY_TIMEOUT_MS,
    "foreign_keys": 1,
    # Else INSERT OR REPLACE deletes a row without asking the guards.
    "recursive_triggers": 1,
    "trusted_schema": 0,
    "cell_size_check": 1,
    "secure_delete": 1,
    "mmap_size": 0,
    # 16 MiB: a page that fell out of the cache is searched for in the write-ahead log.
    "cache_size": -16_384,
    # Only the writer checkpoints, and only when it says so.
    "wal_autocheckpoint": 0,
}


def check_sqlite() -> None:
    """Refuse an SQLite that lacks STRICT tables or `->`.

    Raises:
        EventStoreError: `sqlite-too-old`.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        raise failures.sqlite_too_old(sqlite3.sqlite_version)


def sqlite_version() -> str:
    """Return the version of the SQLite that this Python has."""
    return sqlite3.sqlite_version


def resets_wal_safely() -> bool:
    """Say whether two connections may checkpoint and write at once (SQLite 3.51.3)."""
    version = sqlite3.sqlite_version_info
    return (
        version >= (3, 51, 3)
        or (3, 50, 7) <= version < (3, 51, 0)
        or (3, 44, 6) <= version < (3, 45, 0)
    )


def driver_of(connection: sa.Connection) -> sqlite3.Connection:
    """Return the driver's own connection under *connection*."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - for the type checker
    return driver


def open_writer(path: Path, level: Level) -> sa.Connection:
    """Open *path* for writing, in autocommit mode, with all settings read back.

    Raises:
        EventStoreError: `bad-pragma`, `read-only`, `store-busy`, `store-damaged`.
    """

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            isolation_level=None,
            # One text for each number of rows in a flush: all stay prepared.
            cached_statements=512,
            check_same_thread=False,
        )

    with failures.translating(path):
        connection = _engine(connect).connect()
        try:
            for name, value in _WRITER_SETTINGS.items():
                put(connection, path, name, value)
            if sys.platform == "darwin":
                put(connection, path, "fullfsync", 1)
            set_level(connection, path, level)
        except BaseException:
            connection.close()
            raise
        return connection


def set_level(connection: sa.Connection, path: Path, level: Level) -> None:
    """Say what a commit waits for.

    FULL, not NORMAL, for `fsync`: under WAL, NORMAL syncs only at a checkpoint, and a
    power cut would take back commits whose responses were already sent.
    """
    put(connection, path, "synchronous", _LEVELS[level])


def put(connection: sa.Connection, path: Path, name: str, value: object) -> None:
    """Set a PRAGMA and read it back: a misspelt or refused one is silent.

    Raises:
        EventStoreError: `bad-pragma`.
    """
    connection.exec_driver_sql(f"PRAGMA {name} = {value}").close()
    row = connection.exec_driver_sql(f"PRAGMA {name}").first()
    # Where memory mapping is not built in, mmap_size gives no row: it is off.
    got = row[0] if row is not None else 0
    if got != value:
        raise failures.bad_pragma(path, name, value, got)


def reader_engine(path: Path) -> sa.Engine:
    """Return a pool of at most 8 connections that can only read *path*."""

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?{_read_mode(path)}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        for name, value in _READER_SETTINGS.items():
            connection.execute(f"PRAGMA {name} = {value}")
        return connection

    return sa.create_engine(
        "sqlite://",
        creator=connect,
        poolclass=sa.pool.QueuePool,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=WAIT_S,
        isolation_level="AUTOCOMMIT",
    )


def _read_mode(path: Path) -> str:
    # SQLite needs to make a `-shm` file even to read, unless it is told that nobody
    # writes. In a folder that cannot be written, without a log to replay, nobody does.
    wal = Path(f"{path}-wal")
    nothing_to_replay = not wal.exists() or wal.stat().st_size == 0
    if nothing_to_replay and not os.access(path.parent, os.W_OK):
        return "mode=ro&immutable=1"
    return "mode=ro"


def transactional_engine(path: Path) -> sa.Engine:
    """Return an engine for migrations: a transaction has the file to itself from its start."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(path))}", uri=True, isolation_level=None)

    engine = _engine(connect, isolation_level="SERIALIZABLE")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # pysqlite begins by itself only before the first write, and not before DDL.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _engine(connect: object, isolation_level: str = "AUTOCOMMIT") -> sa.Engine:
    options = {} if isolation_level != "AUTOCOMMIT" else {"isolation_level": isolation_level}
    return sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool, **options)
