"""A request that is held at a gate, and how it goes on (GA-2…9)."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from runtime.errors import GateRefusedError
from runtime.gate_facts import GateHit, GateReleased
from runtime.lifecycle.editing import SetState
from runtime.lifecycle.handlers import HandlerVersion
from runtime.lifecycle.local_context import LocalContext
from runtime.lifecycle.registering import new_hook
from runtime.testing import Told, run_virtual, version_of
from tests.gates import Gated, without_gates
from tests.laws.plans import Bench, global_context


def tax(lctx: LocalContext) -> None:
    lctx.set("total", 10)


async def order(lctx: LocalContext) -> Any:
    await lctx.sleep(0.5)
    return {"total": lctx.get("total"), "note": lctx.get("note")}


def shop(**more: Any) -> HandlerVersion:
    hook = new_hook(tax, id="shop.tax", kind="before", level="route")
    return version_of(order, before=[hook], **more)


def scenario(
    play: Callable[[Gated], Coroutine[Any, Any, Told]], version: HandlerVersion | None = None
) -> tuple[Told, Gated]:
    """Play with a gated shop; what it recorded must be what it says again."""

    async def played() -> tuple[Told, Gated]:
        gated = Gated(version or shop())
        told = await play(gated)
        gated.lose()
        return told, gated

    told, gated = run_virtual(played())
    again = gated.again(told)
    assert again.divergence is None
    assert [e.data for e in again.facts] == [e.data for e in told.facts]
    return told, gated


def gates_of(told: Told) -> list[tuple[int, Any]]:
    return [(e.revision, e.data) for e in told.facts if e.type.startswith("gate.")]


@pytest.mark.proves("GA-2", "GA-4", "GA-8")
def test_a_request_waits_at_a_hook_and_goes_on_when_it_is_told_to() -> None:
    async def play(gated: Gated) -> Told:
        gate = gated.arm(hook="tax", fact="hook.started")
        request = gated.begin()
        (pause,) = await gated.paused()
        assert (pause.point, pause.gate) == ("hook.started shop.tax", gate)
        stored = list(
            gated.harness.store.read(gated.harness.store.read_log().__iter__().__next__().stream)
        )
        assert stored[-1].data == GateHit("hook.started shop.tax", paused=True)
        await asyncio.sleep(60.0)
        assert gated.keeper.release(pause.pause, "resumed", "eve") == pause.pause
        return await request

    told, _ = scenario(play)

    assert told.json == {"total": 10, "note": None}
    (at, hit), (_, released) = gates_of(told)
    assert (hit.paused, told.facts[at - 2].type) == (True, "hook.started")
    assert (released.hit, released.how, released.by) == (at, "resumed", "eve")
    assert 60 <= released.waited < 61
