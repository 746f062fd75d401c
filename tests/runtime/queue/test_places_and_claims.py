"""What is asked for together is as if asked for one by one; a claim counts once (QF-6, QF-9)."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from eventstore import NewEvent, StreamId
from runtime.delivery.desk import Places
from runtime.errors import QueueFullError
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
from runtime.queue_facts import MessageClaimed
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
