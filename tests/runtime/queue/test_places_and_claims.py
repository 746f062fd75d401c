"""What is asked for together is as if asked for one by one; a claim counts once (QF-6, QF-9)."""

import asyncio
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Event, NewEvent, Position, Revision, Row, StreamId
from runtime.delivery.desk import Places
from runtime.errors import QueueFullError
from runtime.facts import Fact
from runtime.queue import (
    KIND,
    Offer,
    Options,
    QueueFold,
    Room,
    Standing,
    Subscriber,
    publications,
    subscriber_stream,
)
from runtime.queue_facts import MessageClaimed, SubscriptionClosed, SubscriptionOpened
from tests.faces.asgi import memory_store
from tests.queues import topic

STREAM = StreamId(UUID("018f0000-0000-7000-8000-000000000007"))


def desk(depth: int, size: int, own: int | None) -> tuple[Places, Room]:
    """Make one, with a subscriber that has a bound of its own."""
    fold = QueueFold()
    fold.add("taker", Standing("t", 0))
    of = topic("t", depth=depth, size=size)
    taker = Subscriber("taker", "t", lambda message: None, depth=own)
    room = Room(fold, {"t": of}, {"taker": taker})

    async def ask(asked: Any) -> None: ...

    return Places(fold, room, lambda: None, lambda name, message: None, ask), room


@pytest.mark.proves("QF-6")
@given(
    sizes=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    depth=st.integers(1, 6),
    size=st.integers(1, 30),
    own=st.none() | st.integers(1, 6),
)
def test_places_asked_for_together_are_those_asked_for_one_by_one(
    sizes: list[int], depth: int, size: int, own: int | None
) -> None:
    together, room = desk(depth, size, own)
    apart, rooms = desk(depth, size, own)
    offers = [Offer(topic("t", depth=depth, size=size), each) for each in sizes]

    async def scenario() -> list[str | None]:
        said: list[str | None] = []
        for work in (together.offer_all(STREAM, offers[0].topic, sizes), one_by_one()):
            try:
                await work
            except QueueFullError as full:
                said.append(str(full))
            else:
                said.append(None)
        return said

    async def one_by_one() -> None:
        for each in offers:
            await apart.offer(STREAM, each)

    first, second = asyncio.run(scenario())
    seen("full" if first else "room")
    assert first == second
    assert room.depth("t") == rooms.depth("t")
    room.free(STREAM)
    assert room.depth("t") == 0


class Changing:
    """Three subscribers of two topics, which come and go, and the places that are kept."""

    OF: ClassVar = {"one": "t", "two": "u", "both": "*"}

    def __init__(self) -> None:
        self.fold = QueueFold()
        self.topics = {name: topic(name, depth=99, size=999) for name in ("t", "u")}
        takers = {
            name: Subscriber(name, of, lambda message: None, depth=99)
            for name, of in self.OF.items()
        }
        for name, of in self.OF.items():
            self.fold.add(name, Standing(of, 0))
        self.room = Room(self.fold, self.topics, takers)
        self.kept: dict[StreamId, list[tuple[str, int]]] = {}

    def keep(self, stream: int, of: str, size: int) -> None:
        self.room.keep(stream_of(stream), Offer(self.topics[of], size))
        self.kept.setdefault(stream_of(stream), []).append((of, size))

    def free(self, stream: int) -> None:
        self.room.free(stream_of(stream))
        self.kept.pop(stream_of(stream), None)

    def open(self, name: str) -> None:
        self._tell(name, SubscriptionOpened(self.OF[name]))

    def close(self, name: str) -> None:
        self._tell(name, SubscriptionClosed())

    def _tell(self, name: str, fact: Fact) -> None:
        stream, at, first = subscriber_stream(name), Position(self.fold.position + 1), Revision(1)
        event = Event(at, stream, first, fact.type, fact, name, 1, None)
        row = Row(
            at,
            stream,
            first,
            KIND,
            closes=False,
            began_us=1,
            at_us=1,
            parent=None,
            parent_revision=Revision(0),
            events=[event],
        )
        self.fold.add_rows([row])

    def depth(self, of: str) -> int:
        count = sum(each == of for kept in self.kept.values() for each, _ in kept)
        return count if self.fold.subscribers_of(of) else 0


def stream_of(number: int) -> StreamId:
    return StreamId(UUID(int=STREAM.int + number))


STEPS = st.lists(
    st.tuples(st.just("keep"), st.integers(0, 1), st.sampled_from("tu"), st.integers(0, 9))
    | st.tuples(st.just("free"), st.integers(0, 1))
    | st.tuples(st.sampled_from(["open", "close"]), st.sampled_from(["one", "both"])),
    min_size=6,
    max_size=12,
)


@pytest.mark.proves("QF-6")
@given(steps=STEPS)
def test_kept_places_are_those_of_streams_that_go_on_whoever_comes_and_goes(
    steps: list[tuple[Any, ...]],
) -> None:
    world = Changing()
    for what, *how in steps:
        getattr(world, what)(*how)
        for of in world.topics:
            assert world.room.depth(of) == world.depth(of)
            room_left = 99 - world.depth(of)
            assert world.room.full(of, 0, room_left + 1) or not world.fold.subscribers_of(of)
    for stream in range(2):
        world.free(stream)
    seen("turned" if any(step[0] == "open" for step in steps) else "as it was")
    assert not any(world.room.full(of, 999, 99) for of in world.topics)


@pytest.mark.proves("QF-6")
def test_a_place_counts_for_who_subscribes_after_it_was_kept_and_is_given_back_once() -> None:
    world = Changing()
    for name in ("one", "both"):
        world.close(name)
    world.keep(0, "t", 5)
    assert world.room.depth("t") == 0

    world.open("one")
    assert world.room.depth("t") == 1
    world.open("both")
    world.free(0)

    assert world.room.depth("t") == 0
    assert world.room.full("t", 0, 99) is None
    assert world.room.full("t", 0, 100) is not None


@pytest.mark.proves("QF-9")
def test_a_claim_that_is_read_after_its_message_was_put_back_takes_it_from_nobody() -> None:
    store, fold = memory_store(), QueueFold()
    fold.add("taker", Standing("t", 0))
    (fact,) = publications(topic("t"), [b"1"], Options())
    store.append(STREAM, [NewEvent(fact.type, fact, "t", 1)], kind=KIND, expected=0).result()
    fold.add_rows(store.read_log())
    inbox = fold.inboxes["taker"]
    (message,) = inbox.take(1, 1).chosen
    claimed = MessageClaimed(((message.id, 1),))
    event = NewEvent(claimed.type, claimed, "taker", 2)
    written = store.append(subscriber_stream("taker"), [event], kind=KIND, expected=0).result()

    fold.wrote("taker", written.last)
    assert fold.revision("taker") == written.last
    inbox.put_back(message.id)
    fold.add_rows(store.read_log(after=written.position - 1))

    assert inbox.take(3, 1).chosen == (message,)
