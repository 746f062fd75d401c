"""Which generation of a module a request gets, and when an old one ends; in virtual time."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.isolation.generations import DRAIN_S, Generations
from runtime.isolation.host import Host
from runtime.isolation.tier import Counts, Crashed
from runtime.manifests.module import ModuleManifest, module_from_json, module_to_json
from runtime.manifests.module_changes import broken
from runtime.modules import CALL, About, HostedCall, Method, Module
from runtime.testing import run_virtual
from tests.runtime.modules.test_hosts import Told, declared


class Numbered:
    """A tier that answers with its number, once it is let."""

    enforced = ()
    counts = Counts()
    running = 0

    def __init__(self, number: int) -> None:
        self.number = number
        self.stopped_at: float | None = None
        self.gate: asyncio.Event | None = None

    async def start(self) -> None:
        self.running = 1

    async def attempt(self, method: Method, given: Any, call: HostedCall, s: float) -> Any:
        if self.gate is not None:
            await self.gate.wait()
        return self.number

    async def is_healthy(self) -> bool:
        return True

    async def end(self, reason: str) -> None: ...

    async def stop(self) -> bool:
        self.running = 0
        self.stopped_at = asyncio.get_running_loop().time()
        return True


class Case:
    """A module with generations, and requests that run."""

    def __init__(self) -> None:
        self.module = declared()
        self.tiers: list[Numbered] = []
        self.open: set[str] = set()
        self.generations = Generations(self.host(), self.open.__contains__)

    def host(self) -> Host:
        tier = Numbered(len(self.tiers) + 1)
        self.tiers.append(tier)

        def make(_: Crashed) -> Numbered:
            return tier

        return Host(self.module.manifest, make, Told(), tier.number)

    async def begin(self) -> None:
        await self.generations.current.start()

    async def switch(self) -> None:
        host = self.host()
        await host.start()
        self.generations.switch(host)

    async def call(self, request: str) -> Any:
        CALL.set(HostedCall(About(request_id=request)))
        return await self.generations.call(self.module.methods["once"].method, (1,), {})


steps = st.lists(
    st.one_of(
        st.just("switch"), st.tuples(st.sampled_from(["call", "end"]), st.sampled_from("abcde"))
    ),
    max_size=8,
)


@pytest.mark.proves("MO-7")
@given(steps=steps)
def test_a_request_keeps_the_generation_it_first_called_and_old_ones_end_with_theirs(
    steps: list[Any],
) -> None:
    async def scenario() -> None:
        case, pinned, names = Case(), dict[str, int](), Counter[str]()
        await case.begin()
        for step in steps:
            match step:
                case "switch":
                    await case.switch()
                case "call", letter:
                    # No request has the id of one that ended.
                    request = f"{letter}{names[letter]}"
                    case.open.add(request)
                    expected = pinned.setdefault(request, len(case.tiers))
                    assert await case.call(request) == expected
                case "end", letter:
                    request = f"{letter}{names[letter]}"
                    names[letter] += 1
                    case.open.discard(request)
                    pinned.pop(request, None)
                case other:
                    pytest.fail(f"no step: {other}")
            await asyncio.sleep(1)
            held = {*pinned.values(), len(case.tiers)}
            now = asyncio.get_running_loop().time()
            event(f"{len(held)} generations")
            if now < DRAIN_S:
                assert {tier.number for tier in case.tiers if tier.running} == held
        await case.generations.stop()
        assert not any(tier.running for tier in case.tiers)

    run_virtual(scenario())


@pytest.mark.proves("MO-7")
def test_an_old_generation_has_thirty_seconds_and_calls_outside_of_requests_get_the_new() -> None:
    async def scenario() -> None:
        case = Case()
        await case.begin()
        case.open.add("a")
        assert await case.call("a") == 1
        before = asyncio.get_running_loop().time()
        await case.switch()

        assert await case.call("") == 2
        assert await case.call("a") == 1
        await case.generations.drained()
        stopped = case.tiers[0].stopped_at
        assert stopped is not None
        assert stopped - before == pytest.approx(DRAIN_S)
        # Its request still runs, and gets what there is.
        assert await case.call("a") == 2
        await case.generations.stop()

    run_virtual(scenario())


@pytest.mark.proves("MO-7")
def test_a_call_that_runs_holds_its_generation_and_many_callers_are_forgotten() -> None:
    async def scenario() -> None:
        case = Case()
        await case.begin()
        for n in range(5_000):
            await case.call(f"r{n}")
        assert len(case.generations._current.callers) <= 1_025
        gate = case.tiers[0].gate = asyncio.Event()
        long = asyncio.ensure_future(case.call(""))
        await asyncio.sleep(0)
        await case.switch()
        await asyncio.sleep(5)
        assert case.tiers[0].running
        gate.set()

        assert await long == 1
        await case.generations.drained()
        assert not case.tiers[0].running
        await case.generations.stop()

    run_virtual(scenario())


# --- what a new generation breaks ---


def manifest(**methods: Any) -> ModuleManifest:
    module = Module("m")
    for name, function in methods.items():
        function.__name__ = name
        module.method(function)
    return module.manifest


def old(ctx: Any, sku: str, count: int = 1) -> int:
    return 1


def more(ctx: Any, sku: str, count: int = 1, note: str = "") -> int:
    return 1


def wider(ctx: Any, sku: str | None, count: float = 1) -> int:
    return 1


def needs_more(ctx: Any, sku: str, count: int, note: str) -> int:
    return 1


def fewer(ctx: Any, sku: str) -> int:
    return 1


def swapped(ctx: Any, count: int = 1, sku: str = "") -> int:
    return 1


def narrower(ctx: Any, sku: int, count: int = 1) -> int:
    return 1


def nothing(ctx: Any, sku: str, count: int = 1) -> int | None:
    return 1


@pytest.mark.proves("BR-51", "MO-7")
@pytest.mark.parametrize(
    ("new", "told"),
    [
        ({"left": more}, []),
        ({"left": wider}, []),
        ({"left": old, "other": fewer}, []),
        ({"other": old}, ["left: the method is gone (left → nothing) (BR-51)"]),
        (
            {"left": fewer},
            ["left /count: an argument is no longer taken (count → nothing) (BR-13)"],
        ),
        (
            {"left": swapped},
            [
                "left /count: an argument stands at another place (2 → 1) (BR-41)",
                "left /sku: an argument stands at another place (1 → 2) (BR-41)",
            ],
        ),
        (
            {"left": needs_more},
            [
                "left /count: an argument that could be left out must be given (count → count)"
                " (BR-15)",
                "left /note: an argument was added that must be given (nothing → note) (BR-11)",
            ],
        ),
        ({"left": narrower}, ["left /sku: it is of another kind (str → int) (BR-25)"]),
        ({"left": nothing}, ["left /result: null is allowed (int → int | null) (BR-21)"]),
    ],
)
def test_what_breaks_handlers_that_call_it(new: Any, told: list[str]) -> None:
    before, after = manifest(left=old), manifest(**new)

    assert broken(before, after) == [f"method {each}" for each in told]
    assert broken(before, after, {"left"}) == broken(before, after)
    assert broken(before, after, {"right"}) == []
    assert broken(before, before) == broken(after, after) == []
    assert module_from_json(module_to_json(after)) == after
