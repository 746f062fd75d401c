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
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Told
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
    # Payloads are compared but for lines of code.
    assert again.divergence is None
    assert [(e.type, e.key) for e in again.facts] == [(e.type, e.key) for e in told.facts]
    return told, gated


def gates_of(told: Told) -> list[tuple[int, Any]]:
    return [(e.revision, e.data) for e in told.facts if e.type.startswith("gate.")]


@pytest.mark.proves("X9", "GA-2", "GA-4", "GA-8")
def test_a_request_waits_at_a_hook_and_goes_on_when_it_is_told_to() -> None:
    async def play(gated: Gated) -> Told:
        gate = gated.arm(hook="tax", fact="hook.started")
        request = gated.begin()
        (pause,) = await gated.paused()
        assert (pause.point, pause.gate) == ("hook.started shop.tax", gate)
        assert gated.stored(pause)[-1].data == GateHit(pause.point, paused=True)
        await asyncio.sleep(60.0)
        assert gated.keeper.release(pause.pause, "resumed", "eve") == pause.pause
        return await request

    told, _ = scenario(play)

    assert told.json == {"total": 10, "note": None}
    (at, hit), (_, released) = gates_of(told)
    assert (hit.paused, told.facts[at - 2].type) == (True, "hook.started")
    assert (released.hit, released.how, released.by) == (at, "resumed", "eve")
    assert 60 <= released.waited < 61


@pytest.mark.proves("GA-2")
def test_a_match_between_points_waits_at_the_next() -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(fact="context.set")
        request = gated.begin()
        (pause,) = await gated.paused()
        assert pause.point == "hook.ended shop.tax"
        gated.keeper.release(pause.request, "resumed", "ann")
        return await request

    scenario(play)


@pytest.mark.proves("GA-2")
@pytest.mark.parametrize(
    ("match", "points"),
    [
        ({"hook": "shop.tax"}, ["hook.started shop.tax", "hook.ended shop.tax"]),
        ({"effect": "sl?ep"}, ["effect.requested sleep", "effect.returned sleep"]),
        ({"fact": "handler.*"}, ["handler.started post-orders", "handler.ended post-orders"]),
        ({"route": "post /ord*"}, ["hook.started shop.tax"]),
        ({"principal": "anonymous", "version": "tsv:*-1"}, ["hook.started shop.tax"]),
        ({"line": "test_holding.py:*", "hook": "*"}, ["hook.started shop.tax"]),
        ({"route": "GET *", "hook": "tax"}, []),
        ({"hook": "tax", "effect": "sleep"}, []),
        ({"stream": "req-1"}, []),
    ],
)
def test_all_that_a_gate_names_must_hold(match: dict[str, str], points: list[str]) -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(**match)
        request = gated.begin()
        for point in points:
            (pause,) = await gated.paused()
            assert pause.point == point
            gated.keeper.release(pause.pause, "resumed", "ann")
        return await request

    told, _ = scenario(play)
    assert len(gates_of(told)) == 2 * len(points)


@pytest.mark.proves("GA-1")
def test_a_gate_holds_for_requests_to_come() -> None:
    async def play(gated: Gated) -> Told:
        request = gated.begin()
        await asyncio.sleep(0.1)
        gated.arm(effect="sleep")
        return await request

    told, _ = scenario(play)
    assert gates_of(told) == []


@pytest.mark.proves("GA-3")
def test_a_condition_decides_and_what_nobody_can_say_is_reported_once() -> None:
    async def play(gated: Gated) -> Told:
        yes = gated.arm(fact="context.*", when="total=10")
        gated.arm(fact="context.*", when="total=11")
        unknown = gated.arm(when="note=?")
        request = gated.begin()
        (pause,) = await gated.paused()
        assert (pause.gate, pause.point) == (yes, "hook.ended shop.tax")
        gated.keeper.release(pause.pause, "resumed", "ann")
        told = await request
        assert [(e.key, e.data.reason) for e in told.facts if e.type == "gate.hit"] == [
            (unknown, "no note"), (yes, ""),
        ]  # fmt: skip
        return told

    scenario(play)


@pytest.mark.proves("GA-3")
def test_a_condition_that_breaks_disturbs_nobody() -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(hook="tax", when="total=ten")
        return await gated.begin()

    told, _ = scenario(play)
    assert told.answer.status == 200
    assert [hit.reason for _, hit in gates_of(told)] == ["error: ValueError"]


