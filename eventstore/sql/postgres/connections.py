"""Connections to a store in PostgreSQL, with settings of ours."""

import importlib.util

import sqlalchemy as sa

from eventstore.sql.postgres import failures
from eventstore.sql.postgres.addresses import SCHEMA

READERS = 8
SHARERS = 4
WAIT_S = 5
OLDEST = 15
# A connection that died unseen must be noticed before the lease of 10 s is over.
_NETWORK: dict[str, object] = {
    "connect_timeout": 5,
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 8_000,
}
_COMMON = {"search_path": SCHEMA, "application_name": "timescape", "TimeZone": "UTC"}
_READER = {"default_transaction_read_only": "on"}
# Whoever stops in the middle of an append lets go of the log.
_WRITER = {"lock_timeout": "5s", "idle_in_transaction_session_timeout": "5s"}


def check_driver() -> None:
    """Refuse to begin without psycopg.

    Raises:
        EventStoreError: `no-driver`.
    """
    if importlib.util.find_spec("psycopg") is None:
        raise failures.no_driver()


def check_server(connection: sa.Connection, place: str) -> None:
    """Refuse a server or a database that cannot hold a log.

    Raises:
        EventStoreError: `postgres-too-old`, `bad-encoding`.
    """
    version, encoding = connection.exec_driver_sql(
        "SELECT current_setting('server_version_num')::int / 10000,"
        " current_setting('server_encoding')"
    ).one()
    if version < OLDEST:
        raise failures.server_too_old(place, version)
    if encoding != "UTF8":
        raise failures.bad_encoding(place, encoding)


def writer_engine(url: sa.URL) -> sa.Engine:
    """Return an engine that commits each statement by itself."""
    return _engine(url, _WRITER, poolclass=sa.pool.NullPool, isolation_level="AUTOCOMMIT")


def transactional_engine(url: sa.URL) -> sa.Engine:
    """Return an engine for migrations: they come whole or not at all."""
    return _engine(url, _WRITER, poolclass=sa.pool.NullPool)


def reader_engine(url: sa.URL) -> sa.Engine:
    """Return a pool of at most 8 connections that can only read."""
    return _engine(
        url,
        _READER,
        poolclass=sa.pool.QueuePool,
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=WAIT_S,
        # A server that was started anew is met by new connections.
        pool_pre_ping=True,
        isolation_level="AUTOCOMMIT",
    )


def cursor_engine(url: sa.URL) -> sa.Engine:
    """Return an engine for one connection at a time that saves cursors."""
    # A cursor that a power cut takes back means pages that come again.
    return _lazy_engine(url, 1)


def sharing_engine(url: sa.URL) -> sa.Engine:
    """Return a pool of connections for what processes share beside the log."""
    return _lazy_engine(url, SHARERS)


def _lazy_engine(url: sa.URL, size: int) -> sa.Engine:
    return _engine(
        url,
        {**_WRITER, "synchronous_commit": "off"},
        poolclass=sa.pool.QueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=WAIT_S,
        pool_pre_ping=True,
        isolation_level="AUTOCOMMIT",
    )


def _engine(url: sa.URL, settings: dict[str, str], **options: object) -> sa.Engine:
    check_driver()
    given = url.query.get("options", "")
    ours = " ".join(f"-c {name}={value}" for name, value in {**_COMMON, **settings}.items())
    # Prepared from the first time on: a log has few texts, and runs them for ever.
    connect = {**_NETWORK, "options": f"{given} {ours}", "prepare_threshold": 0}
    url = url.difference_update_query(["options"])
    return sa.create_engine(url, connect_args=connect, **options)
