"""Processes that share a log: who holds it, who is gone, and what a gone one can still do."""

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore import ANY, Commit, EventStoreError, Store
from eventstore.memory import MemoryStore
from eventstore.nodes import Nodes
from eventstore.sql import open_store
from eventstore.sql.postgres.nodes import off_by
from eventstore.testing import FakeClock, FakeIds, placed, registry, several, stream
from tests.cutting import Cut, Road
from tests.eventstore.test_postgres_races import Child, child, epochs, items
from tests.postgres import Server

KEY = bytes(32)
_END_HOLDING = """
UPDATE timescape.log SET leased_until = clock_timestamp() WHERE holder::json->>'pid' = '{pid}'
"""
_END_LIFE = """
UPDATE timescape.nodes SET leased_until = clock_timestamp() WHERE pid = {pid} RETURNING node
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
        assert nodes_of(first).census().living == {nodes_of(each).me for each in (first, second)}
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


@pytest.mark.proves("SO-1", "SO-4", "LG-3", "LG-4")
def test_who_is_gone_appends_nothing_more_and_the_others_go_on(postgres: Server) -> None:
    """A process that was stopped for longer than its lease: first a guest, then the holder."""
    url = postgres.upgraded()
    with joined(url, 1) as holder, child(url, "join", 2) as guest:
        assert guest.append(1, "guest") == "done"
        gone = stopped(postgres, url, guest)
        eventually(lambda: gone in nodes_of(holder).census().gone, "nobody says it is gone")
        guest.ask(1, "too late")
        guest.send(signal.SIGCONT)
        assert guest.hear() == "log-fenced"
        append(holder, 1, "holder")
        assert nodes_of(holder).adopt() == ()  # it was of another team
    with child(url, "join", 3) as first, joined(url, 4, team="") as second:
        gone_too = stopped(postgres, url, first)
        eventually(lambda: nodes_of(second).holds, "nobody took the log over")
        append(second, 1, "second")
        first.ask(1, "too late")
        first.send(signal.SIGCONT)

        assert first.hear() == "log-fenced"
        assert items(second) == ["guest", "holder", "second"]
        assert set(nodes_of(second).adopt()) == {gone, gone_too}
        for node in (gone, gone_too):
            nodes_of(second).bury(node)
        assert nodes_of(second).census().gone == frozenset()
        assert (epochs(second)[0], second.verify().fault) == (1, None)


def stopped(postgres: Server, url: str, process: Child) -> str:
    """Stop a process, and have its leases end; return its node."""
    process.send(signal.SIGSTOP)
    pid = process.pid
    postgres.sql(_END_HOLDING.format(pid=pid), url)
    ((node,),) = postgres.sql(_END_LIFE.format(pid=pid), url)
    return str(node)


@pytest.mark.proves("SO-5")
@given(sent=st.integers(0, 10**9), took=st.integers(0, 10**6), ago=st.integers(0, 10**6),
       ahead=st.integers(-(10**9), 10**9))  # fmt: skip
def test_a_clock_is_called_off_by_no_more_than_it_is(
    *, sent: int, took: int, ago: int, ahead: int
) -> None:
    """Whenever the server looked at its clock; and it misses no more than the round trip."""
    server = sent + min(ago, took) - ahead
    found = off_by(sent, server, sent + took)

    assert abs(found) <= abs(ahead)
    assert abs(ahead - found) <= took
    assert found == 0 or (found > 0) == (ahead > 0)


@pytest.mark.proves("SO-5")
def test_a_node_knows_how_far_its_clock_is_from_that_of_the_database(postgres: Server) -> None:
    with joined(postgres.upgraded(), 1) as store:
        behind_us = time.time_ns() // 1000 - FakeClock()()
        eventually(lambda: nodes_of(store).clock_off_us, "the clocks were not compared")

        assert abs(nodes_of(store).clock_off_us + behind_us) < 60_000_000


Move: TypeAlias = tuple[int, int, int, int]
moves = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(1, 2), st.integers(ANY, 2)),
    min_size=1,
    max_size=8,
)


@pytest.fixture(scope="module")
def three(postgres: Server) -> Iterator[tuple[Store, ...]]:
    url = postgres.upgraded()
    with joined(url, 1) as one, joined(url, 2) as two, joined(url, 3) as three:
        yield one, two, three


def outcome(store: Store, move: Move, base: int) -> object:
    _, number, count, expected = move
    try:
        commit = store.append(
            stream(base + number), several(count), kind="order", expected=expected
        ).result()
    except EventStoreError as error:
        return error.code
    return commit.first, commit.last


@pytest.mark.proves("LG-1", "LG-3", "LG-5", "ES-3")
@given(drawn=moves)
@settings(max_examples=100)
def test_three_nodes_append_as_one_would(three: tuple[Store, ...], drawn: list[Move]) -> None:
    """Whoever appends, each is told what a log in memory says that has all of it."""
    base = 8 * (int(three[0].end()) + 1)  # streams of their own for each example
    with MemoryStore(registry(), FakeClock(), FakeIds()) as model:
        for move in drawn:
            assert outcome(three[move[0]], move, base) == outcome(model, move, base)


@pytest.mark.proves("LG-1", "LG-3", "LG-6", "SO-1")
def test_nodes_that_append_at_once_lose_nothing(three: tuple[Store, ...]) -> None:
    """To streams of their own, and to one that they share; each finds what the others did."""
    first = int(three[0].end()) + 1

    def load(number: int) -> list[Commit]:
        tickets = []
        for count in range(60):
            target = stream(8 * first + (7 if count % 2 else number))
            event = placed(item=f"{number}:{count}", site=f"node.py:{number}{count % 5}")
            tickets.append(three[number].append(target, [event], kind="order", expected=ANY))
        return [ticket.result() for ticket in tickets]

    with ThreadPoolExecutor(3) as pool:
        commits = [commit for found in pool.map(load, range(3)) for commit in found]
    positions = [e.position for row in three[2].read_log(limit=100_000) for e in row.events]
    shared = [e.data.item for e in three[1].read(stream(8 * first + 7))]

    assert positions == list(range(1, int(three[0].end()) + 1))
    assert {commit.position for commit in commits} <= set(positions)
    assert len(set(shared)) == len(shared) == 90
    assert three[0].verify().fault is None


@pytest.mark.proves("LG-6", "LG-5", "LG-3")
def test_nodes_give_names_in_turn(postgres: Server) -> None:
    """The log's own stream, where names stand, is one that all of them go on with."""
    url = postgres.upgraded()
    with joined(url, 1) as holder, joined(url, 2) as guest:
        for number, store in enumerate((holder, guest, holder, guest, holder)):
            event = placed(number, site=f"shop.py:{number // 2}")
            store.append(stream(1), [event], kind="order", expected=number).result()

        sites = [event.site for event in holder.read(stream(1))]
        assert sites == ["shop.py:0", "shop.py:0", "shop.py:1", "shop.py:1", "shop.py:2"]
        assert holder.verify().fault is None


@pytest.mark.proves("PG-3", "LG-3")
@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_node_whose_connection_is_cut_neither_loses_nor_doubles(
    postgres: Server, cut: Cut
) -> None:
    url = postgres.upgraded()
    with joined(url, 1) as holder, Road(postgres.port) as road, joined(road.url(url), 2) as guest:
        append(guest, 1, "before")
        road.cut(cut, b'"item":"cut"')
        append(guest, 1, "cut")
        append(holder, 1, "holder")
        append(guest, 1, "after")

        assert (items(holder), road.cuts) == (["before", "cut", "holder", "after"], 1)
        assert holder.verify().fault is None
