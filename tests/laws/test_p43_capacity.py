"""P43: at capacity publishing is refused, and whoever waits for room ends in time."""

import asyncio
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import GlobalContext, LocalContext, Request
from runtime.queue import Subscriber
from tests.queues import Small, World, settled, topic

requests = st.lists(
    st.tuples(
        st.integers(1, 3),  # messages
        st.sampled_from([0, 0, 1, 4]),  # seconds until it is asked
        st.sampled_from([0, 0, 2]),  # seconds between publications
        st.sampled_from([3.0, 30.0]),  # its deadline
        st.booleans(),  # whether it fails in the end
    ),
    max_size=4,
)


class Full:
    """A slow subscriber behind a small topic, and requests that publish on it."""

    def __init__(self, depth: int, full: Any, took_s: float) -> None:
        self.depth = depth
        self.took_s = took_s
        self.most = 0
        self.cleaned = 0
        self.undone = 0
        slow = Subscriber("slow", "t", lambda message: None, concurrency=1)
        self.app = Small([topic("t", depth=depth, full=full)], {slow: self.take})

    async def take(self, req: Request[int]) -> None:
        self.look()
        await asyncio.sleep(self.took_s)

    async def publish(
        self, req: Request[list[Any]], lctx: LocalContext, gctx: GlobalContext
    ) -> None:
        count, pause_s, fails = req.body
        lctx.on_cleanup(self.clean)
        lctx.compensate(self.undo)
        for n in range(count):
            await asyncio.sleep(pause_s if n else 0)
            await gctx.publish("t", n)
            self.look()
        if fails:
            raise ValueError

    def clean(self) -> None:
        self.cleaned += 1

    def undo(self) -> None:
        self.undone += 1

    def look(self) -> None:
        self.most = max(self.most, self.app.queues.room.depth("t"))

    async def ask(self, request: tuple[int, int, int, float, bool]) -> tuple[int, float]:
        count, after_s, pause_s, deadline_s, fails = request
        await asyncio.sleep(after_s)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        answer = await self.app.send(self.publish, [count, pause_s, fails], deadline_s)
        return answer.status, loop.time() - began_s

    async def run(self, given: list[Any]) -> tuple[list[tuple[int, float]], Any]:
        told = list(await asyncio.gather(*map(self.ask, given)))
        await asyncio.sleep(0.01)
        await settled(self.app, "slow")
        return told, self.app.queues.inboxes["slow"].counts


def lived(world: World, tried: Full, asked: list[Any]) -> tuple[list[tuple[int, float]], Any]:
    told = world.live_with(tried.app, lambda _: tried.run(asked))
    assert told is not None
    return told


@pytest.mark.proves("P43", "QF-6", "QF-13")
@given(
    asked=requests,
    depth=st.integers(1, 4),
    full=st.sampled_from(["reject", "wait"]),
    took_s=st.sampled_from([0.0, 1.0, 6.0]),
)
def test_p43_depth_keeps_its_bound_and_who_is_refused_is_cleaned_up(
    asked: list[Any], depth: int, full: str, took_s: float
) -> None:
    """Seen to fail with places of running requests that are not counted."""
    world, tried = World(), Full(depth, full, took_s)

    told, counts = lived(world, tried, asked)

    statuses = [status for status, _ in told]
    event(f"refused any: {503 in statuses}")
    accepted = sum(each[0] for each, status in zip(asked, statuses, strict=True) if status == 204)
    assert tried.most <= depth
    assert (counts.accepted, counts.acknowledged) == (accepted, accepted)
    assert tried.cleaned == len(asked)
    assert tried.undone == sum(status != 204 for status in statuses)
    for (count, _, pause_s, deadline_s, fails), (status, spent_s) in zip(asked, told, strict=True):
        assert status in ({500, 503, 504} if fails else {204, 503, 504})
        waits_s = 5.0 * count if full == "wait" else 0.0
        assert spent_s <= min(deadline_s, (count - 1) * pause_s + waits_s) + 0.001
        if full == "reject" and deadline_s > (count - 1) * pause_s:
            assert status != 504


@pytest.mark.proves("P43")
def test_a_topic_of_two_takes_two_of_three() -> None:
    world, tried = World(), Full(2, "reject", 1.0)
    asked = [(1, 0, 0, 30.0, False)] * 3

    told, counts = lived(world, tried, asked)

    assert sorted(status for status, _ in told) == [204, 204, 503]
    assert (tried.most, counts.acknowledged, tried.undone, tried.cleaned) == (2, 2, 1, 3)
