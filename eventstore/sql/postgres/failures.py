"""What PostgreSQL and its driver refuse, as errors of ours with a remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from eventstore.errors import EventStoreError
from eventstore.sql import failures

UNIQUE_VIOLATION = "23505"
_NO_DATABASE = "3D000"
_DENIED = ("42501", "25006")
_UNREACHABLE = ("08", "57", "28")
"""Classes: the connection, the operator's intervention, who may enter."""


def sqlstate(error: sa.exc.DBAPIError) -> str:
    """Return the server's code of an error; empty where the server did not answer."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def is_lost(error: sa.exc.DBAPIError) -> bool:
    """Say whether the connection is gone, so that nobody knows what became of the statement."""
    return error.connection_invalidated or sqlstate(error).startswith(("08", "57P"))


def translated(error: sa.exc.DBAPIError, place: str) -> EventStoreError:
    """Return our error for one of the driver's."""
    code, reason = sqlstate(error), str(error.orig).strip().partition("\n")[0].removesuffix(".")
    # Only the server's words say that a database is not there: the driver keeps no code.
    if not code and "does not exist" in reason and 'database "' in reason:
        code = _NO_DATABASE
    for codes, ours in _OURS:
        if code in codes:
            return ours(place)
    if code in _DENIED:
        return failures.read_only(place, reason)
    if code[:2] in _UNREACHABLE or (not code and isinstance(error, sa.exc.OperationalError)):
        return unreachable(place, reason)
    return EventStoreError(
        "log-failed",
        f"Reading or writing {place} failed: {reason}.",
        "Look into the server's log, then open the store again.",
        {"path": place, "driver": code},
    )


@contextmanager
def translating(place: str) -> Iterator[None]:
    """Raise the driver's errors as ours."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise translated(error, place) from error
    except sa.exc.TimeoutError as error:
        raise failures.reader_expired(place) from error


def busy(place: str) -> EventStoreError:
    """Say that the server kept us waiting."""
    return EventStoreError(
        "store-busy",
        f"{place} did not answer in time.",
        "Find who blocks it in pg_stat_activity, or try again after 1 s.",
        {"path": place},
    )


def unreachable(place: str, reason: str) -> EventStoreError:
    """Say that the server cannot be asked."""
    return EventStoreError(
        "store-unreachable",
        f"{place} cannot be reached: {reason}.",
        "Check that the server runs, and user, password and host of the address.",
        {"path": place},
    )


def no_database(place: str) -> EventStoreError:
    """Say that there is no such database."""
    return EventStoreError(
        "no-such-store",
        f"There is no database {place}.",
        "Make it with `createdb`, then run `timescape db upgrade`.",
        {"path": place},
    )


def schema_missing(place: str) -> EventStoreError:
    """Say that the tables were not made yet."""
    return EventStoreError(
        "schema-old",
        f"{place} has no tables of ours.",
        "Run `timescape db upgrade`.",
        {"path": place, "revision": None},
    )


def no_driver() -> EventStoreError:
    """Say that psycopg is missing."""
    return EventStoreError(
        "no-driver",
        "A store in PostgreSQL needs the package psycopg, which is not installed.",
        "Install `timescape[postgres]`.",
        {},
    )


def bad_encoding(place: str, encoding: str) -> EventStoreError:
    """Say that the database cannot hold all text."""
    return EventStoreError(
        "bad-encoding",
        f"{place} has the encoding {encoding}, not UTF8.",
        "Make a database with `createdb --encoding UTF8 --template template0`.",
        {"path": place, "encoding": encoding},
    )


def server_too_old(place: str, version: int) -> EventStoreError:
    """Say which server is needed."""
    return EventStoreError(
        "postgres-too-old",
        f"{place} is on PostgreSQL {version}; 15 is the oldest that works.",
        "Use a newer server.",
        {"path": place, "version": version},
    )


_OURS = (
    (("53100",), failures.store_full),
    (("55P03", "57014", "53300", "40P01"), busy),
    (("42P01", "3F000"), schema_missing),
    ((_NO_DATABASE,), no_database),
)
