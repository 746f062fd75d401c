"""The tables of a store in PostgreSQL: made on command, brought up to date, and looked at."""

import difflib
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from eventstore.identifiers import Clock
from eventstore.sql import failures, migrating
from eventstore.sql.migrating import Step
from eventstore.sql.postgres import addresses, catalogue, connections, lease, partitions, revisions
from eventstore.sql.postgres.addresses import SCHEMA
from eventstore.sql.postgres.failures import schema_missing, translating
from eventstore.sql.postgres.tables import REVISION
from eventstore.sql.revisions import Checked, Upgraded

_PREAMBLE = f"CREATE SCHEMA IF NOT EXISTS {SCHEMA};\n\nSET search_path TO {SCHEMA};\n\n"


def upgrade(url: str, *, clock: Clock) -> Upgraded:
    """Bring the tables of *url* up to date, with partitions for the months to come.

    Raises:
        EventStoreError: `schema-new`, `store-held`, `not-a-store`, and what `_connected` does.
    """
    with _connected(url, locked=True) as (connection, place):
        before = revisions.of(connection, place)
        if before is not None and revisions.is_newer(before):
            raise failures.schema_new(place, before, REVISION)
        connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        _migrate(connection)
        partitions.make_missing(connection, clock())
        connection.commit()
        return Upgraded(before, REVISION)


def maintain(url: str, *, clock: Clock) -> list[str]:
    """Make the partitions of the months to come that are not there; return their names.

    Raises:
        EventStoreError: `schema-old`, and what `_connected` does.
    """
    with _connected(url) as (connection, place):
        if revisions.of(connection, place) is None:
            raise schema_missing(place)
        made = partitions.make_missing(connection, clock())
        connection.commit()
        return made


def current(url: str) -> str:
    """Return the revision of the tables of *url*.

    Raises:
        EventStoreError: `schema-old` where there are none, and what `_connected` does.
    """
    with _connected(url) as (connection, place):
        revision = revisions.of(connection, place)
        if revision is None:
            raise schema_missing(place)
        return revision


def check(url: str, *, clock: Clock) -> Checked:
    """Compare the tables of *url* with what the migrations make.

    Raises:
        EventStoreError: as `current`, and `read-only` for who may make no tables.
    """
    revision = current(url)
    if revision != REVISION:
        state = "newer" if revisions.is_newer(revision) else "behind"
        return Checked(revision, REVISION, state)
    with _connected(url) as (connection, _):
        found, expected = catalogue.lines(connection), _fresh_catalogue(connection)
        warnings = partitions.warnings(
            partitions.attached(connection),
            clock(),
            default_in_use=partitions.is_default_in_use(connection),
        )
    drift = tuple(difflib.unified_diff(expected, found, "expected", "found", lineterm=""))
    state = "drifted" if drift else "current"
    return Checked(revision, REVISION, state, drift, tuple(warnings))


def script() -> str:
    """Return the statements of all migrations, to be run by somebody who may."""
    return _PREAMBLE + migrating.script(
        "postgres/versions",
        REVISION,
        None,
        dialect_name="postgresql",
        version_table_schema=SCHEMA,
    )


def history(url: str) -> tuple[Step, ...]:
    """Return the revisions of the tables, oldest first, and which *url* has.

    Raises:
        EventStoreError: what `_connected` does.
    """
    with _connected(url) as (connection, place):
        return migrating.steps("postgres/versions", revisions.of(connection, place))


@contextmanager
def _connected(url: str, *, locked: bool = False) -> Iterator[tuple[sa.Connection, str]]:
    """Connect; *locked*: with nobody holding the log meanwhile.

    Raises:
        EventStoreError: `bad-url`, `no-driver`, `store-unreachable`, `no-such-store`,
            `postgres-too-old`, `bad-encoding`, `read-only`; *locked*: `store-held`.
    """
    engine = connections.transactional_engine(addresses.parse(url))
    place = addresses.without_password(url)
    with translating(place), engine.connect() as connection:
        connections.check_server(connection, place)
        if locked:
            _require_unheld(connection, place)
        connection.commit()
        yield connection, place


def _require_unheld(connection: sa.Connection, place: str) -> None:
    is_alone = lease.try_lock(connection)
    if revisions.of(connection, place) is None:
        if not is_alone:  # another one makes the tables at this moment
            raise failures.store_held(place, "an unknown", "an unknown", "now")
        return
    held = lease.held(connection)
    if not is_alone or held.remaining_s:
        raise held.refusal(place)


def _migrate(connection: sa.Connection) -> None:
    connection.commit()
    migrating.migrate("postgres/versions", REVISION, connection, version_table_schema=SCHEMA)
    connection.commit()


def _fresh_catalogue(connection: sa.Connection) -> list[str]:
    """Make the tables anew in the place of ours, look at them, and take all of that back.

    Nobody else sees anything of it, nor waits for it: it is one transaction, never committed.
    """
    try:
        connection.exec_driver_sql(f"ALTER SCHEMA {SCHEMA} RENAME TO {SCHEMA}_found")
        connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")
        migrating.migrate("postgres/versions", REVISION, connection, version_table_schema=SCHEMA)
        return catalogue.lines(connection)
    finally:
        connection.rollback()
