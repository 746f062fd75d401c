"""Who may write a log in PostgreSQL, when holders die or stop, connections break, servers fall."""

import itertools
import json
import os
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore import ANY, NEW, EventStoreError, Store
from eventstore.testing import placed, several, stream
from tests import warm
from tests.contracts.source import ROOT
from tests.cutting import Cut, Road
from tests.eventstore.on_postgres import opened
from tests.eventstore.test_postgres import refusal
from tests.postgres import Server, running

_END_LEASE = "UPDATE timescape.log SET leased_until = clock_timestamp()"
KEY = bytes(32)
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT holder%'"
_CHILD = """
import json, os, sys
from eventstore import ANY, EventStoreError
from eventstore.testing import placed, stream
from tests.eventstore.on_postgres import opened

url, mode, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = opened(url, mode=mode, durability="fsync", seed=seed << 32)
print(os.getpid(), flush=True)
for line in sys.stdin:
    number, item, count, size = json.loads(line)
    try:
        tickets = []
        for quantity in range(count):
            events = [placed(quantity, item=item)] * size
            tickets.append(store.append(stream(number), events, kind="order", expected=ANY))
            if size == 1:
                tickets.pop().result()
        for ticket in tickets:
            ticket.result()
        print("done", flush=True)
    except EventStoreError as error:
        print(error.code, flush=True)
store.close()
"""


