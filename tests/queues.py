"""An app with queues, over several lives of its process, on one log in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from eventstore import Event, EventStoreError, Row, Store, StreamId, Ticket
from eventstore.memory import MemoryStore
from runtime import App, GlobalContext
from runtime.context import registry
from runtime.delivery import Fabric
from runtime.delivery.reading import Tail
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.handlers import HandlerVersion
from runtime.messages import Answer
from runtime.modules import ModuleRegistry
from runtime.queue import Inbox, QueueFold, Subscriber, Topic, standing_of, subscriber_stream
from runtime.testing import FakeClock, SeededIds, run_virtual
from tests.builders import received, version_of

T = TypeVar("T")


class Living(Protocol):
    """What has lives: an app, or what is left of one."""

    def start(self, store: Any, *, clock: FakeClock, ids: SeededIds) -> None: ...

    async def begin(self) -> Any: ...

    async def stop(self) -> Any: ...

    @property
    def queues(self) -> Fabric: ...


L = TypeVar("L", bound=Living)


class Small:
    """Queues and a controller without the rest of an app: it starts in no time.

    Args:
        topics: of payloads that are taken as they are.
        takers: what runs for each subscriber.
    """

    def __init__(
        self, topics: Sequence[Topic], takers: Mapping[Subscriber, Callable[..., Any]]
    ) -> None:
        self.topics = {each.name: each for each in topics}
        self.subscribers = {each.name: each for each in takers}
        self.versions = {
            each.name: msgspec.structs.replace(
                version_of(fn, route=f"MESSAGE /{each.name}"), delivers=True
            )
            for each, fn in takers.items()
        }
        self.sent: dict[Any, HandlerVersion] = {}

    def start(self, store: Any, *, clock: FakeClock, ids: SeededIds) -> None:
        self.clock, self.ids = clock, ids
        self.queues = Fabric(store, self.topics, self.subscribers, clock, ids)
        gctx = GlobalContext(topics=self.topics, desk=self.queues.desk)
        self.controller = Controller(store, clock=clock, ids=ids, gctx=gctx, tripwire="off")

    async def begin(self) -> None:
        await self.controller.recover(ModuleRegistry())
        await self.queues.begin(self.controller, self.versions)

    async def stop(self) -> None:
        await self.queues.stop()
        self.controller.close()

    async def send(self, fn: Callable[..., Any], body: Any, timeout_s: float = 30.0) -> Answer:
        """Run *fn* as the handler of a request."""
        version = self.sent.setdefault(fn, version_of(fn))
        stream = StreamId(self.ids.uuid7(self.clock()))
        raw = msgspec.json.encode(body)
        message = received(stream, self.clock(), body=raw, timeout_s=timeout_s)
        return await self.controller.run(message, version)


def topic(name: str, **how: Any) -> Topic:
    """Make a topic of any payloads."""
    return Topic(name, msgspec.json.encode, **how)


class Mortal:
    """A store as a process has it that dies: from some append on nothing reaches the log.

    Args:
        store: the log.
        appends: how many the process lives for.
    """

    def __init__(self, store: Store, appends: int) -> None:
        self._store = store
        self.left = appends
        self.died: Callable[[], object] = lambda: None

    @property
    def is_dead(self) -> bool:
        return self.left <= 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, *args: Any, **kwargs: Any) -> Ticket:
        if self.is_dead:
            self.died()
            raise EventStoreError("store-closed", "The process has died.", "", {})
        self.left -= 1
        return self._store.append(*args, **kwargs)


class World:
    """A log, and the time, which go on from one life of the app to the next."""

    def __init__(self, seed: int = 0) -> None:
        self.clock = FakeClock()
        self.ids = SeededIds(seed)
        self.store: Store = MemoryStore(
            registry=registry(), clock=self.now_us, ids=SeededIds(seed + 1)
        )

    def now_us(self) -> int:
        return self.clock()

    def live(self, declare: Callable[[App], None], scenario: Any, *, appends: int = 1 << 30) -> Any:
        """Let an app live through *scenario*; None: it died before, after so many *appends*."""
        app = App("shop")
        declare(app)
        return self.live_with(app, scenario, appends=appends)

    def live_with(
        self,
        app: L,
        scenario: Callable[[L], Coroutine[Any, Any, T]],
        *,
        appends: int = 1 << 30,
        schedule: Sequence[int] = (),
    ) -> T | None:
        """Let *app*, which does not run, live through *scenario*; see `live`."""
        store = Mortal(self.store, appends)
        self.clock = FakeClock(self.clock() + 1)

        async def life() -> T | None:
            loop, died = asyncio.get_running_loop(), asyncio.Event()
            store.died = lambda: loop.call_soon_threadsafe(died.set)
            try:
                app.start(store, clock=self.clock, ids=self.ids)
                await app.begin()
            except EventStoreError:
                if not store.is_dead:
                    raise
                return None
            living = asyncio.ensure_future(scenario(app))
            dying = asyncio.create_task(died.wait())
            await asyncio.wait({living, dying}, return_when=asyncio.FIRST_COMPLETED)
            if dying.done():
                living.cancel()
                return None
            dying.cancel()
            told = await living
            await app.stop()
            return told

        return run_virtual(life(), schedule)

    def facts(self, *types: str) -> list[Event]:
        """Give all facts of these types, in the order of the log."""
        return [each for row in self.rows() for each in row.events if each.type in types]

    def rows(self) -> list[Row]:
        """Give the whole log."""
        found: list[Row] = []
        while page := self.store.read_log(after=found[-1].position if found else 0):
            found += page
        return found

    def folded(self, *names: str, from_start: bool = False) -> dict[str, Inbox]:
        """Fold the log for subscribers: from where they say that they are, or all of it."""
        fold = QueueFold()
        after = []
        for name in names:
            events = list(self.store.read(subscriber_stream(name)))
            standing = standing_of(events[:1] if from_start else events)
            assert standing is not None
            fold.add(name, standing)
            after.append(standing.after)
        Tail(self.store, fold, min(after)).catch_up()
        return fold.inboxes


async def until(condition: Callable[[], object]) -> None:
    """Wait, in virtual time, until *condition* holds."""
    pause_s = 0.01
    while not condition():
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, 0.5)


async def settled(app: Living, *names: str) -> None:
    """Wait until these subscribers have nothing before them."""
    await until(lambda: not any(len(app.queues.inboxes[name]) for name in names))


def shape(inbox: Inbox) -> list[tuple[str, int]]:
    """Say what is in an inbox, and at which attempt."""
    return [(id_, queued.attempts) for id_, queued in inbox.queued.items()]
