"""What an app does because other nodes serve from its log: whose work it ends, when it stops."""

import asyncio
import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import ANY, NewEvent, StreamId
from eventstore.memory import MemoryStore
from eventstore.nodes import Census, Charge
from runtime import App
from runtime.app.admin import Admin
from runtime.context import registry
from runtime.facts import RequestReceived
from runtime.testing import FakeClock, SeededIds
from tests.faces.asgi import ask

IDS = SeededIds(2)
NODES = ("living", "gone", "adopted", "unknown", "")


class FakeNodes:
    """Keeps the contract of `eventstore.nodes.Nodes` in memory; tests set how others are."""

    me = "me"

    def __init__(self) -> None:
        self.is_alive, self.is_gone, self.holds = True, False, False
        self.clock_off_us = 0
        self.others = Census(frozenset({"me", "living"}), frozenset({"gone", "adopted"}))
        self.buried: list[str] = []

    def census(self) -> Census:
        return self.others

    def adopt(self) -> tuple[str, ...]:
        return tuple(self.others.gone & {"adopted"} - set(self.buried))

    def bury(self, node: str) -> None:
        self.buried.append(node)

    def charge(
        self, key: str, now_us: int, limits: Sequence[tuple[int, int]], *, charging: bool
    ) -> Charge:
        return Charge(((0, 0),) * len(limits), charged=charging)


class SharedStore(MemoryStore):
    """A store in memory of which several nodes serve."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(registry(), clock, SeededIds(7))
        self.shared = FakeNodes()

    @property
    def nodes(self) -> FakeNodes:  # type: ignore[override]
        return self.shared


def hello() -> App:
    app = App("hello")

    @app.handler("GET /hello")
    async def say() -> str:
        return "hello"

    return app


def left_open(store: SharedStore, ids: SeededIds, node: str) -> StreamId:
    stream = StreamId(ids.uuid7(1_790_000_000_000_000))
    first = RequestReceived("GET", "GET /hello", "get-hello", "/hello", "0" * 32, node=node)
    event = NewEvent(first.type, first, "GET /hello", 1_790_000_000_000_000)
    store.append(stream, [event], kind="request", expected=ANY).result()
    return stream


Started = tuple[asyncio.Runner, App, SharedStore]


@pytest.fixture(scope="module")
def started() -> Iterator[Started]:
    clock, app = FakeClock(), hello()
    with asyncio.Runner() as runner, SharedStore(clock) as store:
        app.start(store, clock=clock, ids=SeededIds(1))
        yield runner, app, store
        runner.run(app.stop())


@pytest.mark.proves("CN-7", "SO-4")
@given(drawn=st.lists(st.sampled_from(NODES), max_size=8), holds=st.booleans())
def test_only_what_nobody_runs_any_more_is_closed(
    started: Started, *, drawn: list[str], holds: bool
) -> None:
    """Of adopted nodes all; what no node knows of, by the holder alone; of others nothing."""
    runner, app, store = started
    store.shared.holds = holds
    before = store.open_streams("request")
    if holds:
        runner.run(app.controller.recover(app.parts.modules))
        before = store.open_streams("request")
    streams = [(node, left_open(store, IDS, node)) for node in drawn]
    closed = runner.run(app.controller.recover(app.parts.modules, {"adopted"}))
    ours = {"adopted", *(("unknown", "") if holds else ())}
    left = {stream for node, stream in streams if node not in ours}

    assert left == set(store.open_streams("request")) - set(before)
    assert closed == sum(node in ours for node in drawn)


@pytest.mark.proves("SO-4", "CN-7")
def test_the_work_of_a_node_that_is_gone_is_ended_while_the_app_serves() -> None:
    async def scenario() -> None:
        clock, ids = FakeClock(), SeededIds(1)
        with SharedStore(clock) as store:
            app = hello()
            app.start(store, clock=clock, ids=ids)
            await app.begin()
            ended, kept = left_open(store, ids, "adopted"), left_open(store, ids, "living")
            async with asyncio.timeout(30):
                while not store.shared.buried or ended in store.open_streams("request"):
                    store.shared.buried.clear()
                    await asyncio.sleep(0.01)
            await app.stop()

            assert store.open_streams("request") == [kept]
            assert [event.key for event in store.read(ended)][-1] == "crash"

    asyncio.run(scenario())


@pytest.mark.proves("SO-1", "SD-3")
def test_a_node_that_is_cut_off_lets_nothing_in_until_it_is_back() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        with SharedStore(clock) as store:
            app = hello()
            app.start(store, clock=clock, ids=SeededIds(1))
            await app.begin()
            admin = Admin(app, store, clock)

            async def becomes(status: int) -> None:
                async with asyncio.timeout(30):
                    while (await ask(app, "GET", "/hello")).status != status:  # noqa: ASYNC110
                        await asyncio.sleep(0.01)

            store.shared.is_alive = False
            await becomes(503)
            refused = await ask(app, "GET", "/hello")
            assert (refused.code, await admin.failing()) == ("log-unavailable", ["node"])
            store.shared.is_alive = True
            await becomes(200)
            assert await admin.failing() == []
            assert app.company is not None
            assert not app.company.gone.is_set()
            store.shared.is_alive, store.shared.is_gone = False, True
            async with asyncio.timeout(30):
                await app.company.gone.wait()
            await app.stop()

    asyncio.run(scenario())


@pytest.mark.proves("SO-5", "SD-3")
@pytest.mark.parametrize(
    ("off_us", "ready"), [(500_000, True), (-500_000, True), (500_001, False), (-600_000, False)]
)
def test_a_process_whose_clock_is_off_is_not_ready_and_says_what_helps(
    off_us: int, *, ready: bool
) -> None:
    async def scenario() -> None:
        clock = FakeClock()
        with SharedStore(clock) as store:
            app = hello()
            app.start(store, clock=clock, ids=SeededIds(1))
            await app.begin()
            store.shared.clock_off_us = off_us
            answer = await Admin(app, store, clock)("GET", "/readyz", {})
            await app.stop()

        said = json.loads(answer.body)
        assert (answer.status, said.get("failing", [])) == (
            (200, []) if ready else (503, ["clock"])
        )
        if not ready:
            (why,) = said["why"]
            assert (why["check"], why["code"]) == ("clock", "clock-off")
            assert "NTP" in why["remedy"]

    asyncio.run(scenario())
