"""Subscriptions of every backend: interleavings, exactly once, and processes that die."""

import asyncio
import contextlib
import itertools
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import ANY, Cursor, Page, Store, Subscription, cursor_in
from eventstore.following import Following
from eventstore.memory import MemoryStore
from eventstore.sql import open_store
from eventstore.testing import FakeClock, FakeIds, placed, refused, registry, several, stream
from tests import warm
from tests.contracts.source import ROOT
from tests.eventstore.sql.files import new_store

Opens: TypeAlias = Callable[[], AbstractContextManager[Store]]


@contextmanager
def in_memory() -> Iterator[Store]:
    with MemoryStore(registry(), FakeClock(), FakeIds()) as store:
        yield store


@contextmanager
def in_sqlite() -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        ids = FakeIds(1_000)
        file = new_store(Path(folder, "store.db"), ids)
        with open_store(
            f"sqlite:///{file}",
            durability="volatile",
            registry=registry(),
            clock=FakeClock(),
            ids=ids,
        ) as store:
            yield store


backends = pytest.mark.parametrize("opens", [in_memory, in_sqlite])


def positions(subscription: Subscription) -> list[int]:
    page = subscription.poll()
    return [] if page is None else [row.position for row in page.rows]


# --- any interleaving ---

acts = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from(["order", "short"]), st.integers(1, 3)),
        st.tuples(st.just("many"), st.sampled_from(["order", "short"]), st.integers(250, 300)),
        st.tuples(st.sampled_from(["take", "take and do", "crash"]), st.just(""), st.just(0)),
    ),
    max_size=24,
)


@pytest.mark.proves("SB-1", "SB-2")
@backends
@given(acts=acts, kinds=st.sampled_from([(), ("order",), ("order", "short")]))
def test_no_interleaving_leaves_a_row_out_or_gives_it_twice(
    opens: Opens, acts: list[tuple[str, str, int]], kinds: tuple[str, ...]
) -> None:
    """A reader that crashes gets again what it had not done, and nothing else."""
    with opens() as store:
        subscription = store.subscribe("reader", kinds=kinds)
        seen: list[int] = []
        done = 0
        for number, (act, kind, count) in enumerate(acts):
            if act == "append":
                store.append(stream(number), several(count), kind=kind, expected=ANY).result()
            elif act == "many":
                for each in range(count):
                    store.append(stream(number), [placed(each)], kind=kind, expected=ANY)
            elif act == "crash":
                event("crashed")
                subscription = store.subscribe("reader", kinds=kinds)
                del seen[done:]
            elif (page := subscription.poll()) is not None:
                seen += [row.position for row in page.rows]
                if act == "take and do":
                    page.done()
                    done = len(seen)
        store.append(stream(999), [placed()], kind="order", expected=ANY).result()
        while (page := subscription.poll()) is not None:
            seen += [row.position for row in page.rows]

        assert seen == [row.position for row in store.read_log(limit=100_000, kinds=kinds)]


# --- waiting ---


@pytest.mark.proves("SB-1")
@backends
def test_the_writer_itself_wakes_who_waits(opens: Opens) -> None:
    """Were it left to looking now and then, this would take an hour."""
    with opens() as store:
        parts: Any = store
        cursor = store.cursor_at()
        hour = (3600, 3600)
        waiting = Following(parts._feed, parts._bell, "reader", cursor, (), pauses_s=hour)
        pages: list[Page] = []
        reader = threading.Thread(target=lambda: pages.append(next(waiting)))
        reader.start()
        store.append(stream(1), [placed()], kind="order", expected=ANY).result()
        reader.join()

        async def scenario() -> Page:
            page = asyncio.ensure_future(anext(waiting))
            await asyncio.to_thread(fill_one, store)
            return await page

        assert pages[0].rows[-1].stream == stream(1)
        assert asyncio.run(scenario()).rows[-1].stream == stream(2)


def fill_one(store: Store) -> None:
    store.append(stream(2), [placed()], kind="order", expected=ANY).result()