@pytest.mark.proves("GA-4")
def test_time_stands_still_for_deadline_and_hook() -> None:
    """A minute at a gate inside of a hook of 5 s, of a request of 30 s; then 4 s of its own."""

    async def slow(lctx: LocalContext) -> None:
        await lctx.sleep(2.0)
        await lctx.sleep(2.0)
        lctx.set("left", round(lctx.remaining()))

    async def play(gated: Gated) -> Told:
        gated.arm(effect="sleep")
        request = gated.begin()
        for _ in range(4):
            (pause,) = await gated.paused()
            await asyncio.sleep(60.0)
            gated.keeper.release(pause.pause, "resumed", "ann")
        return await request

    hook = new_hook(slow, id="slow", kind="before", level="route")
    told, _ = scenario(play, version_of(lambda lctx: lctx.get("left"), before=[hook]))
    assert (told.answer.status, told.json) == (200, 26)


@pytest.mark.proves("GA-4")
def test_code_that_takes_too_long_after_a_gate_is_cut_short_in_time() -> None:
    async def slow(lctx: LocalContext) -> None:
        await lctx.sleep(9.0)

    async def play(gated: Gated) -> Told:
        gated.arm(effect="sleep", fact="effect.requested")
        request = gated.begin()
        (pause,) = await gated.paused()
        await asyncio.sleep(60.0)
        gated.keeper.release(pause.pause, "resumed", "ann")
        began = asyncio.get_running_loop().time()
        told = await request
        assert 4.9 < asyncio.get_running_loop().time() - began < 5.1
        return told

    hook = new_hook(slow, id="slow", kind="before", level="route")
    told, _ = scenario(play, version_of(order, before=[hook]))
    assert "HookTimedOutError" in [
        e.data.failure.error for e in told.facts if e.type == "hook.failed"
    ]


@pytest.mark.proves("GA-5")
def test_above_its_cap_a_gate_lets_requests_pass() -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(hook="tax", fact="hook.started", cap=2)
        requests = [gated.begin() for _ in range(3)]
        passed = await requests[2]
        (hit,) = [e.data for e in passed.facts if e.type == "gate.hit"]
        assert (hit.paused, hit.reason) == (False, "cap")
        for pause in await gated.paused(2):
            gated.keeper.release(pause.pause, "resumed", "ann")
        await asyncio.gather(*requests)
        return passed

    scenario(play)


@pytest.mark.proves("GA-5")
def test_a_process_holds_twenty_requests_and_no_more() -> None:
    async def play(gated: Gated) -> Told:
        for name in ("tax", "shop.tax"):
            gated.arm(hook=name, fact="hook.started", cap=20, hold=5.0)
        requests = [gated.begin() for _ in range(25)]
        assert len(await gated.paused(20)) == 20
        told = await asyncio.gather(*requests)
        assert sum(each.types.count("gate.released") for each in told) == 20
        return told[0]

    scenario(play)


@pytest.mark.proves("GA-5")
def test_a_gate_that_only_notes_never_pauses() -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(hook="tax", note=True)
        told = await gated.begin()
        assert gated.keeper.view().gates[0].hits == 2
        return told

    told, _ = scenario(play)
    assert [hit for _, hit in gates_of(told)] == [
        GateHit("hook.started shop.tax", paused=False, reason="note")
    ]


@pytest.mark.proves("GA-6")
def test_after_its_time_a_request_goes_on_and_extensions_end_at_300_seconds() -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(hook="tax", fact="hook.started", hold=30.0)
        request = gated.begin()
        (pause,) = await gated.paused()
        assert 29.9 < gated.keeper.extend(pause.pause, 30.0) - 30.0 <= 30.0
        for _ in range(20):
            gated.keeper.extend(pause.pause, 30.0)
        return await request

    told, _ = scenario(play)
    (_, released) = gates_of(told)[-1]
    assert (released.how, released.waited) == ("expired", 300.0)


@pytest.mark.proves("GA-7")
@pytest.mark.parametrize(("stated", "shown"), [(None, "not stated"), (20.0, 10.0), (5.0, "gone")])
def test_a_pause_says_how_long_its_caller_waits(stated: float | None, shown: float | str) -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(hook="tax", fact="hook.started")
        request = gated.begin(timeout_s=stated)
        await gated.paused()
        await asyncio.sleep(10.0)
        (pause,) = gated.keeper.view().paused
        assert pause.caller == (shown if isinstance(shown, str) else pytest.approx(shown, abs=0.1))
        gated.keeper.release(pause.pause, "resumed", "ann")
        return await request

    scenario(play)


@pytest.mark.proves("GA-8")
def test_a_step_waits_at_the_next_point_and_keeps_its_place() -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(hook="tax", fact="hook.started")
        request = gated.begin()
        (pause,) = await gated.paused()
        other = gated.begin()
        for point in ("hook.ended shop.tax", "handler.started post-orders"):
            gated.keeper.release(pause.pause, "step", "ann")
            (pause,) = await gated.paused()
            assert pause.point == point
        gated.keeper.release(pause.pause, "resumed", "ann")
        assert [e.data.reason for e in (await other).facts if e.type == "gate.hit"] == ["cap"]
        return await request

    told, _ = scenario(play)
    assert [d.how for _, d in gates_of(told) if isinstance(d, GateReleased)] == [
        "step", "step", "resumed",
    ]  # fmt: skip


