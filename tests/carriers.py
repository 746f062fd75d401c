"""What carries messages between logs, in memory; it keeps the port's rules."""

import asyncio
from collections.abc import Sequence

from runtime.relay import Parcel, subject_of
from runtime.relay.engine import Arrival
from runtime.relay.parcels import to_bytes


class Broker:
    """What engines of several processes have in common.

    Args:
        forgets: whether it takes one message several times for several.
    """

    def __init__(self, *, forgets: bool = False) -> None:
        self.forgets = forgets
        self.sent: list[tuple[str, bytes]] = []
        self.ids: set[str] = set()
        self.first: dict[str, tuple[str, int]] = {}
        """Of each consumer its subject, and where it began."""
        self.acknowledged: dict[str, set[int]] = {}


class InMemory:
    """One process's engine; see `runtime.relay.engine.Engine`."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self._handed: dict[str, set[int]] = {}
        self.is_cut = False

    async def open(self, consumers: Sequence[tuple[str, str]]) -> None:
        self._refuse_cut()
        self._handed = {name: set() for name, _ in consumers}
        for name, subject in consumers:
            self.broker.first.setdefault(name, (subject, len(self.broker.sent)))
            self.broker.acknowledged.setdefault(name, set())

    async def publish(self, parcels: Sequence[Parcel]) -> None:
        self._refuse_cut()
        for each in parcels:
            if self.broker.forgets or each.id not in self.broker.ids:
                self.broker.ids.add(each.id)
                self.broker.sent.append((subject_of(each.topic), to_bytes(each)))

    async def fetch(self, consumer: str, most: int) -> Sequence[Arrival]:
        self._refuse_cut()
        subject, first = self.broker.first[consumer]
        past = self.broker.acknowledged[consumer] | self._handed[consumer]
        found: list[Arrival] = []
        for number in range(first, len(self.broker.sent)):
            if len(found) < most and number not in past and self.broker.sent[number][0] == subject:
                self._handed[consumer].add(number)
                found.append(Handed(self, consumer, number))
        if not found:
            await asyncio.sleep(0.2)
        return found

    async def close(self) -> None: ...

    def _refuse_cut(self) -> None:
        if self.is_cut:
            raise ConnectionError


class Handed:
    """A parcel that was handed out."""

    def __init__(self, engine: InMemory, consumer: str, number: int) -> None:
        self._engine = engine
        self._consumer = consumer
        self._number = number
        self.data = engine.broker.sent[number][1]

    async def done(self) -> None:
        self._engine._refuse_cut()
        self._engine.broker.acknowledged[self._consumer].add(self._number)
