"""Addresses of stores in PostgreSQL, and how they are shown: without the password."""

import re

import sqlalchemy as sa

from eventstore.errors import EventStoreError
from eventstore.sql import failures

PREFIX = "postgresql://"
SCHEMA = "timescape"
"""Our tables have a schema to themselves: an application's may lie beside it."""

_BEFORE_HOST = re.compile(r"(?<=://)([^/@:]*):.*@")
_IN_QUERY = re.compile(r"([?&](?:ssl)?password=)[^&]*")


def is_address(url: str) -> bool:
    """Say whether *url* is one of PostgreSQL."""
    return url.startswith(PREFIX)


def parse(url: str) -> sa.URL:
    """Return *url* for the engine.

    Raises:
        EventStoreError: `bad-url`.
    """
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise failures.bad_url(url.partition("@")[2] or url) from error
    if not is_address(url) or not parsed.database:
        raise no_database(without_password(url))
    return parsed.set(drivername="postgresql+psycopg")


def without_password(url: str) -> str:
    """Return *url* as it may be shown: with *** for its password."""
    return _IN_QUERY.sub(r"\1***", _BEFORE_HOST.sub(r"\1:***@", url))


def no_database(place: str) -> EventStoreError:
    """Say that an address names no database."""
    return EventStoreError(
        "bad-url",
        f"{place} names no database.",
        "Write postgresql://user@host/database.",
        {"url": place},
    )
