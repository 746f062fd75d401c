"""A run of the demo with its real server: nothing is lost, nothing of others is touched."""

import asyncio
import socket
from pathlib import Path

import pytest

from debugger.demo import is_demo
from debugger.demo.recording import run
from debugger.errors import BadInputError, UnavailableError
from eventstore import Store
from eventstore.sql import open_store
from runtime import App
from runtime.context import registry
from runtime.effects import SystemIds, system_clock
from tests.faces.asgi import ask


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened(url: str, mode: str = "read") -> Store:
    assert mode in {"read", "hold"}
    return open_store(
        url,
        mode="read" if mode == "read" else "hold",
        registry=registry(),
        clock=system_clock,
        ids=SystemIds(),
    )


def requests_in(store: Store) -> list[str]:
    rows = store.read_log(kinds=("request",), limit=1_000, first_rows_only=True)
    return [f"req-{row.stream.hex}" for row in rows]


def test_every_visit_is_recorded_whole_and_a_second_run_goes_on(in_folder: Path) -> None:
    told: list[tuple[int, int]] = []

    first = run(
        requests=20, store_url="sqlite:///shop.db", progress=lambda *done: told.append(done)
    )
    second = run(requests=5, store_url="sqlite:///shop.db", seed=3)

    with opened("sqlite:///shop.db") as store:
        ids = requests_in(store)
        ends = [row.closes for row in store.read_log(kinds=("request",), limit=1_000)]
        assert store.verify().fault is None
        assert store.end() == first.events + second.events
        assert is_demo(store)
    assert len(set(ids)) == 25 == sum(ends)
    assert first.requests == 20 == sum(first.statuses.values())
    assert first.complaint in ids
    assert {failed.request for failed in first.failed} <= set(ids)
    assert {failed.status for failed in first.failed} == {500, 504}
    assert told == [(done, 20) for done in range(1, 21)]


def test_a_store_of_another_app_is_left_alone(in_folder: Path) -> None:
    other = App("other")

    @other.handler("GET /")
    async def home() -> dict[str, int]:
        return {"n": 1}

    async def record(store: Store) -> None:
        other.start(store)
        await ask(other, "GET", "/")
        await other.stop()

    with opened("sqlite:///other.db", "hold") as store:
        asyncio.run(record(store))
    before = (in_folder / "other.db").read_bytes()

    with pytest.raises(BadInputError, match="another app") as caught:
        run(requests=5, store_url="sqlite:///other.db")

    assert "--store" in caught.value.remedy
    assert (in_folder / "other.db").read_bytes() == before


def test_a_file_that_is_no_store_is_left_alone(in_folder: Path) -> None:
    Path("notes.db").write_text("Buy bread.", "utf-8")

    with pytest.raises(Exception, match=r"notes\.db"):
        run(requests=5, store_url="sqlite:///notes.db")

    assert Path("notes.db").read_text("utf-8") == "Buy bread."


def test_a_server_that_cannot_start_says_why(in_folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UnavailableError, match="did not start") as caught:
            run(requests=1, store_url="sqlite:///shop.db", port=taken.getsockname()[1])

    assert "in use" in caught.value.remedy


@pytest.mark.parametrize("requests", [0, -3])
def test_no_visits_are_refused(requests: int, in_folder: Path) -> None:
    with pytest.raises(BadInputError, match=str(requests)):
        run(requests=requests, store_url="sqlite:///shop.db")

    assert not (in_folder / "shop.db").exists()
