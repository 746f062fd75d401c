"""While the log cannot take what happens, nothing is begun."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import EventStoreError, StreamId
from runtime.ingress.counting import FIRST
from runtime.ingress.log_watch import MOST, OLDEST_US, LogWatch
from runtime.ingress_facts import RefusalsCounted
from runtime.lifecycle.finishing import Finishing
from runtime.testing import run_virtual
from tests.faces.asgi import ask, facts_of
from tests.faces.guarded import Site, on


class Slow:
    """A ticket that is redeemed when the log says so."""

    def __init__(self, ticket: Any, gate: asyncio.Event) -> None:
        self._ticket = ticket
        self._gate = gate

    async def durable(self) -> Any:
        await self._gate.wait()
        return await self._ticket.durable()

    def result(self, timeout_s: float | None = None) -> Any:
        return self._ticket.result(timeout_s)


class Disk:
    """A log on a disk that may be slow, or full, or both."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.code: str | None = None
        """Of the error that it raises."""
        self.gate = asyncio.Event()
        self.gate.set()

    def append(self, *args: Any, **more: Any) -> Any:
        if self.code is not None:
            raise EventStoreError(self.code, "It takes nothing.", "Make room.", {})
        return Slow(self._store.append(*args, **more), self.gate)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def on_disk() -> tuple[Site, Disk]:
    site = Site()
    disk = Disk(site.store)
    site.store = disk  # type: ignore[assignment]
    site.handler()
    return site, disk


@pytest.mark.proves("AD-2", "RS-4")
def test_a_log_that_is_behind_lets_nobody_in_until_it_has_caught_up() -> None:
    site, disk = on_disk()

    async def work(_: Site) -> None:
        disk.gate.clear()
        first = asyncio.create_task(ask(site.app, "GET", "/things"))
        await asyncio.sleep(1)
        second = asyncio.create_task(ask(site.app, "GET", "/things"))
        await asyncio.sleep(0.001)
        assert len(site.ran) == 2
        refused = [await ask(site.app, "GET", "/things") for _ in range(3)]
        assert {(each.status, each.code) for each in refused} == {(503, "overloaded")}
        assert {each.header("retry-after") for each in refused} == {"1"}
        assert len(site.ran) == 2
        disk.gate.set()
        assert [(await each).status for each in (first, second)] == [200, 200]
        assert (await ask(site.app, "GET", "/things")).status == 200

    on(site, work)
    events = [e for row in site.store.read_log(kinds=["control"]) for e in row.events]
    counted = [(e.key, e.data) for e in events if isinstance(e.data, RefusalsCounted)]
    assert counted == [("overloaded", RefusalsCounted(3, "get-things"))]


@pytest.mark.proves("AD-2", "SD-3", "RS-4")
@pytest.mark.parametrize("code", ["store-full", "log-fenced", "log-failed"])
def test_a_log_that_takes_nothing_stops_handlers_and_one_request_a_second_tries_it(
    code: str,
) -> None:
    site, disk = on_disk()

    async def work(_: Site) -> None:
        # By it /readyz goes: tests/faces/test_admin.py.
        finishing = site.app.controller.finishing
        disk.code = code
        lost = await ask(site.app, "GET", "/things")
        ran = len(site.ran)
        replies = [await ask(site.app, "GET", "/things") for _ in range(FIRST + 5)]
        assert {each.code for each in [lost, *replies]} == {"log-unavailable"}
        assert {each.header("retry-after") for each in replies} == {"1"}
        assert len(site.ran) == ran
        assert finishing.refused == code
        disk.code = None
        assert (await ask(site.app, "GET", "/things")).code == "log-unavailable"
        await asyncio.sleep(1.001)
        good = await ask(site.app, "GET", "/things")
        assert (good.status, len(site.ran)) == (200, ran + 1)
        assert facts_of(site.store, good)[-1].type == "response.sent"
        assert finishing.refused is None

    on(site, work)


@pytest.mark.proves("AD-2")
@pytest.mark.parametrize("code", ["store-busy", "too-large"])
def test_what_the_log_refuses_of_one_request_stops_no_other(code: str) -> None:
    site, disk = on_disk()

    async def work(_: Site) -> list[str]:
        disk.code = code
        lost = await ask(site.app, "GET", "/things")
        disk.code = None
        return [lost.code, (await ask(site.app, "GET", "/things")).json]

    assert on(site, work) == ["log-unavailable", "done"]


MANY = [StreamId(UUID(int=n)) for n in range(MOST + 1)]


@pytest.mark.proves("AD-2")
@given(
    st.lists(st.integers(0, 3 * OLDEST_US), max_size=6),
    st.integers(0, 4 * OLDEST_US),
    st.sampled_from([None, "store-full"]),
)
def test_the_oldest_commit_and_their_number_decide(
    since: Sequence[int], now_us: int, refused: str | None
) -> None:
    finishing = Finishing(lambda: now_us)
    finishing.refused = refused
    finishing.pending.update({StreamId(UUID(int=n)): each for n, each in enumerate(sorted(since))})

    async def probe() -> bool:
        return False

    watch = LogWatch(finishing, probe)
    late = any(now_us - each > OLDEST_US for each in since)
    assert watch.is_pressed(now_us) == (refused is not None or late)
    finishing.pending.update(dict.fromkeys(MANY, now_us))
    assert watch.is_pressed(now_us)
    refusal = run_virtual(watch.refusal(now_us))
    assert refusal is not None
    assert refusal.code == ("overloaded" if refused is None else "log-unavailable")
