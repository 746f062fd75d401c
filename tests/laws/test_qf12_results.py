"""QF-12: who asks gets the first answer that the log has in time, whoever is slow or first."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import StreamId
from runtime import GlobalContext, Request
from runtime.delivery.journal import Journal
from runtime.delivery.replies import Replies
from runtime.effects import Workers
from runtime.errors import Reject, ResultTimeoutError
from runtime.queue import Options, Subscriber, publication
from tests.queues import Small, World, settled, topic, until

STREAM = StreamId(UUID("01890000-0000-7000-8000-000000000007"))

Plan = tuple[float, float | None, float | None, float, bool]
plans = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.1]),  # seconds until it asks
        st.sampled_from([0.0, 0.1, 0.4, None]),  # seconds of one subscriber; None: it refuses
        st.sampled_from([0.0, 0.2, 0.5, None]),  # and of another
        st.sampled_from([0.05, 0.3, 1.0]),  # seconds it waits
        st.booleans(),  # whether it asks a topic that is not durable
    ),
    max_size=2,
)


async def answer(name: str, wait_s: float | None, asked: Any) -> Any:
    if wait_s is None:
        raise Reject("no")
    await asyncio.sleep(wait_s)
    return [name, asked]


async def one(req: Request[list[Any]]) -> Any:
    return await answer("one", req.body[1], req.body)


async def other(req: Request[list[Any]]) -> Any:
    return await answer("other", req.body[2], req.body)


async def asks(req: Request[list[Any]], gctx: GlobalContext) -> Any:
    name = "kept" if req.body[4] else "short"
    try:
        return await gctx.request(name, req.body, timeout=req.body[3])
    except ResultTimeoutError:
        return "late"


def small() -> Small:
    takers = {
        Subscriber("one", "*", lambda message: None): one,
        Subscriber("other", "*", lambda message: None): other,
    }
    return Small([topic("kept"), topic("short", durable=False, ttl_s=60.0)], takers)


def expected(plan: list[Any]) -> list[Any]:
    """Say whose answers can be first; none: nobody's is in time."""
    _, one_s, other_s, timeout_s, _ = plan
    times = {"one": one_s, "other": other_s}
    first_s = min((each for each in times.values() if each is not None), default=99.0)
    if first_s >= timeout_s:
        return ["late"]
    return [[name, plan] for name, each in times.items() if each == first_s]


@pytest.mark.proves("QF-12")
@given(plans)
def test_qf12_the_first_answer_in_time_is_the_result(drawn: list[Plan]) -> None:
    world, app, asked = World(), small(), [list(each) for each in drawn]

    async def one_of(plan: list[Any]) -> Any:
        await asyncio.sleep(plan[0])
        return await app.send(asks, plan)

    async def scenario(_: Small) -> list[Any]:
        told = list(await asyncio.gather(*map(one_of, asked)))
        await settled(app, "one", "other")
        return told

    told = world.live_with(app, scenario)

    assert told is not None
    for plan, got in zip(asked, told, strict=True):
        result = msgspec.json.decode(got.body)
        event(f"late: {result == 'late'}")
        assert result in expected(plan)
    wanted = sum(each is not None for plan in asked for each in plan[1:3])
    assert len(world.facts("message.acknowledged")) == wanted, "late ones are in the log"


@pytest.mark.proves("QF-12")
def test_an_answer_that_is_there_before_anybody_looks_is_found() -> None:
    world, app = World(), small()

    async def scenario(_: Small) -> Any:
        replies, id_ = Replies(world.store, Workers("test", 1)), f"{STREAM.hex}@1"
        async with replies.expected(id_) as result:
            fact = publication(app.topics["kept"], b"[0, 1, null]", Options())
            Journal(world.store, world.now_us).publish(STREAM, [fact], "kept").result()
            app.queues.wake()
            await settled_as(world, 1)
            await until(result.done)
            return await result

    assert world.live_with(app, scenario) == ["one", [0, 1, None]]


async def settled_as(world: World, count: int) -> None:
    await until(lambda: len(world.facts("message.acknowledged")) == count)
