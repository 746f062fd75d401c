"""Where a log was at an instant, held against a look at every row."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import ANY, Store
from eventstore.events import Row
from eventstore.sql import open_store
from eventstore.testing import FakeClock, FakeIds, placed, registry, several, stream

START_US = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, list[Row]]]:
    """A log whose clock stood, jumped and went back; some of its rows are archived or dropped."""
    chance, clock = Random(7), FakeClock(START_US, step_us=0)  # noqa: S311 - the same each time
    url = f"sqlite:///{tmp_path_factory.mktemp('log')}/store.db"
    with open_store(url, registry=registry(), clock=clock, ids=FakeIds()) as store:
        for number in range(120):
            clock.now_us += chance.choice((-50, 0, 0, 1, 300))
            events = [placed(number)] if number % 40 else several(260)
            closes = number >= 80
            of = stream(number if closes else number % 7)
            store.append(of, events, kind="order", expected=ANY, close=closes).result()
        rows = store.read_log(limit=999)
        store.seal()
        store.archive(streams=[stream(number) for number in range(85, 95)])
        store.prune(streams=[stream(100), stream(101)], by="ann", reason="")
        yield store, rows


@pytest.mark.proves("LG-2")
@given(after_us=st.integers(-10, 12_000))
def test_the_position_at_an_instant_is_what_a_look_at_every_row_finds(
    log: tuple[Store, list[Row]], after_us: int
) -> None:
    store, rows = log
    at_us = START_US + after_us
    gone = {stream(100), stream(101)}
    upto = [row for row in rows if row.at_us <= at_us and row.stream not in gone]
    told = [row for row in store.read_log(after=rows[-1].position, limit=999) if row.at_us <= at_us]
    last = [*upto, *told][-1:]

    found = store.position_at(EPOCH + timedelta(microseconds=at_us))

    end = last[0].position + len(last[0].events) - 1 if last else 0
    assert found == store.cursor_at(end)