class Child:
    """Another process with the store open."""

    def __init__(self, url: str, mode: str = "hold", seed: int = 1) -> None:
        self.process = subprocess.Popen(
            [warm.python(), "-c", _CHILD, url, mode, str(seed)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        self.pid = int(self.hear())

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, number: int, item: str, count: int = 1, size: int = 1) -> None:
        """Have it make *count* commits of *size* events, larger ones all at once."""
        assert self.process.stdin is not None
        print(json.dumps([number, item, count, size]), file=self.process.stdin, flush=True)

    def append(self, number: int, item: str) -> str:
        self.ask(number, item)
        return self.hear()

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def end(self) -> None:
        self.process.communicate(timeout=60)


@contextmanager
def child(url: str, mode: str = "hold", seed: int = 1) -> Iterator[Child]:
    made = Child(url, mode, seed)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.send(signal.SIGCONT)
            made.send(signal.SIGKILL)
        made.process.communicate()


def items(store: Store, number: int = 1) -> list[str]:
    return [event.data.item for event in store.read(stream(number))]


def epochs(store: Store) -> list[int]:
    return [
        event.data.data["epoch"]
        for row in store.read_log(limit=100_000, kinds=["log"])
        for event in row.events
        if event.type == "log.held"
    ]


# --- leases ---


@pytest.mark.proves("PG-2")
def test_a_log_has_one_holder_at_a_time(postgres: Server) -> None:
    url = postgres.upgraded()
    with opened(url):
        said = refusal(lambda: opened(url))
    with opened(url) as store:
        assert epochs(store) == [1, 2]

    assert (said.code, said.fields["pid"]) == ("store-held", os.getpid())


@pytest.mark.proves("PG-2", "LG-4")
def test_the_log_of_a_killed_holder_is_taken_when_its_lease_is_over(postgres: Server) -> None:
    """Not before: a dead holder cannot be told from one that is cut off, so who opens waits."""
    url = postgres.upgraded()
    taken: list[Store] = []
    with child(url) as other:
        assert other.append(1, "first") == "done"
        other.send(signal.SIGKILL)
        other.process.wait()
        waiting = threading.Thread(target=lambda: taken.append(opened(url, seed=1 << 40)))
        waiting.start()
        while postgres.sql(_WAITING, url) == [(0,)]:
            assert not taken
        postgres.sql(_END_LEASE, url)
        waiting.join(30)
    (store,) = taken
    with store:
        store.append(stream(1), [placed(item="second")], kind="order", expected=1).result()
        assert (items(store), epochs(store)) == (["first", "second"], [1, 2])
        assert store.verify().fault is None


@pytest.mark.proves("KM-7", "LG-3", "PG-2")
def test_a_stopped_process_past_its_lease_fails_closed(postgres: Server) -> None:
    url = postgres.upgraded()
    with child(url) as other:
        assert other.append(1, "first") == "done"
        other.send(signal.SIGSTOP)
        postgres.sql(_END_LEASE, url)
        with opened(url, seed=1 << 40) as store:
            store.append(stream(1), [placed(item="second")], kind="order", expected=1).result()
            other.ask(1, "too late")
            other.send(signal.SIGCONT)
            assert other.hear() == "log-fenced"
            assert other.append(2, "never again") == "log-fenced"
            assert (items(store), items(store, 2)) == (["first", "second"], [])
            assert store.verify().fault is None


@pytest.mark.proves("PG-2")
def test_a_holder_that_nobody_overtook_goes_on(postgres: Server) -> None:
    url = postgres.upgraded()
    with opened(url) as store:
        postgres.sql(_END_LEASE, url)
        store.append(stream(1), several(2), kind="order", expected=NEW).result()
        query = "SELECT leased_until > clock_timestamp() + interval '5 s' FROM timescape.log"

        assert postgres.sql(query, url) == [(True,)]
        assert epochs(store) == [1]


@pytest.mark.proves("PG-2")
def test_an_idle_holder_extends_its_lease(postgres: Server) -> None:
    url = postgres.upgraded()
    query = "SELECT leased_until FROM timescape.log"
    with opened(url):
        before = postgres.sql(query, url)
        while postgres.sql(query, url) == before:
            pass
        with pytest.raises(EventStoreError):
            opened(url)


# --- connections ---


class Overtaker(NamedTuple):
    """A guest of a log that is there; each example has streams and ids of its own in it."""

    url: str
    guest: Store
    numbers: Iterator[int]


@pytest.fixture(scope="module")
def overtaker(postgres: Server) -> Iterator[Overtaker]:
    url = postgres.upgraded()
    opened(url, seed=1 << 40).close()
    with opened(url, mode="guest", seed=1 << 41) as guest:
        yield Overtaker(url, guest, itertools.count(1))


@pytest.mark.proves("PG-3", "KM-7")
@pytest.mark.parametrize(("mode", "overtaken"), [("hold", 0), ("guest", 0), ("guest", 1)])
@given(cuts=st.lists(st.sampled_from(["before", "after", None]), min_size=1, max_size=6))
@settings(max_examples=20)
def test_a_cut_connection_neither_loses_nor_doubles_a_commit(
    postgres: Server, overtaker: Overtaker, mode: str, overtaken: int, cuts: list[Cut | None]
) -> None:
    """Cut before the statement arrives or its answer is back; who was overtaken: at COMMIT."""
    example = next(overtaker.numbers)
    name, theirs, seed = stream(2 * example), stream(2 * example + 1), example << 44
    with (
        Road(postgres.port) as road,
        opened(road.url(overtaker.url), mode=mode, seed=seed) as store,
    ):
        for number, cut in enumerate(cuts):
            if overtaken:
                # The first statement is refused, and the next is in a transaction.
                overtaker.guest.append(theirs, [placed()], kind="order", expected=ANY).result()
            if cut is not None:
                word = b'"item":"%d"' % number
                road.cut(cut, word, passing=overtaken, later=overtaken)
            event = placed(item=str(number))
            commit = store.append(name, [event], kind="order", expected=ANY).result()
            assert commit.first == number + 1
        assert [event.data.item for event in store.read(name)] == [
            str(number) for number in range(len(cuts))
        ]
        assert road.cuts == len([cut for cut in cuts if cut])
        assert store.verify().fault is None


@pytest.mark.proves("PG-3")
@pytest.mark.parametrize("cut", ["before", "after"])
def test_one_cut_is_survived(postgres: Server, cut: Cut) -> None:
    url = postgres.upgraded()
    with Road(postgres.port) as road, opened(road.url(url)) as store:
        store.append(stream(1), [placed(1)], kind="order", expected=NEW).result()
        road.cut(cut, b"")
        commit = store.append(stream(1), [placed(2)], kind="order", expected=1).result()

        assert (commit.last, road.cuts, store.head(stream(1)).revision) == (2, 1, 2)


class Load:
    """Threads that append one commit after the other, and what they were told."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._ending = threading.Event()
        self._answered = threading.Semaphore(0)
        self.acknowledged: set[str] = set()
        self.refused: set[str] = set()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(4)]
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        for count in itertools.count():
            if self._ending.is_set():
                return
            item = f"{number}-{count}"
            try:
                event = placed(item=item)
                self._store.append(stream(number), [event], kind="order", expected=ANY).result()
                self.acknowledged.add(item)
                self._answered.release()
            except EventStoreError as error:
                self.refused.add(error.code)

    def wait(self, count: int) -> None:
        """Wait for *count* more acknowledgements."""
        for _ in range(count):
            assert self._answered.acquire(timeout=60)

    def end(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()


STOPS = int(os.environ.get("TIMESCAPE_SERVER_STOPS", "3"))
"""How often the server falls; `make kill` says 20."""


@pytest.mark.proves("KM-7", "PG-3", "KM-6")
def test_nothing_acknowledged_is_lost_when_the_server_falls() -> None:
    """Immediate stops under load; what was not acknowledged is there once or not at all."""
    with running() as server, opened(server.upgraded(), durability="fsync", key=KEY) as store:
        load = Load(store)
        for _ in range(STOPS):
            load.wait(40)
            server.restart(how="immediate")
            with suppress(EventStoreError):
                store.seal()
        load.wait(40)
        load.end()
        kept = Counter(item for number in range(4) for item in items(store, number))

        assert set(kept.values()) == {1}
        assert load.acknowledged <= set(kept)
        assert load.refused <= {"commit-unknown", "log-failed"}
        store.seal()
        assert (store.verify().fault, store.verify().sealed_to) == (None, store.end())


@pytest.mark.proves("PG-3", "WR-9", "LG-4")
def test_a_server_that_stays_away_is_said_so_and_used_again_when_it_is_back() -> None:
    """For longer than a lease: what was on its way is unknown, and a retry settles it."""
    with running() as server, opened(server.upgraded(), durability="fsync") as store:
        store.append(stream(1), [placed(1)], kind="order", expected=NEW).result()
        server.stop()
        ticket = store.append(stream(1), [placed(2)], kind="order", expected=1, commit_id=bytes(16))
        assert refusal(ticket.result).code == "commit-unknown"
        server.restart("start")
        commit = None
        while commit is None:
            with suppress(EventStoreError):
                commit = store.append(
                    stream(1), [placed(2)], kind="order", expected=1, commit_id=bytes(16)
                ).result()

        assert (commit.first, epochs(store)) == (2, [1, 2])
        assert [event.data.quantity for event in store.read(stream(1))] == [1, 2]
        assert store.verify().fault is None


@pytest.mark.proves("WR-10", "PG-3")
def test_a_store_is_closed_also_when_its_server_is_gone() -> None:
    with running() as server:
        store = opened(server.upgraded())
        store.append(stream(1), [placed()], kind="order", expected=NEW).result()
        server.stop()
        store.close()

        assert refusal(store.end).code == "store-closed"
        server.restart("start")


# --- guests ---


@pytest.mark.proves("LG-5", "LG-1", "KM-7")
def test_eight_processes_append_to_one_log_without_gap_or_loss(postgres: Server) -> None:
    url = postgres.upgraded()
    with opened(url, durability="fsync") as store:
        guests = [Child(url, "guest", seed) for seed in range(2, 10)]
        for number, guest in enumerate(guests):
            guest.ask(number % 3, str(number), count=25)
        tickets = [
            store.append(stream(n % 3), [placed(n)], kind="order", expected=ANY) for n in range(50)
        ]
        for ticket in tickets:
            ticket.result()
        assert [guest.hear() for guest in guests] == ["done"] * 8
        for guest in guests:
            guest.end()
        found = Counter(item for number in range(3) for item in items(store, number))

        assert found == Counter({str(n): 25 for n in range(8)} | {"tea": 50})
        assert store.verify().fault is None
        assert [e.position for r in store.read_log(limit=100_000) for e in r.events] == list(
            range(1, store.end() + 1)
        )


_GAPS = """
SELECT count(*) FROM (
  SELECT pos, coalesce(lag(pos + n) OVER (ORDER BY pos), 1) AS due FROM timescape.commits
) AS rows WHERE pos <> due
"""


@pytest.mark.proves("LG-1", "LG-3", "LG-6", "KM-7")
def test_four_processes_append_many_events_a_commit_without_a_gap(postgres: Server) -> None:
    """Also the names that each gives while the others append have one number each."""
    url = postgres.upgraded()
    with opened(url):
        others = [Child(url, "guest", seed) for seed in range(2, 6)]
        for number, other in enumerate(others):
            other.ask(number, f"item {number}", count=12, size=100)
        assert [other.hear() for other in others] == ["done"] * 4
        for other in others:
            other.end()
    with opened(url, mode="read") as reader:
        heads = [reader.head(stream(number)).revision for number in range(4)]
        assert (heads, reader.verify().fault) == ([1_200] * 4, None)
        assert items(reader, 3) == ["item 3"] * 1_200
    assert postgres.sql(_GAPS, url) == [(0,)]


@pytest.mark.proves("KM-7", "LG-3", "SB-1")
def test_who_reads_along_passes_by_no_commit_that_is_late(postgres: Server) -> None:
    """A guest has the log to itself and takes its time: nobody else's commit gets in before."""
    url = postgres.upgraded()
    with opened(url) as store, psycopg.connect(url) as slow:
        subscription = store.subscribe("reader", after=store.cursor_at())
        slow.execute("SELECT 1 FROM timescape.log FOR UPDATE")
        ticket = store.append(stream(1), several(2), kind="order", expected=NEW)
        until_waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while postgres.sql(until_waiting, url) == [(0,)]:
            assert subscription.poll() is None
        slow.rollback()
        page = subscription.poll() if ticket.result() else None

        assert page is not None
        assert [row.position for row in page.rows] == [ticket.result().position]


@pytest.mark.proves("LG-5", "LG-6")
def test_a_guest_needs_a_log_that_was_begun(postgres: Server) -> None:
    url = postgres.upgraded()
    said = refusal(lambda: opened(url, mode="guest"))
    with opened(url, mode="read") as store:
        assert (store.end(), store.read_log(), store.head(stream(1)).revision) == (0, [], 0)
    opened(url).close()
    opened(url, mode="guest").close()

    assert said.code == "no-such-store"


@pytest.mark.proves("LG-3", "LG-5")
def test_a_holder_sees_what_a_guest_did_before_it_refuses(postgres: Server) -> None:
    url = postgres.upgraded()
    with opened(url) as store:
        store.append(stream(1), [placed()], kind="order", expected=NEW).result()
        with opened(url, mode="guest", seed=1 << 40) as guest:
            guest.append(stream(1), [placed()], kind="order", expected=1).result()
        store.append(stream(1), [placed()], kind="order", expected=2).result()

        assert store.head(stream(1)).revision == 3


@pytest.mark.proves("WR-3")
@pytest.mark.parametrize(
    ("durability", "levels"), [("fsync", ["on", "on"]), ("process", ["off", "on"])]
)
def test_a_commit_waits_for_the_disk_as_its_durability_says(
    postgres: Server, durability: str, levels: list[str]
) -> None:
    url = postgres.upgraded()
    spy = """
        CREATE TABLE public.seen (number serial, level text);
        CREATE FUNCTION public.spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          INSERT INTO public.seen (level) VALUES (current_setting('synchronous_commit'));
          RETURN NULL; END $$;
        CREATE TRIGGER spy AFTER INSERT ON timescape.commits
        FOR EACH ROW WHEN (NEW.kind > 1) EXECUTE FUNCTION public.spy();
    """
    postgres.sql(spy, url)
    with opened(url, durability=durability) as store:
        store.append(stream(1), [placed()], kind="order", expected=NEW).result()
        store.append(stream(2), [placed()], kind="ledger", expected=NEW).result()

    seen = postgres.sql("SELECT level FROM public.seen ORDER BY number", url)
    assert [level for (level,) in seen] == levels
