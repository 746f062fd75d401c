"""P34: within a window at most `limit` requests pass, and a refusal says exactly how long."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from runtime.app.guards import guard_of
from runtime.effects.virtual_loop import VirtualLoop
from runtime.policies import Outcome, Window, charge
from runtime.policy_facts import PolicyDecided
from tests.faces.asgi import Reply, exchange, scope_of
from tests.faces.guarded import Site

SECOND_US = 1_000_000
LIMITS = {"GET /two": "2/minute", "GET /one": "1/minute", "GET /none": "0/minute"}
ROUTES = ["GET /two", "GET /two", "GET /two", "GET /one", "GET /none"]

visits = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 0.000_001, 29.999_999, 30.0, 59.999_999, 60.0]),
        st.sampled_from(["visit", "visit", "visit", "restart"]),
        st.sampled_from(ROUTES),
        st.sampled_from(["2001:db8::1", "2001:db8::2", "192.0.2.1"]),
    ),
    max_size=8,
)
VISIT = (0.0, "visit", "GET /two", "192.0.2.1")
NETWORK = {"2001:db8::2": "2001:db8::1"}
"""Addresses that are counted as another one."""


async def visit(site: Site, route: str, address: str) -> Reply:
    method, _, path = route.partition(" ")
    scope = scope_of(method, path, [("host", "shop.example")])
    scope["client"] = (address, 4_000)
    return await exchange(site.app, scope, [b""])


class Count:
    """The most naive account: all visits that were let in, by caller, each with its time."""

    def __init__(self) -> None:
        self.windows: dict[Any, list[list[int]]] = {}

    def lets_in(self, who: Any, limit: int, now_us: int) -> bool:
        windows = self.windows.setdefault(who, [])
        is_open = bool(windows) and now_us - windows[-1][0] < 60 * SECOND_US
        return limit > 0 and (not is_open or len(windows[-1]) < limit)

    def visit(self, who: Any, now_us: int) -> None:
        windows = self.windows[who]
        if windows and now_us - windows[-1][0] < 60 * SECOND_US:
            windows[-1].append(now_us)
        else:
            windows.append([now_us])


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Site, VirtualLoop]]:
    site, loop = Site(auth=[]), VirtualLoop()
    for route, limit in LIMITS.items():
        site.handler(route, limits=limit)
    loop.run_until_complete(started(site))
    yield site, loop
    loop.run_until_complete(site.app.stop())
    loop.close()


async def started(site: Site) -> None:
    site.start()


def forget(site: Site) -> None:
    """Drop all windows, and read them out of the log as a start does."""
    app, edge = site.app, site.app.edge
    edge.guard.close()
    edge.guard = guard_of(app.name, app._authenticating, app._declared, site.store, site.clock)


async def follow(site: Site, drawn: list[tuple[float, str, str, str]]) -> Count:
    count = Count()
    for wait_s, what, route, address in drawn:
        site.clock.step(wait_s)
        if what == "restart":
            forget(site)
            continue
        now_us, limit = site.clock(), int(LIMITS[route][0])
        who = route, NETWORK.get(address, address)
        expected = count.lets_in(who, limit, now_us)
        event(f"lets in: {expected}")
        reply = await visit(site, route, address)
        assert reply.status == (200 if expected else 429)
        if expected:
            count.visit(who, now_us)
            continue
        wait = int(reply.header("retry-after") or "")
        assert limit == 0 or count.lets_in(who, limit, now_us + wait * SECOND_US)
        assert wait == 1 or not count.lets_in(who, limit, now_us + (wait - 1) * SECOND_US)
    return count


def charged(site: Site, after: int) -> int:
    """Count what the log says was let in; no window may have let in more than it may."""
    used: Counter[Any] = Counter()
    for row in site.store.read_log(after=after, limit=10_000, kinds=("request",)):
        facts = [e for e in row.events if isinstance(e.data, PolicyDecided) and e.key == "allow"]
        for fact in facts:
            (window,) = fact.data.windows
            key = row.events[0].data.handler, fact.data.caller, window.start
            used[key] += 1
            assert window.used == used[key] <= int(window.limit[0])
    return used.total()


@pytest.mark.proves("P34", "RL-1", "RL-2", "RL-4", "RL-5")
@given(drawn=visits)
@example(drawn=[VISIT, VISIT, (0.0, "restart", *VISIT[2:]), VISIT])
def test_p34_within_a_window_at_most_the_limit_passes(
    served: tuple[Site, VirtualLoop], drawn: list[tuple[float, str, str, str]]
) -> None:
    """Seen to fail with one more let in than the limit says."""
    site, loop = served
    site.clock.step(60)  # what the last example opened is over
    before = site.store.end()
    count = loop.run_until_complete(follow(site, drawn))

    assert charged(site, before) == sum(len(w) for each in count.windows.values() for w in each)


@pytest.mark.proves("P34", "RL-1")
def test_a_window_is_open_until_just_before_its_end() -> None:
    minute = 60 * SECOND_US
    first = charge(None, 1_000, 2, minute)
    second = charge(first.window, 1_000 + minute - 1, 2, minute)
    third = charge(second.window, 1_000 + minute - 1, 2, minute)
    fourth = charge(third.window, 1_000 + minute, 2, minute)

    assert first == Outcome(Window(1_000, 1), allowed=True, remaining=1, reset_us=minute)
    assert second == Outcome(Window(1_000, 2), allowed=True, remaining=0, reset_us=1)
    assert third == Outcome(Window(1_000, 2), allowed=False, remaining=0, reset_us=1)
    assert fourth == Outcome(Window(1_000 + minute, 1), allowed=True, remaining=1, reset_us=minute)
    assert charge(None, 5, 0, minute) == Outcome(None, allowed=False, remaining=0, reset_us=minute)
