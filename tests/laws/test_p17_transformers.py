"""P17, X5: data goes up a chain hop by hop, and the answer comes down it, or neither does."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from runtime import Parts, Request
from runtime.ingress.bridging import crossed
from runtime.lifecycle.binding import bind
from runtime.lifecycle.handlers import Crossing, Hop, Joint
from runtime.testing import run_virtual
from runtime.timescape import (
    Chain,
    ChainTooLong,
    HandlerRoutes,
    NoTransformPath,
    Resolution,
    Selector,
    chain,
    fold_table,
    resolve,
)
from runtime.transform_facts import TransformerRegistered
from runtime.version_facts import Compared, VersionDeactivated
from tests.builders import version_of
from tests.controlled import Controlled
from tests.routes import HANDLER, at, deployed, history, version_id

# --- which way data goes: the route table ---

EDITIONS = [f"2026-{month:02d}-01" for month in range(1, 13)]
BREAKS: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    ((), ()), (("BR-11",), ()), ((), ("BR-12",)), (("BR-11",), ("BR-12",)),
]  # fmt: skip
FUNCTIONS: list[tuple[str, ...]] = [
    (),
    ("request_up",),
    ("response_down",),
    ("request_up", "response_down"),
]

steps = st.lists(st.tuples(st.sampled_from(BREAKS), st.sampled_from(FUNCTIONS)), max_size=11)


def routes_of(said: list[Any], retired: frozenset[int] = frozenset(), **more: Any) -> HandlerRoutes:
    """Give a line of versions, one an edition, and what lies between them."""
    facts = [deployed(1, EDITIONS[0], **more)]
    for n, (breaks, functions) in enumerate(said, 1):
        one, two = version_id(n), version_id(n + 1)
        facts.append(deployed(n + 1, EDITIONS[n], diff=(Compared(one, two, *breaks),), **more))
        if functions:
            joined = TransformerRegistered(EDITIONS[n - 1], EDITIONS[n], f"code-{n}", functions)
            facts.append((HANDLER, joined))
    facts += [(version_id(n), VersionDeactivated("manual")) for n in retired]
    return fold_table(history(*facts)).handlers[HANDLER]


def is_bridged(step: Any) -> bool:
    (request, response), functions = step
    return (not request or "request_up" in functions) and (
        not response or "response_down" in functions
    )


def expected_to_run(said: list[Any], start: int, current: int, retired: frozenset[int]) -> int:
    """Say which version runs for callers of *start*, by trying each from the newest down."""
    for n in range(current, start, -1):
        way = said[start - 1 : n - 1]
        joined = any(functions for _, functions in way)
        if n not in retired and len(way) <= 10 and joined and all(map(is_bridged, way)):
            return n
    return start


@pytest.mark.proves("P17", "TR-7", "TX-4")
@given(said=steps, data=st.data())
def test_p17_the_newest_that_is_joined_runs(said: list[Any], data: st.DataObject) -> None:
    """Seen to fail with callers led to a version that is out of service."""
    count = len(said) + 1
    start = data.draw(st.integers(1, count))
    retired = data.draw(st.frozensets(st.integers(1, max(1, count - 1)), max_size=3)) - {
        start,
        count,
    }
    routes = routes_of(said, retired)

    answer = resolve(routes, [Selector("query", "v", version_id(start))], now_us=at(99))

    assert isinstance(answer, Resolution)
    runs = expected_to_run(said, start, count, retired)
    seen("itself" if runs == start else f"{runs - start} steps")
    assert str(answer.version.id) == version_id(start)
    assert str(answer.runs.id) == version_id(runs)


@pytest.mark.proves("P17", "TX-4", "X5")
@given(said=steps, data=st.data())
def test_p17_a_chain_is_its_steps_and_downwards_the_same_reversed(
    said: list[Any], data: st.DataObject
) -> None:
    """Seen to fail with the way down in the order of the way up."""
    low = data.draw(st.integers(1, len(said) + 1))
    high = data.draw(st.integers(low, len(said) + 1))
    routes = routes_of(said)
    one, two = routes.line[low - 1], routes.line[high - 1]

    up, down = chain(routes, one, two), chain(routes, two, one)

    way = said[low - 1 : high - 1]
    missing = [n for n, step in enumerate(way, low) if not is_bridged(step)]
    hops = sum(bool(functions) for _, functions in way)
    if missing:
        assert isinstance(up, NoTransformPath)
        assert (up.older, up.newer) == (version_id(missing[0]), version_id(missing[0] + 1))
        assert down == up
    elif hops > 10:
        assert up == down == ChainTooLong(hops)
    else:
        assert isinstance(up, Chain)
        assert isinstance(down, Chain)
        assert len(up.steps) == high - low
        assert len(up.hops) == hops
        assert down.steps == up.steps[::-1]


@pytest.mark.proves("TR-7", "TR-8")
def test_what_stands_in_for_a_version_that_is_gone() -> None:
    """A deactivated version's callers go up even where nothing has to be changed; not if `own`."""
    asked = [Selector("query", "v", version_id(1))]
    free, gone = [(BREAKS[0], ())], frozenset({1})

    found = resolve(routes_of(free, gone), asked, now_us=at(99))
    assert isinstance(found, Resolution)
    assert str(found.runs.id) == version_id(2)
    for said, more in ((free, {"run": "own"}), ([(BREAKS[1], ())], {})):
        answer = resolve(routes_of(said, gone, **more), asked, now_us=at(99))
        assert getattr(answer, "code", None) == "version-deactivated"


