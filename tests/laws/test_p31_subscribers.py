"""P31 and X8: a topic reaches each of its subscribers, in order, whatever dies in between."""

import asyncio
from collections import Counter
from functools import partial
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import Event
from runtime import GlobalContext, Request
from runtime.queue import Options, Subscriber
from tests.queues import Small, World, settled, topic

Op = tuple[Any, ...]
ops: st.SearchStrategy[Op] = st.one_of(
    st.tuples(st.just("order"), st.lists(st.integers(1, 99), min_size=1, max_size=3)),
    st.tuples(st.just("order"), st.lists(st.integers(1, 99), min_size=1, max_size=3)),
    st.tuples(st.just("fail"), st.lists(st.integers(1, 99), max_size=2)),
    st.tuples(st.just("outside"), st.integers(1, 99)),
)
lives = st.lists(
    st.tuples(st.lists(ops, max_size=3), st.one_of(st.none(), st.integers(1, 12))), max_size=2
)


class Heard:
    """A subscriber that takes one after the other, and one that takes several."""

    def __init__(self) -> None:
        self.calm: list[str] = []
        self.busy: list[str] = []

    def app(self) -> Small:
        async def calm(req: Request[int]) -> None:
            self.calm.append(req.headers["message-id"])

        async def busy(req: Request[int]) -> None:
            self.busy.append(req.headers["message-id"])
            await asyncio.sleep(req.body / 1_000)
            if req.body % 5 == 0 and req.headers["message-attempt"] == "1":
                raise ValueError

        one = Subscriber("calm", "orders.placed", lambda message: None, concurrency=1)
        lane = Subscriber("busy", "**", lambda message: str(int(message.payload) % 2), 3)
        return Small([topic("orders.placed", attempts=9)], {one: calm, lane: busy})


async def order(req: Request[list[int]], gctx: GlobalContext) -> None:
    for n in req.body:
        await gctx.publish("orders.placed", n)


async def fail(req: Request[list[int]], gctx: GlobalContext) -> None:
    await order(req, gctx)
    raise ValueError


async def life(app: Small, program: list[Op]) -> bool:
    for op in program:
        match op:
            case ("outside", n):
                await app.queues.publish("orders.placed", n, Options())
            case (what, numbers):
                await app.send(order if what == "order" else fail, numbers)
            case _:
                raise AssertionError(op)
    await asyncio.sleep(0.01)
    await settled(app, "calm", "busy")
    return True


def published(world: World) -> dict[str, int]:
    """Read naively off the log what has to be delivered, in order."""
    found: dict[str, int] = {}
    waiting: dict[Any, list[Event]] = {}
    for row in world.rows():
        mine = waiting.setdefault(row.stream, [])
        mine += [each for each in row.events if each.type == "message.published"]
        ends_well = [e for e in row.events if e.type == "response.sent" and e.data.status < 300]
        if row.kind == "queue" or ends_well:
            for each in mine:
                found[f"{each.stream.hex}@{each.revision}"] = each.data.payload
            mine.clear()
    return found


@pytest.mark.proves("P31", "X8", "QF-2", "QF-4", "QF-8", "QF-9", "QF-13")
@given(past=lives, last=st.lists(ops, max_size=3))
def test_p31_each_subscriber_gets_its_slice_of_the_log_once(
    past: list[tuple[list[Op], int | None]], last: list[Op]
) -> None:
    """Seen to fail with messages of failed requests delivered like others."""
    world, heard, deaths = World(), Heard(), 0
    for program, appends in past:
        act = partial(life, program=program)
        deaths += not world.live_with(heard.app(), act, appends=appends or 1 << 30)
    world.live_with(heard.app(), partial(life, program=last))
    event(f"deaths: {deaths}")

    expected = published(world)
    firsts = list(dict.fromkeys(heard.calm))
    assert firsts == list(expected)
    assert len(heard.calm) - len(firsts) <= deaths
    acknowledged = world.facts("message.acknowledged")
    for name in ("calm", "busy"):
        ids = [each.key for each in acknowledged if each.data.subscriber == name]
        assert Counter(ids) == Counter(list(expected)), "none lost, none twice"
        if name == "busy":
            for lane in (0, 1):
                of_lane = [each for each in ids if expected[each or ""] % 2 == lane]
                assert of_lane == [each for each, n in expected.items() if n % 2 == lane]
    hold_the_counts(world, len(expected))


def hold_the_counts(world: World, accepted: int) -> None:
    for from_start in (False, True):
        for inbox in world.folded("calm", "busy", from_start=from_start).values():
            assert len(inbox) == 0
            assert (inbox.counts.accepted, inbox.counts.acknowledged) == (accepted, accepted)


@pytest.mark.proves("P31", "X8")
def test_two_orders_and_a_failed_one_between_two_lives() -> None:
    world, heard = World(), Heard()

    world.live_with(heard.app(), partial(life, program=[("order", [10, 2])]), appends=4)
    world.live_with(heard.app(), partial(life, program=[("fail", [4]), ("outside", 3)]))

    expected = published(world)
    assert list(expected.values()) == [10, 2, 3]
    assert [expected[each] for each in heard.calm] == [10, 10, 2, 3], "it died at the first"
    assert [expected[each] for each in heard.busy if expected[each] % 2 == 0] == [10, 10, 2]
