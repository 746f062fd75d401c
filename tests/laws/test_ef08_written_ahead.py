"""EF-8: when the facts of a request are committed before its answer."""

import asyncio
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import App, GlobalContext, LocalContext
from runtime.errors import RegistrationError
from runtime.modules import ModuleRegistry
from runtime.testing import run_virtual
from tests.builders import received, version_of
from tests.controlled import Controlled

Step = tuple[str, int]


class Ledger:
    """Looks into the log whenever it is called."""

    def __init__(self) -> None:
        self.harness: Controlled | None = None
        self.stream: Any = None
        self.seen: list[tuple[str, list[str]]] = []

    def _look(self, what: str) -> None:
        assert self.harness is not None
        self.seen.append((what, [event.type for event in self.harness.store.read(self.stream)]))

    async def pay(self, n: int) -> None:
        self._look("pay")

    async def peek(self, n: int) -> None:
        self._look("peek")


steps: st.SearchStrategy[Step] = st.tuples(
    st.sampled_from(["set", "pay", "peek", "snapshot", "many"]), st.integers(0, 9)
)
OF_START = [
    "request.received", "principal.established", "version.resolved", "phase.changed",
    "phase.changed", "handler.started",
]  # fmt: skip


def run(program: list[Step]) -> tuple[Ledger, list[str]]:
    ledger, modules = Ledger(), ModuleRegistry()
    modules.register("ledger", ledger, ["pay", "peek"], write_ahead=["pay"])

    async def handle(lctx: LocalContext, gctx: GlobalContext) -> None:
        for i, (what, n) in enumerate(program):
            if what == "set":
                lctx.set("n", n)
            elif what == "many":
                for _ in range(300):
                    lctx.set("n", n)
            elif what == "snapshot":
                lctx.snapshot(str(i))
            else:
                await getattr(gctx.modules.ledger, what)(n)

    ledger.harness = Controlled(version_of(handle), gctx=GlobalContext(modules))
    ledger.stream = ledger.harness.new_stream()
    told = run_virtual(ledger.harness.send(stream=ledger.stream))
    return ledger, told.types


@pytest.mark.proves("EF-8")
@given(program=st.lists(steps, max_size=6))
def test_before_a_method_that_is_written_ahead_the_log_knows_of_it(program: list[Step]) -> None:
    ledger, types = run(program)
    event(f"written ahead: {any(what == 'pay' for what, _ in program)}")

    written, committed, seen = list(OF_START), 0, iter(ledger.seen)
    for what, _ in program:
        if what in {"set", "many"}:
            for _ in range(300 if what == "many" else 1):
                written.append("context.set")
                # A row is full with 256 events.
                committed = len(written) if len(written) - committed >= 256 else committed
        elif what == "snapshot":
            written.append("context.snapshotted")
            committed = len(written)
        else:
            written.append("effect.requested")
            committed = len(written) if what == "pay" else committed
            if len(written) - committed >= 256:
                committed = len(written)
            assert next(seen) == (what, written[:committed])
            written.append("effect.returned")
    assert types[: len(written)] == written


@pytest.mark.proves("EF-8")
def test_only_what_is_declared_so_is_written_ahead() -> None:
    ledger, _ = run([("set", 1), ("peek", 1), ("pay", 2), ("peek", 3)])

    first, second, third = (types for _, types in ledger.seen)
    assert first == []
    assert second == [
        *OF_START, "context.set", "effect.requested", "effect.returned", "effect.requested",
    ]  # fmt: skip
    assert third == second


@pytest.mark.proves("EF-8")
def test_what_the_log_did_not_take_is_not_done() -> None:
    ledger, modules = Ledger(), ModuleRegistry()
    modules.register("ledger", ledger, ["pay"], write_ahead=["pay"])

    async def handle(gctx: GlobalContext) -> None:
        harness.store.close()
        await gctx.modules.ledger.pay(1)

    harness = ledger.harness = Controlled(version_of(handle), gctx=GlobalContext(modules))

    async def scenario() -> int:
        message = received(harness.new_stream(), harness.clock())
        return (await harness.controller.run(message, harness.version or version_of(handle))).status

    assert run_virtual(scenario()) == 503
    assert ledger.seen == []


@pytest.mark.proves("EF-8", "CN-2")
def test_at_a_deadline_the_log_knows_at_once() -> None:
    seen: list[list[str]] = []

    async def slow(lctx: LocalContext) -> None:
        lctx.on_timeout(lambda: seen.append([e.type for e in harness.store.read(stream)]))
        await asyncio.sleep(9)

    harness = Controlled(version_of(slow, timeout_s=2.0))
    stream = harness.new_stream()
    run_virtual(harness.send(stream=stream))

    assert seen[0][-1] == "request.timed_out"


@pytest.mark.proves("EF-8")
def test_what_is_not_there_cannot_be_written_ahead() -> None:
    with pytest.raises(RegistrationError, match="paye"):
        App("a").module("ledger", Ledger(), ["pay"], write_ahead=["paye"])
