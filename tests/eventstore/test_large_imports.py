"""A large import into a log that others append to meanwhile."""

from collections.abc import Callable
from pathlib import Path

import pytest

from eventstore import ANY, NEW, NewEvent, Store
from eventstore.events import Imported
from eventstore.sql import import_
from eventstore.testing import FakeClock, FakeIds, placed, registry, several, stream
from tests.eventstore.altered import opened as opened_file
from tests.eventstore.on_postgres import opened
from tests.eventstore.test_postgres import refusal
from tests.postgres import Server

BACKENDS = ["sqlite", "postgres"]

STREAMS, ROWS = 5, 2_100
"""Of the export: three parts."""
MIDDLE = 1_500
"""The row that is drafted when something happens, in the second part."""


class Interrupted(Exception):
    """The importing process ends here."""


class IdsThatTell(FakeIds):
    """Ids that do something once, when the salt of a row in the middle is asked for."""

    def __init__(self, seed: int, act: Callable[[], object]) -> None:
        super().__init__(seed)
        self._salts = 0
        self._act = act

    def token(self, size: int) -> bytes:
        self._salts += size == 16
        if self._salts == MIDDLE:
            self._salts += 1
            self._act()
        return super().token(size)


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    with opened_file(folder / "store.db") as store:
        for number in range(ROWS):
            ticket = store.append(
                stream(number * STREAMS // ROWS), [placed(number)], kind="order", expected=ANY
            )
        ticket.result()
        store.seal()
        return Path(store.export(str(folder / "whole")).file)


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where there is a store without events, or may be."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.db"
    server: Server = request.getfixturevalue("postgres")
    return server.cleared()


def imported(file: Path, url: str, seed: int, act: Callable[[], object]) -> Imported:
    return import_(file, url, registry=registry(), clock=FakeClock(), ids=IdsThatTell(seed, act))


def facts_of(store: Store) -> list[int]:
    """Say how many rows each fact tells of that there is of imports."""
    events = [event for row in store.read_log(kinds=["log"], limit=99) for event in row.events]
    return [event.data.data["rows"] for event in events if event.type == "maintenance.imported"]


@pytest.mark.proves("AR-4", "LG-5")
def test_others_append_while_a_large_export_is_brought_in(url: str, export: Path) -> None:
    with opened(url, seed=1 << 40) as other:
        other.append(stream(99), several(1), kind="order", expected=NEW).result()

        def append() -> None:
            other.append(stream(99), [placed(2)], kind="order", expected=1).result(timeout_s=30)

        done = imported(export, url, 1 << 41, append)

        assert (done.rows, done.streams) == (ROWS, STREAMS)
        assert facts_of(other) == [1_000, 1_000, ROWS - 2_000]
        first, last = (other.head(stream(n)).last_position for n in (0, STREAMS - 1))
        assert first < other.head(stream(99)).last_position < last
        assert other.verify().fault is None
        assert imported(export, url, 1 << 42, append).rows == 0


@pytest.mark.proves("AR-4")
def test_an_import_that_ended_in_the_middle_goes_on(url: str, export: Path) -> None:
    with opened(url, seed=1 << 40) as other:
        other.append(stream(99), several(1), kind="order", expected=NEW).result()

        def end() -> None:
            raise Interrupted

        with pytest.raises(Interrupted):
            imported(export, url, 1 << 41, end)
        assert facts_of(other) == [1_000]
        done = imported(export, url, 1 << 42, lambda: None)

        assert (done.rows, sum(facts_of(other))) == (ROWS - 1_000, ROWS)
        assert other.verify().fault is None


@pytest.mark.proves("AR-4", "LG-5")
def test_who_imports_into_a_store_that_nobody_holds_lets_guests_append(
    export: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    with opened(url, seed=1 << 40) as before:
        before.append(stream(99), several(1), kind="order", expected=NEW).result()

    def append() -> None:
        with opened(url, mode="guest", seed=1 << 42) as guest:
            event = NewEvent("order.noted", {"a": 1})  # under a name that the export lacks
            guest.append(stream(99), [event], kind="order", expected=1).result(timeout_s=30)

    done = imported(export, url, 1 << 41, append)

    with opened(url, mode="read") as store:
        assert (done.rows, facts_of(store)) == (ROWS, [1_000, 1_000, ROWS - 2_000])
        first, last = (store.head(stream(n)).last_position for n in (0, STREAMS - 1))
        assert first < store.head(stream(99)).last_position < last
        assert sum(len(list(store.read(stream(n)))) for n in range(STREAMS)) == ROWS
        assert store.verify().fault is None


@pytest.mark.proves("AR-4")
def test_who_is_overtaken_in_the_middle_says_so(url: str, export: Path) -> None:
    taken = stream(STREAMS - 1)
    with opened(url, seed=1 << 40) as other:
        other.append(stream(99), several(1), kind="order", expected=NEW).result()

        def overtake() -> None:
            other.append(taken, several(1), kind="order", expected=NEW).result(timeout_s=30)

        first = refusal(lambda: imported(export, url, 1 << 41, overtake))
        again = refusal(lambda: imported(export, url, 1 << 42, lambda: None))

        assert (first.code, again.code) == ("import-conflict", "import-conflict")
        assert other.head(taken).revision == 1
        assert other.verify().fault is None
