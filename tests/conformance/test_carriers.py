"""What every engine does that carries messages between logs, and queues that it carries for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Store
from eventstore.memory import MemoryStore
from runtime import App, LocalContext, Request
from runtime.app.carrying import carrying
from runtime.context import registry
from runtime.errors import Reject, ServeError, TopicError
from runtime.queue import Options, Subscriber
from runtime.relay import Engine, Parcel, Relay, subject_of
from runtime.relay.jetstream import JetStream
from runtime.relay.parcels import from_bytes
from runtime.testing import FakeClock, SeededIds, run_virtual
from tests.carriers import Broker, InMemory
from tests.queues import Small, topic
from tests.teams import becomes

MakeEngine = Callable[[], Engine]
NUMBERS = count(1)


@pytest.fixture(params=["memory", "jetstream"])
def engines(request: pytest.FixtureRequest) -> MakeEngine:
    if request.param == "memory":
        broker = Broker()
        return lambda: InMemory(broker)
    url: str = request.getfixturevalue("nats")
    return lambda: JetStream(url)


def parcels(topic: str, numbers: range) -> list[Parcel]:
    return [Parcel(f"{topic}@{n}", topic, msgspec.Raw(b"%d" % n), n) for n in numbers]


async def fetched(engine: Engine, consumer: str, wanted: int, *, ack: bool = True) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(30):
        while len(found) < wanted:
            for each in await engine.fetch(consumer, wanted - len(found)):
                found.append(from_bytes(each.data).published_us)
                if ack:
                    await each.done()
    return found


@pytest.mark.proves("SO-6", "QF-2", "QF-4")
def test_each_consumer_gets_in_order_and_once_what_was_published_since_it_was_there(
    engines: MakeEngine,
) -> None:
    async def scenario() -> None:
        name = f"topic{next(NUMBERS)}"
        engine = engines()
        await engine.open([(f"{name}-first", subject_of(name))])
        await engine.publish(parcels(name, range(3)))
        await engine.publish(parcels(name, range(1, 6)))  # a part of them once more
        await engine.publish(parcels(f"{name}x", range(2)))
        later = engines()
        await later.open([(f"{name}-later", subject_of(name))])
        await engine.publish(parcels(name, range(6, 8)))

        assert await fetched(engine, f"{name}-first", 8) == list(range(8))
        assert await fetched(later, f"{name}-later", 2) == [6, 7]
        assert await engine.fetch(f"{name}-first", 9) in ((), [])
        await engine.close()
        await later.close()
        await later.close()

    asyncio.run(scenario())


@pytest.mark.proves("SO-6", "QF-9", "QF-8")
def test_what_was_handed_out_and_not_acknowledged_comes_again_before_what_is_new(
    engines: MakeEngine,
) -> None:
    async def scenario() -> None:
        name = f"topic{next(NUMBERS)}"
        consumer = (f"{name}-taker", subject_of(name))
        first, second = engines(), engines()
        await first.open([consumer])
        await first.publish(parcels(name, range(4)))
        assert await fetched(first, consumer[0], 2) == [0, 1]
        assert await fetched(first, consumer[0], 1, ack=False) == [2]
        await first.close()
        await second.open([consumer])
        await second.publish(parcels(name, range(4, 6)))

        assert await fetched(second, consumer[0], 4) == [2, 3, 4, 5]
        await second.close()

    asyncio.run(scenario())


# --- queues: the same, whether what takes a message records to the log it was published in ---


class Queues:
    """An app that publishes, and one that takes; it may be the same."""

    def __init__(self, engines: MakeEngine | None) -> None:
        self.engines = engines
        self.broker: Broker | None = None
        self.topic = f"numbers.t{next(NUMBERS)}"
        self.clock = FakeClock()
        self.stores: dict[str, Store] = {}
        self.heard: list[tuple[int, str]] = []

    def app(self, name: str, *, takes: bool) -> App:
        app = App(name)
        app.topic(self.topic, int, shared=True)
        if takes:

            @app.subscriber(self.topic, name="taker", key=lambda n: n % 2)
            async def take(req: Request[int], lctx: LocalContext) -> None:
                if req.body < 0:
                    raise Reject("negative")
                lctx.set("taken", req.body)
                self.heard.append((req.body, req.headers["message-id"]))

        return app

    @asynccontextmanager
    async def served(self, name: str, *, takes: bool) -> AsyncIterator[App]:
        store = self.stores.setdefault(
            name, MemoryStore(registry(), self.clock, SeededIds(next(NUMBERS)))
        )
        app = self.app(name, takes=takes)
        app.start(store, clock=self.clock, ids=SeededIds(next(NUMBERS)))
        await app.begin()
        engine = None if self.engines is None else self.engines()
        async with carrying(app, store, engine, self.clock) as relay:
            if relay is not None:
                async with asyncio.timeout(30):
                    await relay.going.wait()
            try:
                yield app
            finally:
                await app.stop()

    @asynccontextmanager
    async def both(self) -> AsyncIterator[tuple[App, App]]:
        """Give who publishes and who takes."""
        async with AsyncExitStack() as going:
            if self.engines is None:
                app = await going.enter_async_context(self.served("taking", takes=True))
                yield app, app
            else:
                taking = await going.enter_async_context(self.served("taking", takes=True))
                yield await going.enter_async_context(self.served("giving", takes=False)), taking

    async def settled(self, taking: App, wanted: int) -> None:
        async def enough() -> bool:
            counts = taking.queues.inboxes["taker"].counts
            return counts.acknowledged + counts.expired + counts.dead == wanted

        await becomes(enough, f"{wanted} messages are not settled")


@pytest.fixture(params=["embedded", "memory", "jetstream"])
def queues(request: pytest.FixtureRequest) -> Queues:
    if request.param == "embedded":
        return Queues(None)
    if request.param == "memory":
        broker = Broker()
        made = Queues(lambda: InMemory(broker))
        made.broker = broker
        return made
    url: str = request.getfixturevalue("nats")
    return Queues(lambda: JetStream(url))


@pytest.mark.proves("SO-6", "QF-2", "QF-8", "QF-10", "QF-11", "QF-13")
def test_messages_are_taken_once_in_the_order_of_their_key_or_are_dead_or_expired(
    queues: Queues,
) -> None:
    async def scenario() -> None:
        async with queues.both() as (giving, taking):
            for n in range(10):
                await giving.publish(queues.topic, n)
            await giving.publish(queues.topic, -1)
            await giving.publish(queues.topic, 11, ttl=1e-6)
            await queues.settled(taking, 12)

            taken = [n for n, _ in queues.heard]
            assert [n for n in taken if n % 2] == [1, 3, 5, 7, 9]
            assert [n for n in taken if n % 2 == 0] == [0, 2, 4, 6, 8]
            counts = taking.queues.inboxes["taker"].counts
            assert (counts.acknowledged, counts.dead, counts.expired) == (10, 1, 1)
            assert len({id_ for _, id_ in queues.heard}) == 10

    asyncio.run(scenario())


@pytest.mark.proves("SO-6", "QF-4", "QF-9")
def test_who_was_away_catches_up_in_order_and_takes_nothing_twice(queues: Queues) -> None:
    async def scenario() -> None:
        if queues.engines is None:
            pytest.skip("nobody can publish while the only process is away")
        async with queues.served("giving", takes=False) as giving:
            async with queues.served("taking", takes=True) as taking:
                await giving.publish(queues.topic, 1)
                await queues.settled(taking, 1)
            for n in (3, 5, 7):
                await giving.publish(queues.topic, n)
            async with queues.served("taking", takes=True) as again:
                await queues.settled(again, 4)

        assert [n for n, _ in queues.heard] == [1, 3, 5, 7]

    asyncio.run(scenario())


steps = st.lists(
    st.sampled_from(["publish", "publish", "give-anew", "take-anew", "cut", "twice"]), max_size=4
)


@pytest.mark.proves("SO-6", "QF-4")
def test_who_shares_a_topic_takes_its_own_messages_from_its_own_log(queues: Queues) -> None:
    async def scenario() -> None:
        async with queues.served("both", takes=True) as app:
            for n in (1, 3, 5):
                await app.publish(queues.topic, n)
            await queues.settled(app, 3)

            async def came_back() -> bool:
                done = queues.broker.acknowledged.values() if queues.broker else [range(3)]
                return all(len(each) == 3 for each in done)

            await becomes(came_back, "they were not carried")
            await app.publish(queues.topic, 7)
            await queues.settled(app, 4)
            assert app.queues.inboxes["taker"].counts.accepted == 4

        assert [n for n, _ in queues.heard] == [1, 3, 5, 7]

    asyncio.run(scenario())


class Carried:
    """Queues without the rest of an app, at two logs, in virtual time."""

    def __init__(self) -> None:
        self.broker = Broker(forgets=True)
        self.engines: list[InMemory] = []
        self.clock = FakeClock()
        self.stores = {
            name: MemoryStore(registry(), self.clock, SeededIds(next(NUMBERS)))
            for name in ("giving", "taking")
        }
        self.heard: list[int] = []
        self.topic = topic("numbers", shared=True)

    async def take(self, req: Request[int]) -> None:
        self.heard.append(req.body)

    @asynccontextmanager
    async def served(self, name: str) -> AsyncIterator[Small]:
        taker = Subscriber("taker", "numbers", lambda message: message.key)
        small = Small([self.topic], {taker: self.take} if name == "taking" else {})
        small.start(self.stores[name], clock=self.clock, ids=SeededIds(next(NUMBERS)))
        await small.begin()
        self.engines.append(InMemory(self.broker))
        relay = Relay(
            name, self.stores[name], small.queues, small.topics, self.engines[-1], self.clock
        )
        relay.begin()
        await relay.going.wait()
        yield small
        await relay.stop()
        await small.stop()

    async def live(self, drawn: list[str]) -> int:
        published = 0
        lives = {name: AsyncExitStack() for name in self.stores}
        small = {
            name: await lives[name].enter_async_context(self.served(name))
            for name in ("taking", "giving")
        }
        for step in drawn:
            if step == "publish":
                await small["giving"].queues.publish("numbers", published, Options())
                published += 1
            elif step == "twice":
                await asyncio.sleep(0.5)  # it was carried
                self.broker.sent.extend(self.broker.sent[-2:])
            elif step == "cut":
                self.engines[-1].is_cut = True
                await asyncio.sleep(0.1)
                self.engines[-1].is_cut = False
            else:
                name = "giving" if step == "give-anew" else "taking"
                await lives[name].aclose()
                small[name] = await lives[name].enter_async_context(self.served(name))
        inbox = small["taking"].queues.inboxes["taker"]
        async with asyncio.timeout(60):
            while inbox.counts.acknowledged < published:
                await asyncio.sleep(0.1)
                inbox = small["taking"].queues.inboxes["taker"]
        await asyncio.sleep(0.5)  # what comes twice has come by then
        for life in lives.values():
            await life.aclose()
        return published


@pytest.mark.proves("SO-6", "QF-9")
@given(drawn=steps)
def test_whatever_is_carried_twice_counts_once(drawn: list[str]) -> None:
    """By what forgets what it carried, and with processes that start again at any moment."""
    carried = Carried()
    published = run_virtual(carried.live(drawn))
    assert sorted(carried.heard) == list(range(published))


@pytest.mark.proves("SO-6")
@pytest.mark.parametrize("url", ["http://127.0.0.1:4222", "nats://", "127.0.0.1:4222"])
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ServeError, match="no address"):
        JetStream(url)


@pytest.mark.proves("SO-6", "QF-1")
def test_what_is_forgotten_with_the_process_is_not_shared() -> None:
    with pytest.raises(TopicError, match="durable"):
        App("shop").topic("numbers", int, shared=True, durable=False)
