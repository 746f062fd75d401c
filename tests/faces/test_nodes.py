"""Several processes serve one app from one log in PostgreSQL."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import pytest

from debugger.cli.gate import opened
from debugger.cli.opening import SqlStores
from debugger.session.conditions import read_condition
from debugger.session.gates import GateDesk
from eventstore import Store
from eventstore.sql import open_store
from runtime.app.admin import Admin
from runtime.app.gating import Gating
from runtime.app.log import open_log
from runtime.context import registry
from runtime.control import Versions, control_stream
from runtime.effects import SystemIds, system_clock
from runtime.gates import Wanted
from runtime.ingress.plain_http import PlainListener
from runtime.isolation.desk import GrantDesk, module_stream
from runtime.manifests.capabilities import grant
from tests.faces.asgi import Reply, exchange, scope_of
from tests.faces.nodes_app import app
from tests.faces.servers import Client, Gone, Server, reading, streams
from tests.laws.grammar import check_stream
from tests.postgres import Server as Postgres

Header: TypeAlias = tuple[str, str]
Ask: TypeAlias = Callable[..., Coroutine[Any, Any, Reply]]
APP = "tests.faces.nodes_app:app"
_END_LEASES = """
UPDATE timescape.log SET leased_until = clock_timestamp()
WHERE holder::json->>'pid' = '{pid}';
UPDATE timescape.nodes SET leased_until = clock_timestamp() WHERE pid = {pid};
"""


class Pair:
    """A process that serves, and this one, which does so, too; and the log."""

    def __init__(self, url: str, yard: socket.socket) -> None:
        self.url = url
        self.yard = yard
        self.server = Server(url, app=APP)

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[tuple[Ask, Ask]]:
        """Serve here, too, while the block runs; give what asks either process."""
        with open_log(self.url, ids=SystemIds(), team=app.name) as store:
            self.store = store
            app.start(store)
            await app.begin()
            try:
                yield self._there, _here
            finally:
                await app.stop()

    async def _there(self, method: str, target: str, headers: Sequence[Header] = ()) -> Reply:
        client = Client(self.server.port)
        try:
            return await client.ask(method, target, headers=[": ".join(each) for each in headers])
        finally:
            client.close()


async def _here(method: str, target: str, headers: Sequence[Header] = ()) -> Reply:
    scope = scope_of(method, target, [("host", "test"), *headers])
    return await exchange(app.edge, {**scope, "client": ("127.0.0.1", 4_000)}, [b""])


@contextmanager
def paired(postgres: Postgres) -> Iterator[Pair]:
    url = postgres.upgraded()
    with (
        socket.create_server(("127.0.0.1", 0)) as yard,
        pytest.MonkeyPatch.context() as environment,
    ):
        yard.setblocking(False)  # noqa: FBT003 - the socket's own
        environment.setenv("TEST_YARD", str(yard.getsockname()[1]))
        environment.setenv("TEST_GATES", "1")
        environment.setenv("SECRET_STOCK_TOKEN", "a secret of some length")
        pair = Pair(url, yard)
        try:
            yield pair
        finally:
            if pair.server.process.poll() is None:
                pair.server.kill()


@pytest.fixture(scope="module")
def pair(postgres: Postgres) -> Iterator[Pair]:
    with paired(postgres) as made:
        yield made


async def eventually(holds: Callable[[], Awaitable[object]], what: str) -> None:
    until = time.monotonic() + 30
    while not await holds():
        assert time.monotonic() < until, what
        await asyncio.sleep(0.01)


async def arrived(yard: socket.socket) -> socket.socket:
    """Wait for whoever waits in the yard."""
    async with asyncio.timeout(30):
        return (await asyncio.get_running_loop().sock_accept(yard))[0]


@contextmanager
def beside(url: str) -> Iterator[Store]:
    """Open the log as a command does, beside those who serve."""
    with open_store(
        url, mode="guest", registry=registry(), clock=system_clock, ids=SystemIds()
    ) as store:
        yield store


def events_of(store: Store, *kinds: str) -> list[Any]:
    rows = store.read_log(limit=100_000, kinds=kinds)
    return [event for row in rows for event in row.events]


@pytest.mark.proves("SO-1", "LG-5", "RS-4")
def test_both_record_what_they_are_asked_in_one_order(pair: Pair) -> None:
    async def scenario() -> list[int]:
        async with pair.asked() as ways:
            asking = [ways[n % 2]("POST", f"/orders/{n}") for n in range(20)]
            return [reply.status for reply in await asyncio.gather(*asking)]

    assert asyncio.run(scenario()) == [200] * 20
    with reading(pair.url) as store:
        received = [e for e in events_of(store, "request") if e.type == "request.received"]
        assert len({e.data.node for e in received}) >= 2
        positions = [e.position for e in events_of(store)]
        assert positions == list(range(1, len(positions) + 1))
        assert store.verify().fault is None


@pytest.mark.proves("RL-5", "RL-3")
def test_a_window_is_one_for_all_processes(pair: Pair) -> None:
    async def scenario() -> list[int]:
        async with pair.asked() as (there, here):
            ways = (there, here, there, here, there)
            return [(await way("GET", "/limited")).status for way in ways]

    assert asyncio.run(scenario()) == [200, 200, 200, 429, 429]


@pytest.mark.proves("IK-2", "IK-3", "SO-1")
def test_a_key_is_held_for_all_processes(pair: Pair) -> None:
    key = [("idempotency-key", "once")]

    async def scenario() -> None:
        async with pair.asked() as (there, here):
            asking = asyncio.create_task(there("POST", "/waits", key))
            waiting = await arrived(pair.yard)
            during = await here("POST", "/waits", key)
            waiting.close()
            first, again = await asking, await here("POST", "/waits", key)

            assert (during.status, during.code) == (409, "idempotency-in-flight")
            assert (first.status, again.status, again.body) == (200, 200, first.body)
            assert again.header("idempotent-replayed") == "?1"

    asyncio.run(scenario())


@pytest.mark.proves("TS-8", "CP-1", "SO-3")
def test_what_another_process_changes_counts_for_all(pair: Pair) -> None:
    """Tags, and grants of modules: both are facts of the log. A third process writes them."""
    with beside(pair.url) as store:
        versions = Versions(store, control_stream(app.name), clock=system_clock, ids=SystemIds())
        wanted = grant("secret.read", "stock_token")
        grants = GrantDesk(store, module_stream(app.name), {"keys": [wanted]}, system_clock)

        async def scenario() -> None:
            async with pair.asked() as ways:
                (current,) = [
                    str(routes.line[0].id)
                    for routes in versions.table
                    if routes.route == "GET /secret"
                ]
                for way in ways:
                    assert (await way("GET", "/secret?version=fresh")).status == 404
                    assert (await way("GET", "/secret")).status == 200
                await asyncio.to_thread(versions.tag, "fresh", current)
                await asyncio.to_thread(grants.revoke, "keys", "secret.read", "stock_token")
                for way in ways:
                    assert (await way("GET", "/secret")).status == 500
                await asyncio.to_thread(grants.grant, "keys", wanted)
                for way in ways:

                    async def seen(way: Ask = way) -> bool:
                        return (await way("GET", "/secret?version=fresh")).status == 200

                    await eventually(seen, "the tag is not seen")

        asyncio.run(scenario())


@pytest.mark.proves("SO-5", "PL-1", "PL-2")
def test_a_version_that_does_badly_at_one_process_is_passed_by_at_the_others(pair: Pair) -> None:
    """It is not refused there: a caller who names it gets it."""

    async def scenario() -> None:
        async with pair.asked() as (there, here):
            assert (await here("GET", "/moody/good")).json == "newer"
            for _ in range(20):
                assert (await there("GET", "/moody/bad")).status == 503

            async def passed_by() -> bool:
                reply = await here("GET", "/moody/good")
                return (reply.json, reply.header("timescape-degraded")) == ("older", "?1")

            await eventually(passed_by, "the other process does not know of it")
            named = await here("GET", "/moody/good?version=2026-10-01")
            assert (named.json, named.header("timescape-degraded")) == ("newer", None)

    asyncio.run(scenario())


@asynccontextmanager
async def gated(store: Store) -> AsyncIterator[Gating]:
    """Take gates in this process, as `serve --gates` does."""
    admin = Admin(app, store, system_clock)
    admin.gating = gating = Gating(app.name, store, system_clock, SystemIds(), read_condition)
    async with PlainListener(admin, "127.0.0.1", 0) as listener:
        gating.open(app.controller, f"http://127.0.0.1:{listener.port}")
        assert app.company is not None
        app.company.following.listen(gating.follow)
        yield gating
        gating.close()


@pytest.mark.proves("GA-1", "GA-10", "GA-11", "SO-5")
def test_a_gate_holds_requests_of_all_processes_and_all_debuggers_see_them(pair: Pair) -> None:
    def desk() -> GateDesk:
        with SqlStores().session(pair.url) as session:
            return opened(session, None, "ann")

    async def both_open() -> bool:
        told = await asyncio.to_thread(lambda: list(pair.store.read(control_stream(app.name))))
        return sum(event.type == "gates.opened" for event in told) == 2

    async def scenario() -> None:
        async with pair.asked() as (there, here), gated(pair.store) as gating:
            await eventually(both_open, "one process took no gates")
            ann, eve = await asyncio.to_thread(desk), await asyncio.to_thread(desk)
            wanted = Wanted({"route": "GET /moody*", "fact": "handler.started"}, hold=30.0)
            gate = await asyncio.to_thread(ann.arm, wanted)

            async def armed_at_both() -> bool:
                seen = await asyncio.to_thread(eve.look)
                return seen.gates[0].processes == 2

            await eventually(armed_at_both, "it is armed at one process only")
            for way in (there, here):
                asked = asyncio.create_task(way("GET", "/moody/good"))

                async def held(asked: "asyncio.Task[Reply]" = asked) -> bool:
                    paused = (await asyncio.to_thread(ann.beat)).paused
                    if asked.done():  # it came before the gate was there
                        pytest.fail("the request was not held")
                    return bool(paused)

                await eventually(held, "nothing is held")
                (pause,) = (await asyncio.to_thread(eve.look)).paused
                await asyncio.to_thread(eve.release, pause.request, "resumed")
                assert (await asked).status == 200
            await asyncio.to_thread(eve.disarm, gate)

            async def nothing_armed() -> bool:
                return not gating.keeper.view().gates

            await eventually(nothing_armed, "it is still armed")
            assert (await there("GET", "/moody/good")).status == 200

    asyncio.run(scenario())


@pytest.mark.proves("SO-2", "QF-9")
def test_a_message_is_claimed_by_one_process(pair: Pair) -> None:
    async def scenario(store: Store) -> None:
        async with pair.asked() as ways:
            await asyncio.gather(*[ways[n % 2]("POST", f"/numbers/{n}") for n in range(1, 25)])

            async def taken() -> bool:
                return len(values_taken(store)) == 24

            await eventually(taken, "not all messages are taken")

    with reading(pair.url) as store:
        asyncio.run(scenario(store))
        claimed = [id_ for claim in claims_of(store) for id_, _ in claim.data.messages]
        assert values_taken(store) == Counter(range(1, 25))
        assert len(claimed) == len(set(claimed))


def values_taken(store: Store) -> Counter[int]:
    return Counter(
        e.data.value
        for e in events_of(store, "request")
        if e.type == "context.set" and e.key == "taken"
    )


@pytest.mark.proves("SO-4", "CN-7", "SO-1", "SO-2", "IK-4", "LG-4")
def test_the_work_of_a_killed_process_is_ended_by_another(postgres: Postgres) -> None:
    """Its requests are closed and undone, its messages tried again, its keys stay held."""
    key = [("idempotency-key", "of-the-dead")]

    async def scenario(pair: Pair) -> None:
        async with pair.asked() as (there, here):
            for number in range(5):
                assert (await there("POST", f"/orders/{number}")).status == 200
            dying = asyncio.create_task(there("POST", "/waits", key))
            (await arrived(pair.yard)).detach()
            living = asyncio.create_task(here("POST", "/waits"))
            kept = await arrived(pair.yard)
            message = await working(postgres, pair, there)
            pair.server.kill()
            with pytest.raises(Gone):
                await dying
            assert (await here("POST", "/orders/6")).status == 200
            postgres.sql(_END_LEASES.format(pid=pair.server.pid), pair.url)
            (await arrived(pair.yard)).close()  # the message is tried again
            with reading(pair.url) as store:

                async def ended() -> bool:
                    return len(store.open_streams("request")) == 1 and attempts(store, message) == [
                        1,
                        2,
                    ]

                await eventually(ended, "nobody ended its work")
            unknown = await here("POST", "/waits", key)
            assert unknown.code == "idempotency-outcome-unknown"
            kept.close()
            assert (await living).status == 200
            assert (await here("POST", "/orders/7")).status == 200

    with paired(postgres) as pair:
        asyncio.run(scenario(pair))
        with reading(pair.url) as store:
            check_all(store)
        assert postgres.sql("SELECT count(*) FROM timescape.nodes", pair.url) == [(0,)]


async def working(postgres: Postgres, pair: Pair, there: Ask) -> str:
    """Have the other process work on a message, and return its id; this one may take some."""
    rows = postgres.sql("SELECT pid, node FROM timescape.nodes", pair.url)
    (node,) = [node for pid, node in rows if pid == pair.server.pid]
    for _ in range(100):
        await there("POST", "/numbers/0")
        waiting = await arrived(pair.yard)
        with reading(pair.url) as store:
            claim = claims_of(store)[-1]
        if claim.data.node == node:
            waiting.detach()
            return str(claim.data.messages[0][0])
        waiting.close()
    pytest.fail("it never takes a message")


def claims_of(store: Store) -> list[Any]:
    return [e for e in events_of(store, "queue") if e.type == "message.claimed"]


def attempts(store: Store, message: str) -> list[int]:
    pairs = [pair for claim in claims_of(store) for pair in claim.data.messages]
    return [attempt for id_, attempt in pairs if id_ == message]


def check_all(store: Store) -> None:
    """The log is whole, and nothing was lost or done twice."""
    assert (store.verify().fault, store.open_streams("request")) == (None, [])
    found = streams(store)
    for stream in found:
        check_stream(list(store.read(stream)))
    (crashed,) = [
        f for f in found.values() if ("request.aborted", "crash") in f and "/waits" in str(f)
    ]
    names = [name for name, _ in crashed]
    assert "compensation.ran" in names
    answered = [key for facts in found.values() for name, key in facts if name == "context.set"]
    assert answered.count("number") == 7
    epochs = [e.data.data["epoch"] for e in events_of(store, "log") if e.type == "log.held"]
    assert epochs == [1, 2]
