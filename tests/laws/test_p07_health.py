"""P7: an unhealthy version is never placed while a healthy candidate exists."""

import asyncio
from typing import Any

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from eventstore.memory import MemoryStore
from runtime import App, HttpError
from runtime.control import control_stream
from runtime.ingress import Endpoint, Served
from runtime.ingress.bridging import Unavailable, place
from runtime.ingress.endpoints import Takes
from runtime.lifecycle.handlers import Joint
from runtime.testing import FakeClock, SeededIds, run_virtual
from runtime.timescape import HandlerRoutes, Resolution, fold_table
from runtime.timescape.chains import running
from runtime.transform_facts import TransformerRegistered
from runtime.version_facts import Compared, VersionDeactivated
from tests.builders import version_of
from tests.faces.asgi import Reply, ask, facts_of, memory_store
from tests.routes import HANDLER, at, deployed, history, version_id

# --- which candidate is taken: the pure part ---

EDITIONS = [f"2026-{month:02d}-01" for month in range(1, 6)]
NAMES = ("request_up", "response_down", "request_down", "response_up")
sides = st.tuples(*[st.booleans()] * 4)
"""Of each direction whether it breaks; and of each whether there is a function."""
numbers = st.frozensets(st.integers(1, 5), max_size=4)


def routes_of(steps: list[Any], retired: frozenset[int]) -> HandlerRoutes:
    facts = [deployed(1, EDITIONS[0])]
    for n, (breaks, there) in enumerate(steps, 1):
        rules = [("BR-11",) if broken else () for broken in breaks]
        pair = Compared(
            version_id(n), version_id(n + 1), rules[0], rules[1],
            request_back=rules[2], response_back=rules[3],
        )  # fmt: skip
        facts.append(deployed(n + 1, EDITIONS[n], diff=(pair,)))
        functions = tuple(name for name, given in zip(NAMES, there, strict=True) if given)
        if functions:
            fact = TransformerRegistered(EDITIONS[n - 1], EDITIONS[n], f"code-{n}", functions)
            facts.append((HANDLER, fact))
    facts += [(version_id(n), VersionDeactivated("manual")) for n in retired]
    return fold_table(history(*facts)).handlers[HANDLER]


def endpoint_of(routes: HandlerRoutes, absent: frozenset[int]) -> Endpoint:
    def nothing() -> None: ...

    code = {
        str(version.id): Served(version_of(nothing), Takes.NOTHING, 0)
        for version in routes.line
        if version.id.sequence not in absent
    }
    joints = {key: Joint(pair.fingerprint) for key, pair in routes.pairs.items()}
    return Endpoint(HANDLER, "POST /orders", code, joints)


def joined(steps: list[Any], start: int) -> list[int]:
    """List what is joined to *start*, newest first, by walking from it both ways."""
    up, down = [], []
    for n in range(start, len(steps) + 1):
        breaks, there = steps[n - 1]
        if (breaks[0] and not there[0]) or (breaks[1] and not there[1]):
            break
        up.append(n + 1)
    for n in range(start - 1, 0, -1):
        breaks, there = steps[n - 1]
        if (breaks[2] and not there[2]) or (breaks[3] and not there[3]):
            break
        down.append(n)
    return [*reversed(up), *down]


@pytest.mark.proves("P7", "PL-2", "PL-3")
@given(
    steps=st.lists(st.tuples(sides, sides), min_size=1, max_size=4),
    meant=st.integers(1, 5),
    unhealthy=numbers,
    retired=numbers,
    absent=numbers,
    source=st.sampled_from(["latest", "split", "default", "query", "header", "pin"]),
)
def test_p07_unhealthy_is_never_placed(
    steps: list[Any],
    meant: int,
    unhealthy: frozenset[int],
    retired: frozenset[int],
    absent: frozenset[int],
    source: str,
) -> None:
    meant = min(meant, len(steps) + 1)
    retired, absent = retired - {meant}, absent - {meant}
    routes = routes_of(steps, retired)
    version = routes.versions[version_id(meant)]
    found = Resolution(version, source, chain=running(routes, version, at(99)))
    avoided = frozenset(map(version_id, unhealthy))

    got = place(endpoint_of(routes, absent), routes, found, at(99), avoided)

    named = source in {"query", "header", "pin"}
    others = [] if named else [n for n in joined(steps, meant) if n not in retired | absent]
    runs = found.runs.id.sequence
    order = [*([runs] if runs != meant and runs not in absent else []), meant, *others]
    well = [n for n in order if n not in unhealthy]
    seen("none" if not well else "itself" if well[0] == meant else "another")
    if isinstance(got, Unavailable):
        assert (well, got.reason) == ([], "unhealthy")
    else:
        assert str(got.version.id) == version_id(well[0])
        assert got.failed_over == (order[0] in unhealthy)


# --- and in an app that runs ---


