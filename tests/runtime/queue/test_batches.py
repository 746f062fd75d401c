"""Subscribers that are handed several messages at a time: one delivery, one commit (QF-9)."""

import asyncio
from typing import Any

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from runtime import App, LocalContext, Request
from runtime.delivery.handing import handfuls
from runtime.errors import Reject, TopicError
from runtime.queue import Message, Options, Subscriber
from tests.queues import Small, World, topic, until

messages = st.lists(st.booleans(), max_size=6)


@pytest.mark.proves("QF-9", "QF-10", "QF-13")
@given(fails=messages, batch=st.integers(1, 5), attempts=st.integers(1, 3))
def test_each_message_counts_once_and_what_fails_takes_no_other_with_it(
    fails: list[bool], batch: int, attempts: int
) -> None:
    world, handed = World(), list[list[int]]()

    async def take(req: Request[Any]) -> None:
        numbers = req.body if batch > 1 else [req.body]
        handed.append(numbers)
        if any(fails[n] for n in numbers):
            raise ValueError

    taker = Subscriber("taker", "t", lambda message: None, concurrency=2, batch=batch)
    small = Small([topic("t", attempts=attempts)], {taker: take})

    async def scenario(app: Small) -> None:
        await app.queues.publish_all("t", range(len(fails)), Options())
        async with asyncio.timeout(3_600):
            good = fails.count(False)
            await until(lambda: app.queues.inboxes["taker"].counts.acknowledged == good)
            await until(lambda: len(world.facts("message.dead_lettered")) == len(fails) - good)

    world.live_with(small, scenario)
    seen("several at once" if any(len(each) > 1 for each in handed) else "each alone")
    acknowledged = [
        id_
        for event in world.facts("message.acknowledged")
        for id_ in event.data.messages or (event.key,)
    ]
    dead = [event.data.attempts for event in world.facts("message.dead_lettered")]
    claimed = [id_ for event in world.facts("message.claimed") for id_, _ in event.data.messages]

    assert len(acknowledged) == len(set(acknowledged)) == fails.count(False)
    assert dead == [attempts] * fails.count(True)
    assert all(len(each) <= batch for each in handed)
    assert len(claimed) == sum(map(len, handed))
    if attempts == 1:
        assert all(len(each) == 1 for each in handed)


@pytest.mark.proves("QF-8")
@given(
    drawn=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.integers(0, 400_000)), max_size=12
    ),
    batch=st.integers(1, 4),
)
def test_what_is_handed_together_is_of_one_topic_new_and_not_too_large(
    drawn: list[tuple[str, int, int]], batch: int
) -> None:
    chosen = [
        (Message(f"m{n}", of, b"x" * size, n, n, 0), attempt)
        for n, (of, attempt, size) in enumerate(drawn)
    ]
    made = handfuls(chosen, batch, lambda message: 3)

    assert sorted(m.id for each in made for m in each.messages) == sorted(m.id for m, _ in chosen)
    for each in made:
        assert len({m.topic for m in each.messages}) == 1
        assert [int(m.id[1:]) for m in each.messages] == sorted(
            int(m.id[1:]) for m in each.messages
        )
        if len(each.messages) > 1:
            assert (each.attempt, len(each.messages) <= batch) == (1, True)
            assert sum(m.size for m in each.messages) <= 1024 * 1024


@pytest.mark.proves("QF-5", "QF-9", "QF-8")
def test_a_list_of_payloads_is_one_request_and_a_poisoned_one_is_found() -> None:
    world, heard, gate = World(), list[list[int]](), asyncio.Event()

    def declare(app: App) -> None:
        app.topic("numbers", int)

        @app.subscriber(
            "numbers", name="taker", batch=10, concurrency=1, key=lambda n: "k" if n > 6 else None
        )
        async def take(req: Request[list[int]], lctx: LocalContext) -> None:
            await gate.wait()
            heard.append(req.body)
            if 5 in req.body:
                raise Reject("five")
            lctx.set("sum", sum(req.body))

    async def scenario(app: App) -> None:
        await app.publish_all("numbers", range(9))
        gate.set()
        async with asyncio.timeout(3_600):
            await until(lambda: app.queues.inboxes["taker"].counts.acknowledged == 8)
            await until(lambda: world.facts("message.dead_lettered"))

    world.live(declare, scenario)

    assert heard[0] == [0, 1, 2, 3, 4, 5, 6, 7]  # 8 waits for 7: they have one key
    assert sorted(n for each in heard[1:] for n in each) == list(range(9))
    assert all(len(each) == 1 for each in heard[1:])
    assert len(world.facts("message.dead_lettered")) == 1
    assert [each.data.messages for each in world.facts("message.acknowledged")] == [()] * 8


@pytest.mark.proves("QF-9")
def test_a_list_is_acknowledged_and_claimed_by_a_fact_each() -> None:
    world = World()

    def declare(app: App) -> None:
        app.topic("numbers", int)

        @app.subscriber("numbers", name="taker", batch=100, concurrency=3)
        async def take(req: Request[list[int]]) -> None: ...

    async def scenario(app: App) -> None:
        published.extend(await app.publish_all("numbers", range(300)))
        async with asyncio.timeout(3_600):
            await until(lambda: app.queues.inboxes["taker"].counts.acknowledged == 300)

    published = list[str]()
    world.live(declare, scenario)
    acknowledged = world.facts("message.acknowledged")
    claimed = world.facts("message.claimed")

    assert [id_ for each in acknowledged for id_ in each.data.messages] == published
    assert [each.key for each in acknowledged] == [each.data.messages[0] for each in acknowledged]
    assert [id_ for each in claimed for id_, _ in each.data.messages] == published
    assert all(len(each.data.messages) <= 256 for each in claimed)


@pytest.mark.proves("QF-9")
def test_a_batch_that_cannot_be_is_refused() -> None:
    app = App("shop")
    app.topic("numbers", int)
    for batch in (0, 101):
        with pytest.raises(TopicError):
            app.subscriber("numbers", name="taker", batch=batch)