@pytest.mark.proves("GA-8")
@pytest.mark.parametrize(
    ("match", "failure"),
    [
        ({"fact": "hook.started"}, "hook.failed"),
        ({"fact": "hook.ended"}, None),
        ({"fact": "handler.started"}, "handler.failed"),
        ({"fact": "handler.ended"}, None),
        ({"fact": "effect.requested"}, "effect.failed"),
        ({"fact": "effect.returned"}, "handler.failed"),
    ],
)
def test_a_request_that_is_failed_takes_the_failure_path(
    match: dict[str, str], failure: str | None
) -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(**match)
        request = gated.begin()
        (pause,) = await gated.paused()
        gated.keeper.release(pause.pause, "failed", "ann")
        return await request

    told, _ = scenario(play)
    assert (told.answer.status, told.json["code"]) == (503, "gate-failed")
    failed = [e for e in told.facts if e.type == failure]
    assert [e.data.failure.error for e in failed] == ["GateFailedError"] * len(failed)
    assert bool(failed) == (failure is not None)
    assert ("phase.changed", "failing") in [(e.type, e.key) for e in told.facts]


@pytest.mark.proves("GA-9", "RX-9")
def test_an_edit_is_a_fact_of_the_live_request_and_read_back_when_it_runs_again() -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(effect="sleep", fact="effect.requested")
        request = gated.begin()
        (pause,) = await gated.paused()
        edits = [SetState(("total",), 99), SetState(("note",), "gift")]
        gated.keeper.release(pause.pause, "resumed", "eve", edits)
        return await request

    told, _ = scenario(play)
    assert told.json == {"total": 99, "note": "gift"}
    edited = [e for e in told.facts if e.type == "context.edited"]
    assert [(e.key, e.data.origin, e.data.by, e.data.gate) for e in edited] == [
        ("total", "gate", "eve", gates_key(told)), ("note", "gate", "eve", gates_key(told)),
    ]  # fmt: skip
    assert gates_of(told)[-1][1].how == "edited"


def gates_key(told: Told) -> str | None:
    return next(e.key for e in told.facts if e.type == "gate.hit")


@pytest.mark.proves("GA-9")
def test_a_draft_that_is_not_valid_changes_nothing_and_says_all_that_is_wrong() -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(effect="sleep", fact="effect.requested")
        request = gated.begin()
        (pause,) = await gated.paused()
        edits = [
            SetState(("total",), 99), SetState(("timescape.x",), 1),
            SetState(("absent", "deep"), 1), SetState(("big",), "x" * 2_000_000),
        ]  # fmt: skip
        with pytest.raises(GateRefusedError) as refused:
            gated.keeper.release(pause.pause, "resumed", "eve", edits)
        assert refused.value.reason == "bad-input"
        for part in ("/timescape.x", "/absent/deep", "/big"):
            assert part in refused.value.problem
        gated.keeper.release(pause.pause, "resumed", "ann")
        return await request

    told, _ = scenario(play)
    assert told.json == {"total": 10, "note": None}


@pytest.mark.proves("GA-9")
def test_a_request_goes_on_unedited_when_a_fork_of_it_was_run() -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(effect="sleep", fact="effect.requested")
        request = gated.begin()
        (pause,) = await gated.paused()
        with pytest.raises(GateRefusedError):
            gated.keeper.release(pause.pause, "forked", "eve", [SetState(("total",), 1)])
        gated.keeper.release(pause.pause, "forked", "eve", fork="req-1")
        return await request

    told, _ = scenario(play)
    released = gates_of(told)[-1][1]
    assert (released.how, released.fork, told.json["total"]) == ("forked", "req-1", 10)


@pytest.mark.proves("GA-10")
def test_the_first_release_wins_and_later_ones_are_told_who_was_first() -> None:
    async def play(gated: Gated) -> Told:
        gate = gated.arm(hook="tax", fact="hook.started")
        request = gated.begin()
        (pause,) = await gated.paused()
        gated.keeper.release(pause.pause, "resumed", "ann")
        for name in (pause.pause, pause.request):
            with pytest.raises(GateRefusedError) as refused:
                gated.keeper.release(name, "failed", "eve")
            got = refused.value
            assert (got.reason, got.by, got.how) == ("released", "ann", "resumed")
        with pytest.raises(GateRefusedError) as refused:
            gated.keeper.extend(gate, 3.0)
        assert refused.value.reason == "no-such"
        return await request

    told, _ = scenario(play)
    assert told.answer.status == 200


