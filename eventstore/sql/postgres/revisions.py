"""Which revision of the tables a database is at. Alembic is not needed to see that."""

import sqlalchemy as sa

from eventstore.errors import EventStoreError
from eventstore.sql import failures
from eventstore.sql.postgres import connections
from eventstore.sql.postgres.addresses import SCHEMA
from eventstore.sql.postgres.failures import schema_missing
from eventstore.sql.postgres.tables import REVISION, REVISIONS
from eventstore.sql.revisions import only


def of(connection: sa.Connection, place: str) -> str | None:
    """Return the revision that our schema's own table names; None: there is no schema yet.

    Raises:
        EventStoreError: `not-a-store`, where the schema is there and not of ours.
    """
    schema, table = connection.exec_driver_sql(
        f"SELECT to_regnamespace('{SCHEMA}'), to_regclass('{SCHEMA}.alembic_version')"
    ).one()
    if schema is None:
        return None
    if table is None:
        if _is_empty(connection):
            return None
        raise foreign(place)
    found = connection.exec_driver_sql(f"SELECT version_num FROM {SCHEMA}.alembic_version")
    revisions = [str(revision) for revision in found.scalars()]
    if not revisions and not _has_log(connection):
        return None
    return only(place, revisions)


def _has_log(connection: sa.Connection) -> bool:
    query = f"SELECT to_regclass('{SCHEMA}.log') IS NOT NULL"
    return bool(connection.exec_driver_sql(query).scalar_one())


def _is_empty(connection: sa.Connection) -> bool:
    query = f"SELECT count(*) FROM pg_class WHERE relnamespace = '{SCHEMA}'::regnamespace"
    return not connection.exec_driver_sql(query).scalar_one()


def is_newer(revision: str) -> bool:
    """Say whether *revision* is one that this program does not know."""
    return revision not in REVISIONS


def require_current(connection: sa.Connection, place: str) -> None:
    """Refuse a database whose tables are not of this program's revision.

    Raises:
        EventStoreError: `schema-old`, `schema-new`, `not-a-store`, `postgres-too-old`,
            `bad-encoding`.
    """
    connections.check_server(connection, place)
    revision = of(connection, place)
    if revision is None:
        raise schema_missing(place)
    if revision != REVISION:
        refuse = failures.schema_new if is_newer(revision) else failures.schema_old
        raise refuse(place, revision, REVISION)


def foreign(place: str) -> EventStoreError:
    """Say that a schema with our name is somebody else's."""
    return failures.not_a_store(place, f"its schema {SCHEMA} was not made by us")
