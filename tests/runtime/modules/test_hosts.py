"""A module's life and its calls, in virtual time, on a tier that does what the test says."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any, Literal

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import Module, ModuleContext, TimescapeError
from runtime.errors import (
    CircuitOpenError,
    ModuleCrashedError,
    ModuleStartError,
    ModuleUnavailableError,
    RPCTimeoutError,
)
from runtime.facts import Fact
from runtime.isolation.failing import Ending, Failed
from runtime.isolation.host import Host
from runtime.isolation.tier import Counts, Crashed
from runtime.module_facts import ModuleFailed
from runtime.modules import CALL, About, HostedCall, Method
from runtime.testing import run_virtual

Step = Literal["answer", "crash", "timeout", "retryable", "application"]


class Tier:
    """Does step by step what it is told, then answers."""

    enforced = ()
    counts = Counts()

    def __init__(self, crashed: Crashed, steps: Sequence[Step] = (), start_s: float = 0.0) -> None:
        self.crashed = crashed
        self.steps = list(steps)
        self.start_s = start_s
        self.starts: list[float] = []
        self.attempts: list[float] = []
        self.fail_start = False
        self.running = 0
        self.healthy = True
        self.stops = 0

    async def start(self) -> None:
        self.starts.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.start_s)
        if self.fail_start:
            raise OSError
        self.running = 1

    async def attempt(self, method: Method, given: Any, call: HostedCall, s: float) -> Any:
        self.attempts.append(asyncio.get_running_loop().time())
        step = self.steps.pop(0) if self.steps else "answer"
        match step:
            case "answer":
                return given
            case "crash":
                self.die("crash")
                raise Failed("crash", ModuleCrashedError("It crashed."))
            case "timeout":
                raise Failed("timeout", RPCTimeoutError("Too long."))
            case "retryable":
                raise Failed("retryable", BlockingIOError("soon"))
            case "application":
                raise Failed("application", KeyError("x"))

    def die(self, reason: str) -> None:
        self.running = 0
        self.crashed(reason, Ending(exit_code=9))

    async def is_healthy(self) -> bool:
        return self.healthy

    async def end(self, reason: str) -> None:
        self.die(reason)

    async def stop(self) -> bool:
        self.stops += 1
        self.running = 0
        return True


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def tell(self, fact: Fact, key: str) -> None:
        assert key == "m"
        self.facts.append(fact)

    def chance(self) -> float:
        return 1.0

    def next_start(self) -> int:
        return 1

    @property
    def names(self) -> list[str]:
        return [
            f"{fact.type} {fact.reason}" if isinstance(fact, ModuleFailed) else fact.type
            for fact in self.facts
        ]


def declared(**how: Any) -> Module:
    module = Module("m", **how)

    @module.method(idempotent=True)
    async def again(ctx: ModuleContext, x: int = 0) -> Any: ...

    @module.method
    async def once(ctx: ModuleContext, x: int = 0) -> Any: ...

    @module.health
    async def health(ctx: ModuleContext) -> None: ...

    return module


class Case:
    """A host on a tier."""

    def __init__(self, steps: Sequence[Step] = (), *, start_s: float = 0.0, **how: Any) -> None:
        self.module = declared(**how)
        self.told = Told()
        tiers: list[Tier] = []

        def make(crashed: Crashed) -> Tier:
            tiers.append(Tier(crashed, steps, start_s))
            return tiers[0]

        self.host = Host(self.module.manifest, make, self.told)
        self.tier = tiers[0]

    async def refused(self) -> None:
        """Call it when there is no time for another attempt."""
        CALL.set(HostedCall(About(time_left_s=0.0)))
        await self.call()

    async def call(self, name: str = "again") -> Any:
        return await self.host.call(self.module.methods[name].method, (1,), {})


def run(case: Case, work: Callable[[], Awaitable[Any]]) -> Any:
    async def scenario() -> Any:
        try:
            return await work()
        finally:
            await case.host.stop()

    return run_virtual(scenario())


# --- life ---


@pytest.mark.proves("MO-2", "MO-3")
@given(callers=st.integers(1, 6), start_s=st.sampled_from([0.0, 1.0, 4.9, 6.0]))
def test_however_many_ask_it_starts_once_and_nobody_meets_it_half_ready(
    callers: int, start_s: float
) -> None:
    case = Case(start_s=start_s)

    async def scenario() -> list[Any]:
        return await asyncio.gather(*(case.call() for _ in range(callers)), return_exceptions=True)

    answers = run(case, scenario)
    in_time = start_s < 5.0
    event(f"in time: {in_time}")

    if in_time:
        assert answers == [((1,), {})] * callers
        assert case.told.names == ["module.started", "module.stopped"]
    assert len(case.tier.starts) == 1
    assert all(at >= start_s for at in case.tier.attempts)


@pytest.mark.proves("MO-3", "RPC-4")
def test_a_call_waits_for_a_start_as_long_as_it_may_and_no_longer() -> None:
    case = Case(start_s=29.0)

    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        with pytest.raises(RPCTimeoutError, match="not ready"):
            await case.call("once")
        return loop.time()

    # Four attempts of 5 s, as nothing was sent, and the longest pauses between them.
    assert run(case, scenario) == pytest.approx(4 * 5.0 + 0.1 + 0.2 + 0.4, abs=0.7)
    assert case.tier.attempts == []


@pytest.mark.proves("MO-2", "MO-3")
def test_a_start_that_fails_or_takes_too_long_is_told_and_refuses_calls() -> None:
    for start_s, why in ((0.0, "OSError"), (31.0, "within 30 s")):
        case = Case(start_s=start_s)
        case.tier.fail_start = True

        async def scenario(case: Case = case, why: str = why) -> None:
            with pytest.raises(ModuleStartError, match=why):
                await case.host.start()
            with pytest.raises(ModuleUnavailableError, match="is failed"):
                await case.call()

        run(case, scenario)
        assert case.told.names[0] == "module.failed start"


@pytest.mark.proves("MO-4", "MO-3")
def test_it_stops_once_and_then_refuses_calls() -> None:
    case = Case()

    async def scenario() -> None:
        await case.host.start()
        await case.host.stop()
        await case.host.stop()
        with pytest.raises(ModuleUnavailableError, match="is stopped"):
            await case.call()

    run(case, scenario)
    assert (case.tier.stops, case.told.names) == (1, ["module.started", "module.stopped"])


@pytest.mark.proves("MO-6")
def test_it_comes_back_after_crashes_and_rests_after_six() -> None:
    case = Case()

    async def scenario() -> list[float]:
        await case.host.start()
        loop = asyncio.get_running_loop()
        for _ in range(6):
            at = loop.time()
            case.tier.die("crash")
            with pytest.raises(ModuleUnavailableError, match="is failed"):
                await case.refused()
            while case.host.state != "ready":  # noqa: ASYNC110 - in virtual time
                await asyncio.sleep(0.01)
            waits.append(loop.time() - at)
        return waits

    waits: list[float] = []
    assert run(case, scenario) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 60.0], abs=0.011)
    assert case.told.names[1:3] == ["module.failed crash", "module.restarted"]
    assert case.told.facts[1] == ModuleFailed("crash", 9, generation=1)


@pytest.mark.proves("MO-5")
@given(checks=st.lists(st.booleans(), min_size=1, max_size=9))
def test_three_failures_of_its_health_in_a_row_start_it_again(checks: list[bool]) -> None:
    case = Case()

    async def scenario() -> None:
        await case.host.start()
        for healthy in checks:
            case.tier.healthy = healthy
            await asyncio.sleep(10.1)

    run(case, scenario)
    rest, expected = "".join("x" if not each else "." for each in checks), 0
    while "xxx" in rest:
        rest = rest.partition("xxx")[2]
        expected += 1
    event(f"started again: {expected > 0}")

    assert case.told.names.count("module.failed health") == expected
    assert len(case.tier.starts) == 1 + expected


# --- attempts ---


@pytest.mark.proves("RPC-3", "RPC-4")
@given(
    steps=st.lists(
        st.sampled_from(["timeout", "retryable", "retryable", "application"]), max_size=5
    ),
    idempotent=st.booleans(),
)
def test_what_may_run_twice_is_tried_up_to_four_times_and_the_last_error_is_raised(
    steps: list[Step], *, idempotent: bool
) -> None:
    case = Case(steps)

    async def scenario() -> Any:
        await case.host.start()
        return await case.call("again" if idempotent else "once")

    passing = 0
    while passing < len(steps) and steps[passing] != "application":
        passing += 1
    expected = min(passing + 1, 4) if idempotent else 1
    answered = expected > len(steps)
    event(f"answered after some: {answered and bool(steps)}")

    if answered:
        assert run(case, scenario) == ((1,), {})
    else:
        with pytest.raises((TimescapeError, BlockingIOError, KeyError)) as caught:
            run(case, scenario)
        kinds = {
            "timeout": RPCTimeoutError, "retryable": BlockingIOError, "application": KeyError,
        }  # fmt: skip
        assert isinstance(caught.value, kinds[steps[expected - 1]])
        if isinstance(caught.value, TimescapeError):
            assert (caught.value.method, caught.value.attempts) == (  # type: ignore[attr-defined]
                "m.again" if idempotent else "m.once", expected,
            )  # fmt: skip
    assert len(case.tier.attempts) == expected


@pytest.mark.proves("RPC-4", "MO-6")
def test_a_call_that_crashed_its_module_is_tried_again_only_if_it_may_run_twice() -> None:
    for name, answers in (("again", True), ("once", False)):
        case = Case(["crash"])

        async def scenario(case: Case = case, name: str = name) -> Any:
            await case.host.start()
            # Each pause as long as it may be: the module is back after the first.
            CALL.set(HostedCall(About(), chance=Longest))
            return await case.call(name)

        if answers:
            assert run(case, scenario) == ((1,), {})
            assert len(case.tier.attempts) == 2
        else:
            with pytest.raises(ModuleCrashedError):
                run(case, scenario)
            assert len(case.tier.attempts) == 1


class Longest(Random):
    def random(self) -> float:
        return 1.0


@pytest.mark.proves("RPC-8")
def test_a_module_that_keeps_failing_is_not_called_for_a_while() -> None:
    case = Case(["timeout"] * 20)

    async def scenario() -> None:
        await case.host.start()
        for _ in range(20):
            with pytest.raises(RPCTimeoutError):
                await case.call("once")
        with pytest.raises(CircuitOpenError):
            await case.call()
        await asyncio.sleep(5.0)
        assert await case.call() == ((1,), {})

    run(case, scenario)
    assert case.told.names == [
        "module.started", "module.failed circuit", "module.restarted", "module.stopped",
    ]  # fmt: skip
    assert len(case.tier.attempts) == 21


@pytest.mark.proves("RPC-8")
def test_errors_of_the_application_open_no_circuit() -> None:
    case = Case(["application"] * 60)

    async def scenario() -> None:
        for _ in range(60):
            with pytest.raises(KeyError):
                await case.call("once")
        assert await case.call() == ((1,), {})

    run(case, scenario)
    assert "module.failed circuit" not in case.told.names
