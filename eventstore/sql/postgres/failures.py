"""What PostgreSQL and its driver refuse, as errors of ours with a remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from eventstore.errors import EventStoreError
from eventstore.sql import failures

UNIQUE_VIOLATION = "23505"
_NO_DATABASE = "3D000"
_FULL = ("53100",)
_BUSY = ("55P03", "57014", "53300", "40P01")
_DENIED = ("42501", "25006")
_NO_TABLES = ("42P01", "3F000")
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
    code = sqlstate(error)
    if code in _FULL:
        return failures.store_full(place)
    if code in _BUSY:
        return busy(place, code)
    if code in _DENIED:
        return failures.read_only(place, _first_line(error))
    if code in _NO_TABLES:
        return schema_missing(place)
    # Only the driver's words say that a database is not there: it has no code for it.
    if code == _NO_DATABASE or ('database "' in str(error.orig) and not code):
        return no_database(place)
    if not code or code[:2] in _UNREACHABLE:
        return unreachable(place, _first_line(error))
    return EventStoreError(
        "log-failed",
        f"Reading or writing {place} failed: {_first_line(error)}.",
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


def _first_line(error: sa.exc.DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0].removesuffix(".")


def busy(place: str, code: str) -> EventStoreError:
    """Say that the server kept us waiting."""
    return EventStoreError(
        "store-busy",
        f"{place} did not answer in time ({code}).",
        "Find who blocks it in pg_stat_activity, or try again after 1 s.",
        {"path": place, "driver": code},
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
