"""An app with queues, over several lives of its process, on one log in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from eventstore import Event, EventStoreError, NewEvent, Row, Store, Ticket
from eventstore.memory import MemoryStore
from runtime import App
from runtime.context import registry
from runtime.delivery.reading import Tail
from runtime.queue import Inbox, QueueFold, standing_of, subscriber_stream
from runtime.testing import FakeClock, SeededIds, run_virtual

T = TypeVar("T")
Scenario = Callable[[App], Awaitable[T]]
CRASHED = "crashed"


class Mortal:
    """A store as a process has it that dies: from some append on nothing reaches the log.

    Args:
        store: the log.
        appends: how many the process lives for.
    """

    def __init__(self, store: Store, appends: int) -> None:
        self._store = store
        self.left = appends

    @property
    def is_dead(self) -> bool:
        return self.left <= 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, *args: Any, **kwargs: Any) -> Ticket:
        if self.is_dead:
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

    def live(
        self,
        declare: Callable[[App], None],
        scenario: Scenario[T],
        *,
        appends: int = 1_000_000,
        schedule: Sequence[int] = (),
    ) -> T | None:
        """Let an app live through *scenario*; None: it died before, after so many *appends*."""
        app = App("shop")
        declare(app)
        store = Mortal(self.store, appends)
        self.clock = FakeClock(self.clock() + 1)

        async def life() -> T | None:
            try:
                app.start(store, clock=self.clock, ids=self.ids)  # type: ignore[arg-type]
                await app.begin()
                told = await scenario(app)
            except EventStoreError:
                if not store.is_dead:
                    raise
                return None
            if not store.is_dead:
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


def tell(fact: Any, key: str) -> NewEvent:
    """Make an event of a fact."""
    return NewEvent(fact.type, fact, key)


async def until(condition: Callable[[], object]) -> None:
    """Wait, in virtual time, until *condition* holds."""
    while not condition():  # noqa: ASYNC110 - there is nobody who would tell
        await asyncio.sleep(0.02)


async def settled(app: App, *names: str) -> None:
    """Wait until these subscribers have nothing before them."""
    await until(lambda: not any(len(app.queues.inboxes[name]) for name in names))


def shape(inbox: Inbox) -> list[tuple[str, int]]:
    """Say what is in an inbox, and at which attempt."""
    return [(id_, queued.attempts) for id_, queued in inbox.queued.items()]