@pytest.mark.proves("SB-1")
def test_what_another_writer_commits_is_looked_for(tmp_path: Path) -> None:
    """Nothing rings here: the file's own version says that there is something."""
    url = f"sqlite:///{tmp_path}/store.db"
    opened = {"registry": registry(), "clock": FakeClock(), "ids": FakeIds()}
    with (
        open_store(url, **opened) as store,  # type: ignore[arg-type]
        open_store(url, mode="read", **opened) as reader,  # type: ignore[arg-type]
    ):
        subscription = reader.subscribe("reader", after=reader.cursor_at(), kinds=["order"])
        assert subscription.poll() is None
        for number in range(3):
            store.append(stream(number), [placed()], kind="order", expected=ANY).result()
            assert next(subscription).rows[-1].stream == stream(number)
            assert subscription.poll() is None


# --- exactly once ---


@pytest.mark.proves("SB-2")
@backends
def test_the_cursor_is_kept_with_the_work_or_not_at_all(opens: Opens, tmp_path: Path) -> None:
    with opens() as store, contextlib.closing(sqlite3.connect(tmp_path / "mine.db")) as mine:
        mine.execute("CREATE TABLE seen (position INTEGER)")
        for number in range(600):
            store.append(stream(number), [placed()], kind="order", expected=ANY).result()
        subscription = store.subscribe("reader", after=cursor_in(mine, "reader"))

        def do_next(*, fail: bool = False) -> None:
            page = subscription.poll()
            assert page is not None
            with mine:
                mine.executemany("INSERT INTO seen VALUES (?)", [(r.position,) for r in page.rows])
                page.done(mine)
                if fail:
                    raise ZeroDivisionError

        do_next()
        with pytest.raises(ZeroDivisionError):
            do_next(fail=True)
        before = cursor_in(mine, "reader")
        assert before is not None
        subscription = store.subscribe("reader", after=before)
        do_next()
        do_next()

        seen = [position for (position,) in mine.execute("SELECT position FROM seen")]
        assert seen == [row.position for row in store.read_log(limit=1_000)]
        assert cursor_in(mine, "reader") == subscription.cursor == store.cursor_at()
        assert cursor_in(mine, "another") is None
        assert positions(store.subscribe("reader")) == seen[:256], "the store kept nothing"


@pytest.mark.proves("SB-2")
@backends
def test_of_two_readers_of_one_name_one_does_a_page(opens: Opens, tmp_path: Path) -> None:
    with opens() as store, contextlib.closing(sqlite3.connect(tmp_path / "mine.db")) as mine:
        store.append(stream(1), [placed()], kind="order", expected=ANY).result()
        pages = [store.subscribe("reader").poll() for _ in range(2)]
        first, second = [page for page in pages if page is not None]
        with mine:
            first.done(mine)
        with refused("cursor-moved"), mine:
            second.done(mine)

        assert cursor_in(mine, "reader") == first.cursor