@pytest.mark.proves("TX-1")
def test_a_pair_of_editions_goes_on_joining_them_after_a_patch() -> None:
    pair = (HANDLER, TransformerRegistered("2026-01-01", "2026-02-01", "code", FUNCTIONS[3]))
    one, two, patch = (version_id(n) for n in (1, 2, 3))
    routes = fold_table(
        history(
            deployed(1, "2026-01-01"),
            deployed(2, "2026-02-01", diff=(Compared(one, two, ("BR-11",)),)),
            pair,
            deployed(
                3,
                "2026-01-01",
                activation="edition",
                diff=(Compared(one, patch), Compared(patch, two, ("BR-11",))),
            ),
        )
    ).handlers[HANDLER]

    for asked in (one, patch):
        answer = resolve(routes, [Selector("query", "v", asked)], now_us=at(99))
        assert isinstance(answer, Resolution)
        assert str(answer.runs.id) == two
        assert [str(hop.older.id) for hop in answer.chain.hops] == [patch]


# --- what becomes of it on the way: a running request ---

Number = tuple[int, int]
hops = st.lists(st.tuples(st.integers(1, 9), st.integers(-9, 9)), min_size=1, max_size=10)


def hop_of(number: int, by: Number, fault: str | None) -> Hop:
    """Make a hop that multiplies and adds on the way up, and undoes it on the way down."""
    times, plus = by

    def request_up(parts: Parts) -> Parts:
        parts.body["n"] = parts.body["n"] * times + plus
        _fail(fault, "request")
        return parts

    async def response_down(parts: Parts) -> Parts:
        parts.body["n"] = (parts.body["n"] - plus) // times
        _fail(fault, "response")
        return parts

    joint = Joint(f"code-{number}", bind(request_up, PARTS), bind(response_down, PARTS))
    return Hop(f"v{number}", f"v{number + 1}", joint)


PARTS = frozenset({"parts"})


def _fail(fault: str | None, side: str) -> None:
    if fault == side:
        raise ArithmeticError


class Body(msgspec.Struct):
    n: int


def handler(ran: list[tuple[str, int]], name: str) -> Callable[..., Any]:
    async def handle(req: Request[Body]) -> dict[str, Any]:
        ran.append((name, req.body.n))
        return {"n": req.body.n, "by": name}

    return handle


@pytest.mark.proves("P17", "X5", "TX-3", "TX-4", "TX-7", "TX-8")
@given(way=hops, n=st.integers(-1000, 1000), data=st.data())
def test_p17_hop_by_hop_or_not_at_all(way: list[Number], n: int, data: st.DataObject) -> None:
    at_hop = data.draw(st.integers(0, len(way) - 1))
    side = data.draw(st.sampled_from([None, "request", "response"]))
    may_fall_back = data.draw(st.booleans())
    all_hops = tuple(
        hop_of(number, by, side if number == at_hop else None) for number, by in enumerate(way)
    )
    ran: list[tuple[str, int]] = []
    old = version_of(handler(ran, "old"), body=Body, version="v0")
    new = version_of(handler(ran, "new"), body=Body, version=f"v{len(way)}")
    runs = crossed(new, Crossing(old, all_hops, may_fall_back))

    told = run_virtual(Controlled(runs, replayed=False).send(b'{"n": %d}' % n))

    seen(f"{side} fails" if side else "all well")
    forward = n
    for times, plus in way:
        forward = forward * times + plus
    applied = [event for event in told.facts if event.type == "transform.applied"]
    up = [event.key for event in applied if event.data.side == "request"]
    down = [event.key for event in applied if event.data.side == "response"]
    names = [f"v{number}" for number in range(len(way) + 1)]
    assert up == names[1 : 1 + (at_hop + 1 if side == "request" else len(way))]
    if side == "request":
        assert (ran, down) == ([("old", n)] if may_fall_back else [], [])
        assert told.answer.status == (200 if may_fall_back else 500)
        assert told.answer.fell_back == may_fall_back
        assert (told.json == {"n": n, "by": "old"}) == may_fall_back
    else:
        assert ran == [("new", forward)]
        assert down == names[-2::-1][: len(way) - at_hop if side else len(way)]
        assert told.answer.status == (500 if side else 200)
        assert (told.json == {"n": n, "by": "new"}) == (side is None)
