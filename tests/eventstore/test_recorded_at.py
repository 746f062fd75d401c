"""What the views `events` say of when it was, whatever was stored."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eventstore import ANY, NEW, NewEvent, Store
from eventstore.codec.writing import FIRST_US, LAST_US
from eventstore.testing import stream
from tests.eventstore.altered import opened, past_the_guards
from tests.eventstore.on_postgres import opened as opened_there
from tests.postgres import Server

SHOWN = "SELECT recorded_at FROM {} WHERE kind = 'order' ORDER BY position"
NUMBERS = count(1)
times = st.integers(FIRST_US, LAST_US) | st.integers(-3, 3)
STORED = (
    "[[{type},-9223372036854775808],[{type},9223372036854775807],[{type},18446744073709551615]]"
)


def _iso(at_us: int) -> str:
    at = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=at_us)
    return at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


@pytest.fixture(scope="module")
def stores(
    postgres: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[tuple[Store, sqlite3.Connection | psycopg.Connection]]]:
    path = tmp_path_factory.mktemp("times") / "store.db"
    url = postgres.upgraded()
    with (
        opened(path, durability="volatile") as here,
        opened_there(url) as there,
        closing(sqlite3.connect(path)) as file,
        psycopg.connect(url, autocommit=True) as database,
    ):
        database.execute("SET search_path = timescape")
        yield [(here, file), (there, database)]


@pytest.mark.proves("TB-3", "TB-4")
@given(at=st.lists(times, min_size=1, max_size=5))
@example(at=[-1, 0, 1, FIRST_US, LAST_US, 9_007_199_254_740_993_000, -9_100_000_000_000_001])
def test_any_time_is_shown_to_the_microsecond(
    stores: list[tuple[Store, sqlite3.Connection | psycopg.Connection]], at: list[int]
) -> None:
    """In both databases alike, from the year 1 to 9999."""
    at = [min(at_us, LAST_US) for at_us in at]
    id_ = stream(next(NUMBERS))
    for store, connection in stores:
        events = [NewEvent("order.noted", {}, at_us=at_us) for at_us in at]
        store.append(id_, events, kind="order", expected=ANY).result()
        shown = connection.execute(
            f"SELECT recorded_at FROM events WHERE stream = '{id_.hex}' ORDER BY revision"  # noqa: S608
        )
        assert [row[0] for row in shown] == [_iso(at_us) for at_us in at]


@pytest.mark.proves("TB-3", "TB-4")
def test_a_time_that_is_none_leaves_the_others_readable(postgres: Server, tmp_path: Path) -> None:
    """Older versions stored whatever they were given."""
    path, url = tmp_path / "store.db", postgres.upgraded()
    for store in (opened(path), opened_there(url)):
        with store:
            events = [NewEvent("order.noted", {}, at_us=1)] * 3
            for n in range(2):
                store.append(stream(n), events, kind="order", expected=NEW).result()
            number = store._drafting._names.type_ids["order.noted"]  # type: ignore[attr-defined]
    data = STORED.format(type=number)
    with past_the_guards(path) as connection:
        connection.execute("UPDATE commits SET data = ? WHERE stream = ?", (data, stream(0).hex))
    with closing(sqlite3.connect(path)) as connection:
        here = [row[0] for row in connection.execute(SHOWN.format("events"))]
    with psycopg.connect(url) as database:
        database.execute("SET LOCAL timescape.maintenance = on")
        database.execute(
            "UPDATE timescape.commits SET data = %s WHERE stream = %s", (data, stream(0).hex)
        )
        there = [row[0] for row in database.execute(SHOWN.format("timescape.events"))]

    for shown in (here, there):
        assert shown[:3] == [None] * 3
        assert shown[3:] == ["1970-01-01T00:00:00.000001Z"] * 3
