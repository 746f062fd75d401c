"""Several apps serve from one log in this process, as several processes would."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from eventstore import Store
from eventstore.nodes import Census, Charge
from runtime import App
from runtime.testing import FakeClock, SeededIds


class Member:
    """A node: keeps the contract of `eventstore.nodes.Nodes`; who lives is said by `living`."""

    def __init__(self, me: str, living: set[str]) -> None:
        self.me = me
        self._living = living
        self.clock_off_us = 0
        self.is_gone = False
        living.add(me)

    @property
    def is_alive(self) -> bool:
        return self.me in self._living

    @property
    def holds(self) -> bool:
        return self.me == min(self._living)

    def census(self) -> Census:
        return Census(frozenset(self._living), frozenset())

    def adopt(self) -> tuple[str, ...]:
        return ()

    def bury(self, node: str) -> None: ...

    def charge(
        self, key: str, now_us: int, limits: Sequence[tuple[int, int]], *, charging: bool
    ) -> Charge:
        return Charge(((0, 0),) * len(limits), charged=charging)


class Beside:
    """A store as one of its nodes sees it."""

    def __init__(self, store: Store, member: Member) -> None:
        self._store = store
        self.nodes = member

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Office:
    """A log, and who serves from it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.living: set[str] = set()
        self.clock = FakeClock()
        self.beside: dict[str, Any] = {}

    async def open(self, me: str, app: App) -> App:
        """Let *app* serve as the node *me*."""
        self.clock.start_us += 1_000_000
        self.beside[me] = Beside(self.store, Member(me, self.living))
        app.start(self.beside[me], clock=self.clock, ids=SeededIds(len(self.beside)))
        await app.begin()
        return app

    async def close(self, me: str, app: App) -> None:
        """Let it end."""
        await app.stop()
        self.living.discard(me)


async def becomes(holds: Callable[[], Awaitable[object]], what: str) -> None:
    """Wait until it *holds*, for at most 30 s."""
    try:
        async with asyncio.timeout(30):
            while not await holds():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(what) from None
