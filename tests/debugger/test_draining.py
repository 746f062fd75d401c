"""What holds a version: exactly what runs of it, waits for it, or keeps it in service (SO-5)."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.session.draining import Hold, of_request, running
from eventstore import ANY, NewEvent, StreamId
from runtime import App, Request
from runtime.app.admin import Admin
from runtime.facts import Fact, RequestAborted, RequestReceived, VersionResolved
from runtime.gate_facts import GateHit, GateReleased
from runtime.ingress.plain_http import PlainListener
from runtime.testing import FakeClock, SeededIds
from tests.faces.asgi import ask, memory_store
from tests.faces.command_line import run
from tests.queues import World, until
from tests.routes import version_id
from tests.strategies import as_events

IDS = SeededIds(3)
gates = st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=4)
requests = st.lists(st.tuples(st.integers(1, 3), st.booleans(), gates), max_size=5)


def facts_of(number: int, held: list[tuple[str, bool]]) -> list[tuple[str | None, Fact]]:
    first = RequestReceived("POST", "POST /orders", "post-orders", "/orders", "0" * 32, node="n1")
    found: list[tuple[str | None, Fact]] = [
        ("POST /orders", first),
        (version_id(number), VersionResolved(edition=None, source="latest", table=1)),
    ]
    for gate, released in held:
        found.append((gate, GateHit("handler.started", paused=True)))
        if released:
            found.append((gate, GateReleased(3, "resumed", "ann", 1.0)))
    return found


@pytest.mark.proves("SO-5")
@given(drawn=requests)
def test_what_is_listed_is_what_is_open(
    drawn: list[tuple[int, bool, list[tuple[str, bool]]]],
) -> None:
    wanted: Counter[tuple[str, str]] = Counter()
    with memory_store() as store:
        for number, closes, held in drawn:
            facts = facts_of(number, held)
            if closes:
                facts.append(("crash", RequestAborted()))
            else:
                last = dict(held)
                wanted[version_id(number), "request"] += 1
                wanted[version_id(number), "gate"] += sum(not each for each in last.values())
            new = [NewEvent(f.type, f, key, 1_790_000_000_000_000) for key, f in facts]
            stream = StreamId(IDS.uuid7(1_790_000_000_000_000))
            store.append(stream, new, kind="request", expected=ANY, close=closes).result()
        found = Counter((each.version, each.by) for each in running(store))

    assert found == +wanted


@pytest.mark.proves("SO-5")
def test_a_request_at_a_gate_is_held_twice_until_it_is_let_go() -> None:
    new = [NewEvent(f.type, f, key, 5) for key, f in facts_of(1, [("gate-1", False)])]
    stream = StreamId(IDS.uuid7(5))
    name = f"req-{stream.hex}"

    assert list(of_request(stream, as_events(new))) == [
        Hold(version_id(1), "request", name, 5, "n1"),
        Hold(version_id(1), "gate", f"gate-1 {name}", 5, "n1"),
    ]


@pytest.mark.proves("SO-5")
def test_messages_that_run_or_wait_hold_their_version_and_so_does_traffic() -> None:
    world, going = World(), asyncio.Event()

    def declare(app: App) -> None:
        app.topic("numbers", int)

        @app.subscriber("numbers", name="taker", concurrency=1)
        async def take(req: Request[int]) -> None:
            await going.wait()

    async def scenario(app: App) -> None:
        for number in range(3):
            await app.publish("numbers", number)
        await until(lambda: len(app.queues.inboxes["taker"]) == 3)
        await until(lambda: world.facts("message.claimed"))
        told = run("versions", "drain", "--json", store=world.store)
        holds = {(r["by"], r["of"], r["count"]) for r in told.records}
        assert {("message", "taker numbers", 1), ("queue", "taker numbers", 2)} <= holds
        assert ("service", "it is current", 1) in holds
        going.set()
        await until(lambda: app.queues.inboxes["taker"].counts.acknowledged == 3)

    world.live(declare, scenario)
    told = run("versions", "drain", "--json", store=world.store)
    assert {r["by"] for r in told.records} == {"service"}
    unknown = run("versions", "drain", version_id(9, "taker"), store=world.store)
    assert unknown.status == 3


@pytest.mark.proves("SO-5")
def test_a_request_that_has_written_nothing_is_told_of_by_its_process() -> None:
    async def scenario() -> None:
        app, came, going = App("shop"), asyncio.Event(), asyncio.Event()

        @app.handler("GET /slow")
        async def slow() -> None:
            came.set()
            await going.wait()

        with memory_store() as store:
            app.start(store, clock=FakeClock())
            await app.begin()
            admin = Admin(app, store, FakeClock())
            asked = asyncio.create_task(ask(app, "GET", "/slow"))
            await came.wait()
            async with PlainListener(admin, "127.0.0.1", 0) as listener:
                words = ("--admin", f"http://127.0.0.1:{listener.port}", "--json")
                told = await asyncio.to_thread(run, "versions", "drain", *words, store=store)
            going.set()
            await asked
            await app.stop()

        (version,) = {record["version"] for record in told.records}
        assert [r["version"] for r in told.records if r["by"] == "process"] == [version]

    asyncio.run(scenario())
