"""Processes that share a log: who holds it, who is gone, and what a gone one can still do."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore import ANY, NEW, EventStoreError, Store
from eventstore.nodes import Nodes
from eventstore.sql import open_store
from eventstore.testing import FakeClock, FakeIds, placed, registry, several, stream
from tests.eventstore.test_postgres import refusal
from tests.eventstore.test_postgres_races import epochs, items
from tests.postgres import Server

KEY = bytes(32)
_END_LEASES = """
UPDATE timescape.log SET leased_until = clock_timestamp();
UPDATE timescape.nodes SET leased_until = clock_timestamp() WHERE node = '{node}';
"""


def joined(url: str, seed: int, team: str = "shop") -> Store:
    return open_store(
        url, mode="join", registry=registry(), clock=FakeClock(), ids=FakeIds(seed << 40),
        team=team, durability="process", seal_key=KEY,
    )  # fmt: skip


def nodes_of(store: Store) -> Nodes:
    assert store.nodes is not None
    return store.nodes


def eventually(holds: Callable[[], object], what: str) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.01)


def append(store: Store, number: int, item: str) -> None:
    store.append(stream(number), [placed(item=item)], kind="order", expected=ANY).result()


def end_leases(postgres: Server, url: str, store: Store) -> None:
    """Have the server think that it heard nothing of a node for long."""
    postgres.sql(_END_LEASES.format(node=nodes_of(store).me), url)


@pytest.mark.proves("SO-1", "LG-5", "LG-3")
def test_the_first_that_joins_holds_the_log_and_the_next_appends_beside_it(
    postgres: Server,
) -> None:
    url = postgres.upgraded()
    with joined(url, 1) as first, joined(url, 2) as second:
        for number in range(5):
            append(first, number % 2, f"first {number}")
            append(second, number % 2, f"second {number}")

        assert (nodes_of(first).holds, nodes_of(second).holds) == (True, False)
        assert len(items(first, 0)) + len(items(second, 1)) == 10
        assert nodes_of(first).living() == {nodes_of(each).me for each in (first, second)}
        assert (epochs(first), first.verify().fault) == ([1], None)
    assert postgres.sql("SELECT count(*) FROM timescape.nodes", url) == [(0,)]


@pytest.mark.proves("SO-4", "LG-4")
def test_another_one_holds_the_log_when_its_holder_ended(postgres: Server) -> None:
    url = postgres.upgraded()
    with ExitStack() as open_ones:
        first = joined(url, 1)
        second = open_ones.enter_context(joined(url, 2))
        append(first, 1, "first")
        first.close()
        eventually(lambda: nodes_of(second).holds, "nobody took the log over")
        append(second, 1, "second")
        second.seal()

        assert (items(second), epochs(second)) == (["first", "second"], [1, 2])
        assert (second.verify().fault, second.verify().sealed_to) == (None, second.end())


@pytest.mark.proves("SO-1", "SO-4", "LG-3")
def test_who_is_gone_appends_nothing_more_and_the_others_go_on(postgres: Server) -> None:
    """A guest first, then the holder: what each is told is `log-fenced`, for good."""
    url = postgres.upgraded()
    with joined(url, 1) as holder, joined(url, 2) as guest, joined(url, 3) as other:
        append(guest, 1, "before")
        gone = nodes_of(guest).me
        postgres.sql(f"UPDATE timescape.nodes SET leased_until = '-infinity', gone = true"
                     f" WHERE node = '{gone}'", url)  # fmt: skip
        postgres.sql("UPDATE timescape.nodes SET leased_until = clock_timestamp()"
                     f" WHERE node = '{gone}'", url)  # fmt: skip
        eventually(lambda: nodes_of(guest).is_gone, "the guest does not know that it is gone")
        nodes_of(holder)
        append(holder, 1, "holder")
        append(other, 1, "other")

        assert gone not in nodes_of(other).living()
        assert items(other) == ["before", "holder", "other"]
