"""Addresses of stores in PostgreSQL, and how they are shown: without the password."""

import sqlalchemy as sa

from eventstore.errors import EventStoreError
from eventstore.sql import failures

PREFIX = "postgresql://"
SCHEMA = "timescape"
"""Our tables have a schema to themselves: an application's may lie beside it."""


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
        raise no_database(shown(url))
    return parsed.set(drivername="postgresql+psycopg")


def shown(url: str) -> str:
    """Return *url* without its password."""
    return sa.make_url(url).render_as_string(hide_password=True)


def no_database(place: str) -> EventStoreError:
    """Say that an address names no database."""
    return EventStoreError(
        "bad-url",
        f"{place} names no database.",
        "Write postgresql://user@host/database.",
        {"url": place},
    )