class Shop:
    """Two editions that are alike, on virtual time; each fails when it is told to."""

    def __init__(self) -> None:
        self.store: MemoryStore = memory_store()
        self.app = App("shop")
        self.failing: set[str] = set()
        for edition in ("2026-03-01", "2026-10-01"):
            self.app.handler("GET /hello", version=edition)(self._handler(edition))
        self.app.start(self.store, clock=FakeClock(), ids=SeededIds(1))
        line = self.app.versions.table.handlers["get-hello"].line
        self.ids = [str(version.id) for version in line]

    def _handler(self, edition: str) -> Any:
        async def hello() -> str:
            if edition in self.failing:
                raise HttpError(503, "down", "Down.")
            return edition

        return hello

    async def get(self, query: str = "") -> Reply:
        return await ask(self.app, "GET", f"/hello{query}")

    def healthy(self, position: int) -> set[str]:
        """Fold what the log says of health up to *position*."""
        state = dict.fromkeys(self.ids, "healthy")
        for event in self.store.read(control_stream("shop")):
            if event.type == "version.health_changed" and event.position < position:
                state[event.key or ""] = event.data.to
        return {version for version, is_now in state.items() if is_now != "unhealthy"}

    def placed(self, reply: Reply) -> tuple[str | None, int]:
        """Return what ran, and where in the log that stands."""
        resolved = next(e for e in facts_of(self.store, reply) if e.type == "version.resolved")
        return resolved.key, resolved.position


steps_of_time = st.lists(
    st.tuples(
        st.sampled_from([frozenset[int](), frozenset({0}), frozenset({1}), frozenset({0, 1})]),
        st.sampled_from(["", "?v=2026-03-01", "?v=2026-10-01"]),
        st.sampled_from([1, 20, 20]),
        st.sampled_from([0, 1, 29, 31, 61, 700]),
    ),
    max_size=3,
)


@pytest.mark.proves("P7", "PL-1", "PL-3", "AD-4")
@given(steps_of_time)
def test_p07_what_runs_is_healthy_by_the_log(steps: list[Any]) -> None:
    """Seen to fail with what was resolved before kept when the health of a version changes."""

    async def scenario() -> None:
        shop = Shop()
        for failing, query, times, wait_s in steps:
            shop.failing = {("2026-03-01", "2026-10-01")[n] for n in failing}
            replies = [await shop.get(query) for _ in range(times)]
            for reply in (replies[0], replies[-1]):
                version, position = shop.placed(reply)
                well = shop.healthy(position)
                meant = shop.ids["03" not in query]
                seen("failover" if version not in {meant, None} else str(reply.status))
                if version is None:
                    assert (reply.status, reply.code) == (503, "version-unavailable")
                    assert reply.header("retry-after") == "5"
                    assert not well & ({meant} if query else set(shop.ids))
                else:
                    assert version in well
                    assert version == meant or (not query and meant not in well)
            await asyncio.sleep(wait_s)
        await asyncio.sleep(361)
        assert (await shop.app.health()).status == "healthy"
        await shop.app.stop()

    run_virtual(scenario())


@pytest.mark.proves("P7", "PL-2", "PL-3", "TR-9", "AD-4")
def test_p07_by_example() -> None:
    async def scenario() -> None:
        shop = Shop()
        one, two = shop.ids
        shop.failing = {"2026-10-01"}
        failed = [await shop.get() for _ in range(20)]

        instead = await shop.get()
        named = await shop.get("?v=2026-10-01")
        other = await shop.get("?v=2026-03-01")
        shop.failing = set()
        await asyncio.sleep(29)
        held = await shop.get()
        await asyncio.sleep(2)
        back = await shop.get()

        assert {reply.status for reply in failed} == {503}
        assert (instead.status, instead.json) == (200, "2026-03-01")
        assert instead.header("timescape-degraded") == "?1"
        assert instead.header("timescape-version") == one
        assert instead.header("timescape-contract") == two
        placed = [e for e in facts_of(shop.store, instead) if e.type == "version.placed"]
        assert [(e.key, e.data.reason) for e in placed] == [(one, "unhealthy")]
        assert (named.status, named.code, named.json["reason"]) == (
            503, "version-unavailable", "unhealthy",
        )  # fmt: skip
        assert (other.json, other.header("timescape-degraded")) == ("2026-03-01", None)
        assert held.json == "2026-03-01"
        assert (back.json, back.header("timescape-degraded")) == ("2026-10-01", None)
        told = [
            (e.key, e.data.former, e.data.to, e.data.answers, e.data.failed)
            for e in shop.store.read(control_stream("shop"))
            if e.type == "version.health_changed"
        ]
        assert told == [
            (two, "healthy", "unhealthy", 20, 20),
            (two, "unhealthy", "healthy", 0, 0),
        ]
        await shop.app.stop()

    run_virtual(scenario())
