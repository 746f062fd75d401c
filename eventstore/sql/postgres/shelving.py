"""The folder of the segments of a store in PostgreSQL: a shared one, with its owner's name in it.

Several databases must not have one folder: what no row of a database names is swept out of
it. So the first that archives leaves its name there, and another one is refused.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from eventstore.errors import EventStoreError
from eventstore.sql import failures
from eventstore.sql.postgres.failures import translating
from eventstore.sql.shelf import Shelf
from eventstore.sql.texts import LOG_ID

_OWNER = "owner"
_LOCK = f"SELECT pg_try_advisory_lock({0x545347}, {LOG_ID})"
_IDENTITY = (
    "SELECT concat(system_identifier, '/', oid) FROM pg_control_system(), pg_database"
    " WHERE datname = current_database()"
)


def shelf_of(engine: sa.Engine, place: str, folder: Path | None) -> Shelf:
    """Return the shelf of a database.

    Args:
        engine: makes connections that commit each statement by itself.
        place: the address without its password.
        folder: that was named, if one was.
    """
    return Shelf(place, folder, partial(_alone, engine, place, folder))


@contextmanager
def _alone(engine: sa.Engine, place: str, folder: Path | None) -> Iterator[None]:
    with translating(place), engine.connect() as connection:
        # As long as the connection lives, wherever the others are.
        if not connection.exec_driver_sql(_LOCK).scalar_one():
            raise failures.archive_busy(place)
        if folder is not None:
            _claim(folder, str(connection.exec_driver_sql(_IDENTITY).scalar_one()))
        yield


def _claim(folder: Path, identity: str) -> None:
    owner = folder / _OWNER
    try:
        folder.mkdir(exist_ok=True)
        with owner.open("x", encoding="ascii") as new:
            new.write(identity)
    except FileExistsError:
        if owner.read_text("ascii") != identity:
            raise _taken(folder, owner) from None
    except OSError as error:
        raise failures.read_only(folder, str(error)) from error


def _taken(folder: Path, owner: Path) -> EventStoreError:
    return EventStoreError(
        "segments-folder-taken",
        f"{folder} holds what was archived of another database.",
        f"Name another folder; or, if this database is what became of that one, remove {owner}.",
        {"path": str(folder)},
    )
