"""Bodies that come slowly, compressed, or as something else than JSON."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import App, Request
from runtime.errors import PolicySyntaxError
from runtime.ingress.bodies import WHOLE_S, Coming, read_body
from runtime.ingress.heads import Head
from runtime.testing import run_virtual
from runtime.timescape import Refusal
from tests.faces.asgi import JSON, Message, Reply, names_of, reply_of, scope_of
from tests.faces.guarded import Site, on

Piece = tuple[float, bytes]
"""How long it takes to come, in seconds, and what it is."""


def dripping(pieces: Iterable[Piece], size: int) -> Callable[[], Awaitable[Message]]:
    """Make a connection on which a body of *size* bytes comes so, and then nothing more."""
    left = iter(pieces)
    came = 0

    async def receive() -> Message:
        nonlocal came
        wait_s, piece = next(left, (None, b""))
        if wait_s is None:
            await asyncio.Event().wait()
        else:
            await asyncio.sleep(wait_s)
        came += len(piece)
        return {"type": "http.request", "body": piece, "more_body": came < size}

    return receive


async def put(app: App, target: str, pieces: Iterable[Piece], size: int) -> tuple[Reply, float]:
    """Send a JSON body so; say what was answered and after how many seconds."""
    loop, out = asyncio.get_running_loop(), list[Message]()

    async def send(message: Message) -> None:
        out.append(message)

    head = [("host", "shop.example"), JSON, ("content-length", str(size))]
    began = loop.time()
    await app(scope_of("PUT", target, head), dripping(pieces, size), send)
    return reply_of(out), loop.time() - began


# --- time ---

WAITS = st.sampled_from([0.0, 0.13, 1.07, 3.71, 6.05])
"""No sum of them is a limit: at the very moment either may come first."""


@pytest.mark.proves("IN-3")
def test_a_body_that_never_comes_is_given_up_and_gives_its_place_free() -> None:
    site = Site(max_in_flight=1)
    site.handler("PUT /things")

    async def work(_: Site) -> list[tuple[Reply, float]]:
        return [
            await put(site.app, "/things", [], 50),
            await put(site.app, "/things", [(4.9, b"[1,")], 50),
            await put(site.app, "/things", [(4.9, b"[1,"), (0.1, b"2]")], 5),
        ]

    (never, never_s), (stops, stops_s), (slow, slow_s) = on(site, work)
    assert (never.status, never.code, never_s) == (408, "request-timeout", 5.0)
    assert never.header("connection") == "close"
    assert names_of(site.store, never)[-1] == "response.sent"
    assert (stops.status, stops_s) == (408, pytest.approx(5 + 3 / 1024))
    assert (slow.status, slow_s) == (200, pytest.approx(5.0))
    assert len(site.ran) == 1


@pytest.mark.proves("IN-3")
def test_a_body_that_is_fast_enough_has_to_be_whole_in_its_time_all_the_same() -> None:
    site = Site(body_timeout=12.0)
    site.handler("PUT /things")
    site.handler("PUT /short", body_timeout=2)
    drops = [(1.0, b" " * 2_000) for _ in range(100)]

    async def work(_: Site) -> list[tuple[Reply, float]]:
        return [
            await put(site.app, "/things", drops, 200_000),
            await put(site.app, "/short", drops, 200_000),
        ]

    (long, long_s), (short, short_s) = on(site, work)
    assert (long.status, long_s) == (408, 12.0)
    assert (short.status, short_s) == (408, 2.0)
    assert site.app.manifests[1].policies.body_timeout_s == 2.0


@pytest.mark.proves("IN-3")
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.13, 1.07, 3.71, 6.05]), st.sampled_from([0, 1, 999, 5_000])
        ),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([3.0, 8.0, 30.0]),
)
def test_a_body_is_read_whole_or_given_up_at_the_first_moment_it_is_too_slow(
    drops: list[tuple[float, int]], whole_s: float
) -> None:
    pieces = [(wait_s, b"x" * size) for wait_s, size in drops]
    size = sum(n for _, n in drops) or 1

    async def scenario() -> tuple[bytes | Refusal, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        body = await read_body(
            dripping(pieces, size), Head((), length=size), 1 << 20, whole_s, Coming()
        )
        return body, loop.time() - began

    body, took_s = run_virtual(scenario())
    now_s, came, allowed_s = 0.0, 0, min(5.0, whole_s)
    for wait_s, n in drops:
        if now_s + wait_s > allowed_s or came == size:
            break
        now_s, came = now_s + wait_s, came + n
        allowed_s = min(whole_s, 5.0 + came / 1024)
    if isinstance(body, bytes):
        assert came == size == len(body)
        assert took_s == pytest.approx(now_s)
    else:
        assert body.code == "request-timeout"
        assert took_s == pytest.approx(allowed_s)


@pytest.mark.proves("IN-3")
def test_where_a_server_steps_without_a_task_a_slow_body_is_given_up_too() -> None:
    async def scenario() -> object:
        loop = asyncio.get_running_loop()
        coroutine = read_body(dripping([], 5), Head((), length=5), 10, WHOLE_S, Coming())
        ended = loop.create_future()

        def step(_: object = None) -> None:
            try:
                waits: Any = coroutine.send(None)
            except StopIteration as end:
                ended.set_result(end.value)
            else:
                waits.add_done_callback(step)

        loop.call_soon(step)
        return await ended

    found = run_virtual(scenario())
    assert isinstance(found, Refusal)
    assert found.status == 408


@pytest.mark.proves("IN-3")
def test_to_be_cancelled_while_a_body_comes_is_not_to_be_late() -> None:
    async def scenario() -> None:
        reading = asyncio.create_task(
            read_body(dripping([], 5), Head((), length=5), 10, WHOLE_S, Coming())
        )
        await asyncio.sleep(1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    run_virtual(scenario())


@pytest.mark.proves("SD-1", "GC-6", "IN-5")
def test_a_body_that_still_comes_when_the_time_of_a_stop_is_over_is_refused() -> None:
    site = Site()
    site.handler("PUT /things", "done")

    async def work(site: Site) -> tuple[Reply, float, bool]:
        loop = asyncio.get_running_loop()
        pieces = [(0.5, b" " * 5_000)] * 80
        putting = asyncio.create_task(put(site.app, "/things", pieces, 1_000_000))
        await asyncio.sleep(1)
        began = loop.time()
        clean = await site.app.stop()
        took_s = loop.time() - began
        return (await putting)[0], took_s, clean

    reply, took_s, clean = on(site, work)

    assert (reply.status, reply.code) == (503, "shutting-down")
    assert (reply.header("retry-after"), reply.header("connection")) == ("1", "close")
    assert took_s == pytest.approx(10, abs=0.1)
    assert not clean
    assert site.ran == []
    assert names_of(site.store, reply)[-1] == "response.sent"


@pytest.mark.proves("IN-3", "MG-8")
@pytest.mark.parametrize("wrong", [0, -1, 3_601, True, "soon", float("nan")])
def test_a_time_for_bodies_that_cannot_be_is_refused(wrong: Any) -> None:
    with pytest.raises(PolicySyntaxError):
        App("shop", body_timeout=wrong)
    with pytest.raises(PolicySyntaxError):
        App("shop").handler("PUT /x", body_timeout=wrong)(_takes)


async def _takes(req: Request[Any]) -> None: ...
