"""Which revision of the tables a store is at. Alembic is not needed to see that."""

from pathlib import Path

import msgspec
import sqlalchemy as sa

from eventstore.sql import connections, failures
from eventstore.sql.tables import REVISION, REVISIONS


class Upgraded(msgspec.Struct, frozen=True):
    """What `upgrade` did."""

    before: str | None
    """Revision of the tables before; None: there was no store."""
    after: str
    backup: str | None = None
    """File that holds the store as it was before."""


class Checked(msgspec.Struct, frozen=True):
    """How the tables of a store stand to this program."""

    revision: str
    expected: str
    state: str
    """current, behind, newer or drifted."""
    drift: tuple[str, ...] = ()
    """Lines of a diff from what the migrations make to what is there."""
    warnings: tuple[str, ...] = ()
    """What wants looking after soon."""


def of(path: Path) -> str:
    """Return the revision that the store's own table names.

    Raises:
        EventStoreError: `not-a-store`, `store-damaged`.
    """
    engine = connections.reader_engine(path)
    try:
        with failures.translating(path), engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                raise failures.not_a_store(path, "it has no table alembic_version")
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version")
            return only(path, [str(revision) for revision in found.scalars()])
    finally:
        engine.dispose()


def only(place: failures.Place, found: list[str]) -> str:
    """Return the one revision that a store's own table names.

    Raises:
        EventStoreError: `not-a-store`.
    """
    if len(found) == 1:
        return found[0]
    reason = f"its table alembic_version names {len(found)} revisions instead of one"
    raise failures.not_a_store(place, reason)


def is_newer(revision: str) -> bool:
    """Say whether *revision* is one that this program does not know."""
    return revision not in REVISIONS


def require_current(path: Path) -> None:
    """Refuse a store whose tables are not of this program's revision.

    Raises:
        EventStoreError: `schema-old`, `schema-new`, `not-a-store`.
    """
    revision = of(path)
    if revision != REVISION:
        refuse = failures.schema_new if is_newer(revision) else failures.schema_old
        raise refuse(path, revision, REVISION)