@pytest.mark.proves("SB-2")
def test_the_stores_own_file_may_be_that_database(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    opened = {"registry": registry(), "clock": FakeClock(), "ids": FakeIds()}
    with open_store(f"sqlite:///{file}", **opened) as store:  # type: ignore[arg-type]
        page = store.subscribe("reader").poll()
        assert page is not None
        with contextlib.closing(sqlite3.connect(file)) as same, same:
            page.done(same)

        assert store.subscribe("reader").cursor == page.cursor


@pytest.mark.proves("SB-2")
def test_a_store_opened_for_reading_keeps_no_cursor(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    opened = {"registry": registry(), "clock": FakeClock(), "ids": FakeIds()}
    with (
        open_store(url, **opened),  # type: ignore[arg-type]
        open_store(url, mode="read", **opened) as reader,  # type: ignore[arg-type]
        contextlib.closing(sqlite3.connect(tmp_path / "mine.db")) as mine,
    ):
        subscription = reader.subscribe("reader")
        page = subscription.poll()
        assert page is not None
        for act in (page.done, subscription.reset):
            with refused("read-only") as refusal:
                act()
            assert "page.done(connection)" in refusal.error.remedy
        page.done(mine)

        assert cursor_in(mine, "reader") == page.cursor


@pytest.mark.proves("SB-3")
def test_a_backup_that_was_put_back_is_another_history(tmp_path: Path) -> None:
    """The cursor is ahead of it, or its position has other events now."""
    file, opened = tmp_path / "store.db", {"registry": registry(), "clock": FakeClock()}

    def write(number: int) -> Cursor:
        with open_store(f"sqlite:///{file}", ids=FakeIds(number << 20), **opened) as store:  # type: ignore[arg-type]
            store.append(stream(number), several(5), kind="order", expected=ANY).result()
            return store.cursor_at()

    write(1)
    backup = file.read_bytes()
    lost = write(2)
    for way in ("shorter", "other events"):
        file.write_bytes(backup)
        if way == "other events":
            write(3)
            write(4)
        with open_store(f"sqlite:///{file}", mode="guest", ids=FakeIds(9), **opened) as store:  # type: ignore[arg-type]
            subscription = store.subscribe("reader", after=lost)
            with refused("history-forked") as refusal:
                subscription.poll()
            (mark,) = lost.marks.values()
            assert refusal.error.fields["position"] == mark.position


# --- processes ---


@contextmanager
def tailing(*words: str) -> Iterator[subprocess.Popen[str]]:
    program = [warm.python(), "-m", "tests.conformance.tailing", *words]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def told(process: subprocess.Popen[str], *, until: int | None = None) -> list[int]:
    """Read what the process prints; kill it as soon as it has told of *until* rows."""
    assert process.stdout is not None
    seen: list[int] = []
    for line in process.stdout:
        seen += map(int, line.split())
        if until is not None and len(seen) >= until:
            process.kill()
            until = None
    return seen


def write_and_kill(store: Store, words: list[str], rounds: int) -> list[list[int]]:
    """Append while a process reads along that is killed each round, but for the last."""
    runs = []
    for number in range(rounds):
        last = number == rounds - 1
        with tailing(*words) as process:
            assert process.stdout is not None
            # Once it has told of something, what follows is read while it is written.
            store.append(stream(number), [placed()], kind="order", expected=ANY).result()
            first = list(map(int, process.stdout.readline().split()))
            for each in range(120):
                name = stream(100 + each % 7)
                store.append(name, several(1 + each % 3), kind="order", expected=ANY)
                if each % 10 == 0:
                    store.append(stream(77), [placed()], kind="ledger", expected=ANY).result()
            store.append(stream(number), [placed()], kind="order", expected=ANY, close=last)
            runs.append(first + told(process, until=None if last else 50))
    return runs


@pytest.mark.proves("SB-1", "SB-2")
def test_a_reader_killed_at_any_time_misses_nothing(tmp_path: Path) -> None:
    """At least once: it goes on behind a page that it did before, and what it told comes again
    at most from there."""
    url = f"sqlite:///{tmp_path}/store.db"
    with open_store(url, registry=registry(), clock=FakeClock(), ids=FakeIds()) as store:
        runs = write_and_kill(store, [url, "reader"], 4)
        rows: list[int] = [row.position for row in store.read_log(kinds=["order"], limit=10_000)]

        assert len(rows) == 4 * 122
        for run in runs:
            assert run == [row for row in rows if run[0] <= row <= run[-1]]
        for before, after in itertools.pairwise(runs):
            assert before[0] <= after[0]
            assert rows.index(after[0]) <= rows.index(before[-1]) + 1
        assert (runs[0][0], runs[-1][-1]) == (rows[0], rows[-1])
        assert store.verify().fault is None


@pytest.mark.proves("SB-2")
def test_a_reader_killed_at_any_time_does_each_row_once(tmp_path: Path) -> None:
    """Exactly once, in a database of its own."""
    url, database = f"sqlite:///{tmp_path}/store.db", f"{tmp_path}/mine.db"
    with open_store(url, registry=registry(), clock=FakeClock(), ids=FakeIds()) as store:
        write_and_kill(store, [url, "reader", database], 4)
        rows = [row.position for row in store.read_log(kinds=["order"], limit=10_000)]
    with contextlib.closing(sqlite3.connect(database)) as mine:
        seen = [position for (position,) in mine.execute("SELECT position FROM seen")]

    assert seen == rows