@pytest.mark.proves("GA-11")
def test_gates_of_a_debugger_whose_heart_stands_still_are_disarmed() -> None:
    async def play(gated: Gated) -> Told:
        gate = gated.arm(hook="tax", fact="hook.started")
        request = gated.begin()
        await gated.paused()
        await asyncio.sleep(60.0)
        gated.lose()
        told = await request
        assert [(key, fact.how) for key, fact in gated.told[1:]] == [(gate, "owner-lost")]
        assert gated.keeper.view().gates == ()
        return told

    told, _ = scenario(play)
    released = gates_of(told)[-1][1]
    assert released.how == "owner-lost"
    assert 64 <= released.waited <= 66


@pytest.mark.proves("GA-11")
@pytest.mark.parametrize("how", ["disarmed", "shutdown"])
def test_who_disarms_or_stops_lets_requests_go(how: str) -> None:
    async def play(gated: Gated) -> Told:
        gate = gated.arm(hook="tax", fact="hook.started")
        request = gated.begin()
        await gated.paused()
        if how == "shutdown":
            gated.keeper.close()
        else:
            gated.keeper.disarm(gate, "eve")
        return await request

    told, gated = scenario(play)
    assert gates_of(told)[-1][1].how == how
    assert gated.told[-1][1].how == how


@pytest.mark.proves("GA-8")
@pytest.mark.parametrize("effect", ["sleep", None])
def test_a_request_that_is_stopped_is_held_no_more(effect: str | None) -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(**({"effect": effect} if effect else {"hook": "tax"}))
        request = gated.begin()
        await gated.paused()
        await gated.harness.controller.drain(0)
        return await request

    told, _ = scenario(play)
    assert told.answer.status == 503
    assert gates_of(told)[-1][1].how == "stopped"


@pytest.mark.proves("RX-9")
def test_what_else_a_held_request_does_keeps_its_place() -> None:
    """Of two effects at once one is held; the other goes on, and so again when it is run again."""

    async def both(lctx: LocalContext, gctx: Any) -> None:
        async def ask(what: int) -> None:
            lctx.set(f"answer{what}", (await gctx.modules.bench.ask(what, 1.0 + what))["what"])

        await asyncio.gather(ask(0), ask(1))

    async def play(gated: Gated) -> Told:
        gated.arm(effect="bench.ask", fact="effect.requested")
        request = gated.begin()
        (pause,) = await gated.paused()
        await asyncio.sleep(100.0)
        gated.keeper.release(pause.pause, "resumed", "ann")
        return await request

    async def played() -> tuple[Told, Gated]:
        gated = Gated(version_of(both), gctx=global_context(Bench()))
        told = await play(gated)
        gated.lose()
        return told, gated

    told, gated = run_virtual(played())
    keys = [e.key for e in told.facts if e.type == "context.set"]
    assert (keys, told.answer.status) == (["answer1", "answer0"], 204)
    again = gated.again(told)
    assert (again.divergence, [e.data for e in again.facts]) == (
        None, [e.data for e in told.facts],
    )  # fmt: skip


@pytest.mark.proves("RX-9")
def test_a_thread_that_waits_for_an_effect_is_held_there() -> None:
    def handle(lctx: LocalContext) -> Any:
        lctx.sleep(1.0)
        return lctx.get("total")

    async def play(gated: Gated) -> Told:
        gated.arm(effect="sleep", fact="effect.requested")
        request = gated.begin()
        (pause,) = await gated.paused()
        gated.keeper.release(pause.pause, "resumed", "eve", [SetState(("total",), 7)])
        return await request

    told, _ = scenario(play, version_of(handle))
    assert told.json == 7


@pytest.mark.proves("GA-1")
@pytest.mark.parametrize(
    "wrong", [{"hold": 301.0}, {"hold": 0.0}, {"cap": 21}, {"cap": 0}, {"colour": "red"}, {}]
)
def test_what_no_gate_can_be_is_refused(wrong: dict[str, Any]) -> None:
    async def play() -> None:
        gated = Gated(shop())
        named = {} if wrong in ({}, {"colour": "red"}) else {"hook": "tax"}
        with pytest.raises(GateRefusedError) as refused:
            gated.arm(**named, **wrong)
        assert refused.value.reason == "bad-input"

    run_virtual(play())


def test_what_is_left_out_is_what_happened_at_gates() -> None:
    async def play(gated: Gated) -> Told:
        gated.arm(hook="tax", note=True)
        return await gated.begin()

    told, _ = scenario(play)
    assert len(without_gates(told.facts)) == len(told.facts) - 1
