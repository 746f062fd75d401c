"""Who waits for room takes no place that nobody uses, and what is dropped is the oldest (QF-6)."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import StreamId
from runtime import App, Request
from runtime.delivery.desk import Places
from runtime.errors import QueueFullError, RequestStoppedError
from runtime.queue import Offer, QueueFold, Room, Standing, Subscriber
from runtime.testing import run_virtual
from tests.queues import World, topic, until

DEPTH = 1
T = topic("t", depth=DEPTH, full="wait")


def stream_of(number: int) -> StreamId:
    return StreamId(UUID(int=UUID("018f0000-0000-7000-8000-000000000000").int + number))


class Waiting:
    """A desk, and publications that wait there."""

    def __init__(self) -> None:
        fold = QueueFold()
        fold.add("taker", Standing("t", 0))
        self.room = Room(fold, {"t": T}, {"taker": Subscriber("taker", "t", lambda message: None)})

        async def ask(asked: Any) -> None: ...

        self.desk = Places(fold, self.room, lambda: None, lambda name, message: None, ask)
        self.tasks: list[asyncio.Task[None]] = []
        self.going_on: dict[asyncio.Task[None], int] = {}
        """Publications whose request has not ended, and its stream."""

    def offer(self, stream: int) -> None:
        work = self.desk.offer(stream_of(stream), Offer(T, 1))
        self.tasks.append(asyncio.create_task(work))
        self.going_on[self.tasks[-1]] = stream

    def cancel(self, number: int) -> None:
        if self.tasks:
            self.tasks[-1 - number % len(self.tasks)].cancel()

    def end(self, stream: int) -> None:
        """Let the request of *stream* fail."""
        self.desk.ended(stream_of(stream), well=False, kept=False)
        self.going_on = {task: of for task, of in self.going_on.items() if of != stream}


STEPS = st.lists(
    st.tuples(st.sampled_from(["offer", "end"]), st.integers(0, 2))
    | st.tuples(st.just("cancel"), st.integers(0, 2))
    | st.tuples(st.just("turn"), st.just(0)),
    min_size=5,
    max_size=25,
)


@pytest.mark.proves("QF-6")
@given(steps=STEPS)
def test_whoever_goes_when_room_comes_leaves_no_place_behind(steps: list[tuple[str, int]]) -> None:
    async def scenario() -> tuple[int, int]:
        world = Waiting()
        for what, which in steps:
            if what != "turn":
                getattr(world, what)(which)
            if what in {"offer", "turn"}:
                await asyncio.sleep(0)
            assert world.room.depth("t") <= DEPTH
        await asyncio.gather(*world.tasks, return_exceptions=True)
        event(f"cancelled: {any(task.cancelled() for task in world.tasks)}")
        took = [each for each in world.going_on if not each.cancelled() and not each.exception()]
        return world.room.depth("t"), len(took)

    held, took = run_virtual(scenario())
    assert held == took


@pytest.mark.proves("QF-6")
def test_a_place_that_comes_with_the_end_of_who_waits_is_given_back() -> None:
    async def scenario() -> tuple[int, int]:
        world = Waiting()
        for stream in (0, 1):
            world.offer(stream)
        await asyncio.sleep(1)
        world.end(0)
        world.cancel(0)
        await asyncio.wait(world.tasks)
        return world.room.depth("t"), sum(task.cancelled() for task in world.tasks)

    assert run_virtual(scenario()) == (0, 1)


@pytest.mark.proves("QF-6")
def test_who_still_waits_when_its_request_has_ended_gets_no_place() -> None:
    async def scenario() -> int:
        world = Waiting()
        for stream in (0, 1):
            world.offer(stream)
        await asyncio.sleep(1)
        world.end(1)
        world.end(0)
        with pytest.raises(RequestStoppedError):
            await world.tasks[1]
        return world.room.depth("t")

    assert run_virtual(scenario()) == 0


@pytest.mark.proves("QF-6")
def test_the_oldest_gives_way_also_before_it_was_read() -> None:
    """What was published a moment ago lies in no inbox yet; it is in the way all the same."""
    world, gate, taken = World(), asyncio.Event(), list[int]()

    def declare(app: App) -> None:
        app.topic("t", int, depth=2, full="drop_oldest", durable=False)

        @app.subscriber("t", name="taker", concurrency=1)
        async def take(req: Request[int]) -> None:
            taken.append(req.body)
            await gate.wait()

    async def scenario(app: App) -> None:
        for n in range(5):
            await app.publish("t", n)
        await until(lambda: app.queues.inboxes["taker"].counts.dead == 3)
        gate.set()
        await until(lambda: app.queues.inboxes["taker"].counts.acknowledged == 2)

    world.live(declare, scenario)
    assert taken[-1] == 4
    assert [e.data.reason for e in world.facts("message.dead_lettered")] == ["displaced"] * 3


@pytest.mark.proves("QF-6")
def test_nothing_gives_way_that_somebody_works_on() -> None:
    world, gate = World(), asyncio.Event()

    def declare(app: App) -> None:
        app.topic("t", int, depth=1, full="drop_oldest", durable=False)

        @app.subscriber("t", name="taker", concurrency=1)
        async def take(req: Request[int]) -> None:
            await gate.wait()

    async def scenario(app: App) -> None:
        await app.publish("t", 1)
        taker = app.queues.inboxes["taker"]
        await until(lambda: any(each.phase == "running" for each in taker.queued.values()))
        with pytest.raises(QueueFullError):
            await app.publish("t", 2)
        gate.set()

    world.live(declare, scenario)
