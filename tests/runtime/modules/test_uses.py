"""Uses of grants are counted, and the log is told of them."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.timeline.module_grants import grant_lines
from runtime import App, Module, ModuleContext, grant
from runtime.control import control_stream
from runtime.errors import CapabilityDeniedError
from runtime.isolation import module_stream
from runtime.isolation.dialling import may_dial, ranges_of
from runtime.isolation.uses import EACH_S, UseCounts
from runtime.module_facts import CapabilityUsed
from runtime.secrets import Found
from runtime.testing import run_virtual
from tests.faces.asgi import memory_store

uses = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=12)


@pytest.mark.proves("CP-5")
@given(uses=uses)
def test_every_use_is_told_once_the_first_at_once_and_the_rest_within_a_minute(
    uses: list[tuple[str, int]],
) -> None:
    async def scenario() -> None:
        told: list[tuple[float, CapabilityUsed]] = []
        loop = asyncio.get_running_loop()
        counts = UseCounts(lambda fact: told.append((loop.time(), fact)))
        used: list[tuple[float, str]] = []
        for pattern, pause_s in uses:
            counts.note("fs.read", pattern)
            used.append((loop.time(), pattern))
            assert pattern in {each[1] for _, fact in told for each in fact.uses}
            await asyncio.sleep(pause_s)
            settled = Counter(name for at, name in used if at < loop.time() - EACH_S)
            assert settled <= _sums(told)
        counts.flush()
        assert _sums(told) == Counter(name for _, name in used)
        before = len(told)
        await asyncio.sleep(2 * EACH_S)
        assert len(told) == before

    run_virtual(scenario())


def _sums(told: list[tuple[float, CapabilityUsed]]) -> Counter[str]:
    sums: Counter[str] = Counter()
    for _, fact in told:
        for _, pattern, count in fact.uses:
            sums[pattern] += count
    return sums


class Secrets:
    """Knows everything."""

    async def get(self, name: str) -> Found | None:
        return Found("correct horse")


@pytest.mark.proves("CP-5", "MM-7")
def test_a_modules_uses_are_in_the_log_and_what_was_denied_is_no_use() -> None:
    module = Module(
        "m", capabilities=[grant("secret.read", "a", "*"), grant("fs.read", "/nowhere")]
    )

    @module.method
    async def read(ctx: ModuleContext, name: str) -> None:
        await ctx.secret(name)

    async def scenario() -> Any:
        store = memory_store()
        app = App("shop", secrets=Secrets())
        app.module(module)
        app.start(store)
        await app.begin()
        method, host = app._modules.methods("m")["read"], app._hosting.hosts["m"]
        for name in ("a", "b", "a"):
            await host.call(method, (name,), {})
        app.grants.revoke("m", "secret.read", "*")
        with pytest.raises(CapabilityDeniedError):
            await host.call(method, ("b",), {})
        await app.stop()
        return store

    store = run_virtual(scenario())
    events = [*store.read(control_stream("shop")), *store.read(module_stream("shop"))]
    lines = [(each.pattern, each.in_force, each.uses) for each in grant_lines(events)]

    assert lines == [("/nowhere", True, 0), ("*", False, 3), ("a", True, 2)]
    assert [e.type for e in events][-1] == "module.stopped"


@pytest.mark.proves("CP-5", "CP-3")
def test_a_range_is_used_by_the_addresses_that_need_it() -> None:
    ranges = [grant("net.connect", "10.0.0.0/8:80", "example.com:80", "10.1.0.0/16:80")]

    assert ranges_of("10.1.2.3", 80, ranges) == ["10.0.0.0/8:80", "10.1.0.0/16:80"]
    assert ranges_of("10.2.2.3", 81, ranges) == []
    assert ranges_of("93.184.215.14", 80, ranges) == []
    assert may_dial("93.184.215.14", 80, ranges)
    assert not may_dial("10.2.2.3", 81, ranges)
