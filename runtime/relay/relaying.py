"""Sends messages of shared topics to other logs, and takes what comes from there (SO-6).

The log is the truth at both ends. What goes out is read from it, after the commit that made it
deliverable, and how far that is stands in it. What comes in is appended to it, in a stream that is
named by the message: what comes twice is there already. Only then is it acknowledged. Of several
processes that serve from one log the one that holds it does both, so that the order is kept.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from uuid import UUID

import msgspec

from eventstore import ANY, Clock, EventStoreError, NewEvent, Store, StreamId, Ticket, named_stream
from runtime.delivery import Fabric
from runtime.delivery.reading import Tail
from runtime.effects import Workers
from runtime.queue import KIND, Message, QueueFold, Standing, Topic
from runtime.relay.engine import Arrival, Engine
from runtime.relay.parcels import Parcel, consumer_of, from_bytes, parcel_of, subject_of
from runtime.relay_facts import RelayAdvanced

NAME = "nats"
BATCH = 256
"""Messages that are on their way and not acknowledged, at most."""
_RELAY = "relay"
_LOOK_S = 0.25
_AGAIN_S = 1.0
_TELL_EVERY = 10_000
"""Positions after which it is told how far it is, though nothing was sent."""
_log = logging.getLogger("timescape")


class Relay:
    """Carries the shared topics of one app, on its event loop.

    Args:
        app: its name.
        store: its log.
        fabric: delivers what comes.
        topics: of the app, by name.
        engine: carries.
        clock: gives the time of facts.
    """

    def __init__(
        self,
        app: str,
        store: Store,
        fabric: Fabric,
        topics: Mapping[str, Topic],
        engine: Engine,
        clock: Clock,
    ) -> None:
        self._app = app
        self._store = store
        self._fabric = fabric
        self._topics = {name: each for name, each in topics.items() if each.shared}
        self._engine = engine
        self._clock = clock
        self._reader = Workers("timescape-relay", 1)
        self._stream = named_stream(KIND, f"relay:{NAME}")
        self._told = 0
        self._woken = asyncio.Event()
        self.going = asyncio.Event()
        """Set once it carries what is published from now on."""
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Carry from now on."""
        self._fabric.also_wake = self._woken.set
        self._task = asyncio.create_task(self._run(), name="timescape-relay")

    async def stop(self) -> None:
        """Carry no more; what is not carried is in the log."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._engine.close()
        self._reader.close()

    @property
    def _is_due(self) -> bool:
        """Whether this process does it: one of those that serve from a log."""
        return self._store.nodes is None or self._store.nodes.holds

    async def _run(self) -> None:
        while True:
            try:
                if self._is_due:
                    await self._carry()
            except* _NotDue:
                _log.info("another process carries messages now")
            except* (OSError, EventStoreError) as refused:
                _log.warning("messages of other logs wait: error=%s", refused.exceptions[0])
            except* Exception:  # noqa: BLE001 - a bug of ours must not end it for good
                _log.exception("messages of other logs wait")
            await asyncio.sleep(_AGAIN_S)

    async def _carry(self) -> None:
        """Carry both ways, as long as it is on this process to do so."""
        log = await self._reader.run(lambda: next(iter(self._store.cursor_at().marks)))
        taken = {
            consumer_of(self._app, log, name): topic
            for name, topic in self._topics.items()
            if self._fabric.has_subscribers(name)
        }
        consumers = [(name, subject_of(topic.name)) for name, topic in taken.items()]
        await self._engine.open(consumers)
        async with asyncio.TaskGroup() as going:
            going.create_task(self._send())
            for consumer, topic in taken.items():
                going.create_task(self._take(consumer, topic))

    # --- out ---

    async def _send(self) -> None:
        fold, tail = await self._reader.run(self._from_where_it_was)
        self.going.set()
        while self._is_due:
            self._woken.clear()
            while (page := await self._reader.run(tail.look)) is not None:
                tail.go_on(page)
                await self._send_what_is_new(fold)
            await self._pause()
        raise _NotDue

    def _from_where_it_was(self) -> tuple[QueueFold, Tail]:
        """Read on where the log says that it was; at first from here on."""
        if self._store.head(self._stream).revision == 0:
            self._advance(self._store.end()).result()
        (last,) = self._store.read(self._stream, self._store.head(self._stream).revision)
        self._told = last.data.position
        fold = QueueFold()
        fold.add(_RELAY, Standing("**", last.data.position), lambda message: None)
        return fold, Tail(self._store, fold, last.data.position)

    async def _send_what_is_new(self, fold: QueueFold) -> None:
        inbox = fold.inboxes[_RELAY]
        new = [each.message for each in inbox.queued.values()]
        parcels = [parcel_of(each) for each in new if self._goes_out(each)]
        for at in range(0, len(parcels), BATCH):
            await self._engine.publish(parcels[at : at + BATCH])
        for each in new:
            inbox.settle(each.id, "acknowledged")
        reached = fold.reaches(_RELAY)
        # What the fold keeps for who delivers is of no use here.
        inbox.counts_up_to(reached)
        fold.ended.clear()
        if parcels or reached - self._told >= _TELL_EVERY:
            await self._advance(reached).durable()

    def _goes_out(self, message: Message) -> bool:
        return message.topic in self._topics and message.durable and not message.origin

    def _advance(self, position: int) -> Ticket:
        self._told = position
        return self._append(self._stream, RelayAdvanced(position), NAME, ANY)

    # --- in ---

    async def _take(self, consumer: str, topic: Topic) -> None:
        while self._is_due:
            room = topic.depth - self._fabric.room.depth(topic.name)
            if room <= 0:
                await asyncio.sleep(_LOOK_S)
                continue
            arrivals = await self._engine.fetch(consumer, min(room, BATCH))
            if arrivals:
                await self._bring_in(arrivals, topic)
        raise _NotDue

    async def _bring_in(self, arrivals: Sequence[Arrival], topic: Topic) -> None:
        parcels = [_opened(each, topic) for each in arrivals]
        own = await self._reader.run(partial(self._own, [p for p in parcels if p]))
        new = {p.id: p for p in parcels if p is not None and p.id not in own}
        tickets = [self._append(_arrived(id_), p.fact(), p.topic, 0) for id_, p in new.items()]
        for ticket in tickets:
            await _settled(ticket)
        self._fabric.wake()
        for each in arrivals:
            await each.done()

    def _own(self, parcels: Collection[Parcel]) -> set[str]:
        """Name those that were published here: they are delivered already."""
        return {each.id for each in parcels if _is_here(self._store, each.id)}

    def _append(self, stream: StreamId, fact: msgspec.Struct, key: str, expected: int) -> Ticket:
        event = NewEvent(fact.type, fact, key, self._clock())  # type: ignore[attr-defined]
        return self._store.append(
            stream, [event], kind=KIND, expected=expected, close=expected == 0, durable=True
        )

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_LOOK_S):
                await self._woken.wait()
        except TimeoutError:
            return


class _NotDue(OSError):
    """Another process holds the log now."""


def _arrived(id_: str) -> StreamId:
    return named_stream(KIND, f"arrived:{id_}")


def _is_here(store: Store, id_: str) -> bool:
    try:
        stream = StreamId(UUID(hex=id_.partition("@")[0]))
    except ValueError:
        return False
    return store.head(stream).revision > 0


def _opened(arrival: Arrival, topic: Topic) -> Parcel | None:
    """Read a parcel; None: it is none, and is dropped."""
    try:
        parcel = from_bytes(arrival.data)
    except msgspec.DecodeError as error:
        _log.error("no message: topic=%s error=%s", topic.name, error)
        return None
    return parcel if parcel.topic == topic.name else None


async def _settled(ticket: Ticket) -> None:
    """Wait until the log has it; whoever was first with it, it is there."""
    try:
        await ticket.durable()
    except EventStoreError as error:
        if error.code not in {"wrong-revision", "stream-closed"}:
            raise
