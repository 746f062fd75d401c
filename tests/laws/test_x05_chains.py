"""X5: transformers compose, fail safe, and what is moved meanwhile spares running requests."""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import App, Parts, Request
from tests.faces.asgi import Reply, ask, facts_of, memory_store

EDITIONS = ("2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01")
BY = ((3, 1), (2, -5), (7, 2))
"""What each hop multiplies by, and then adds."""


class Number(msgspec.Struct):
    n: int


class Chain:
    """An app of four editions, each joined to the next; a request may be held at any hop."""

    def __init__(self) -> None:
        self.app, self.store = App("shop"), memory_store()
        self.ran: list[tuple[str, int]] = []
        self.fault: tuple[int, str] | None = None
        self.held: int | None = None
        for edition in EDITIONS:
            self.app.handler("POST /n", version=edition)(self.handler(edition))
        for hop, (older, newer) in enumerate(itertools.pairwise(EDITIONS)):
            up, down = self.up(hop), self.down(hop)
            self.app.transformer("POST /n", older, newer, request_up=up, response_down=down)

    def handler(self, edition: str) -> Callable[..., Any]:
        async def handle(req: Request[Number]) -> dict[str, Any]:
            self.ran.append((edition, req.body.n))
            return {"n": req.body.n, "by": edition}

        return handle

    def up(self, hop: int) -> Callable[[Parts], Any]:
        times, plus = BY[hop]

        async def request_up(parts: Parts) -> Parts:
            if self.held == hop:
                self.held = None
                self.reached.set()
                await self.go.wait()
            parts.body["n"] = parts.body["n"] * times + plus
            _fail(self.fault == (hop, "request"))
            return parts

        return request_up

    def down(self, hop: int) -> Callable[[Parts], Any]:
        times, plus = BY[hop]

        async def response_down(parts: Parts) -> Parts:
            parts.body["n"] = (parts.body["n"] - plus) // times
            _fail(self.fault == (hop, "response"))
            return parts

        return response_down

    async def asked(self, start: int, n: int) -> Reply:
        return await ask(self.app, "POST", f"/n?v={EDITIONS[start]}", {"n": n})

    async def held_at(self, hop: int, start: int, n: int, then: Callable[[], object]) -> Reply:
        """Ask; once the request has come to *hop*, do *then*, and let it go on."""
        self.reached, self.go, self.held = asyncio.Event(), asyncio.Event(), hop
        running = asyncio.ensure_future(self.asked(start, n))
        await self.reached.wait()
        then()
        later = await self.asked(start, n)
        self.later = later
        self.go.set()
        return await running

    def promote(self, number: int) -> None:
        line = self.app.versions.table.handlers["post-n"].line
        self.app.versions.promote(str(line[number].id))

    def hops(self, reply: Reply) -> list[str]:
        facts = facts_of(self.store, reply)
        return [each.data.side for each in facts if each.type == "transform.applied"]


def _fail(fails: bool) -> None:  # noqa: FBT001 - whether it is this one
    if fails:
        raise ArithmeticError


def composed(start: int, end: int) -> tuple[int, int]:
    """Make one step of all: what they multiply by together, and add."""
    times, plus = 1, 0
    for by, more in BY[start:end]:
        times, plus = times * by, plus * by + more
    return times, plus


@pytest.mark.proves("X5", "TX-4")
def test_three_hops_are_one_step_of_all() -> None:
    assert composed(0, 3) == (42, -19)
    assert 5 * 42 - 19 == ((5 * 3 + 1) * 2 - 5) * 7 + 2


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Chain, asyncio.Runner]]:
    chain = Chain()
    with asyncio.Runner() as runner:
        runner.run(_started(chain))
        yield chain, runner
        runner.run(chain.app.stop())


async def _started(chain: Chain) -> None:
    chain.app.start(chain.store)


@pytest.mark.proves("X5", "TX-3", "TX-4", "TX-7", "PL-5")
@given(
    start=st.integers(0, 2),
    n=st.integers(-999, 999),
    fault=st.none() | st.tuples(st.integers(0, 2), st.sampled_from(["request", "response"])),
    at=st.integers(0, 2),
    moved=st.integers(0, 2),
)
def test_x05_a_chain_is_one_step_and_a_running_request_keeps_its_own(
    served: tuple[Chain, asyncio.Runner],
    start: int,
    n: int,
    fault: tuple[int, str] | None,
    at: int,
    moved: int,
) -> None:
    """Seen to fail with answers that go down in the order in which requests came up."""
    chain, runner = served
    chain.ran.clear()
    chain.fault = fault = fault if fault and fault[0] >= start else None
    at, moved = max(at, start), max(moved, start)
    if fault and fault[1] == "request":
        at = min(at, fault[0])  # it comes no further

    first = runner.run(chain.held_at(at, start, n, lambda: chain.promote(moved)))
    own = chain.hops(first)
    chain.promote(3)

    event(f"fault: {fault and fault[1]}")
    times, plus = composed(start, 3)
    whole = (EDITIONS[3], n * times + plus)
    if fault and fault[1] == "request":
        assert (first.status, first.json) == (200, {"n": n, "by": EDITIONS[start]})
        assert chain.ran[-1] == (EDITIONS[start], n)
        assert own == ["request"] * (fault[0] - start + 1)
    elif fault:
        assert (first.status, chain.ran[-1]) == (500, whole)
    else:
        assert (first.status, first.json) == (200, {"n": n, "by": EDITIONS[3]})
        assert (chain.ran[-1], own) == (
            whole,
            ["request"] * (3 - start) + ["response"] * (3 - start),
        )
    if fault is None:
        times, plus = composed(start, moved)
        assert chain.ran[0] == (EDITIONS[moved], n * times + plus), "who comes later goes there"
