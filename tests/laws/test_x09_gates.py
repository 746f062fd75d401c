"""X9: gates are live and harmless."""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from runtime.gate_facts import GateHit, GateReleased
from runtime.gates import Wanted
from runtime.lifecycle.editing import SetState
from runtime.testing import run_virtual
from tests.controlled import Told
from tests.gates import OWNER, Gated, without_gates
from tests.laws.plans import (
    KEYS,
    Bench,
    Plan,
    PlannedHook,
    async_steps,
    ending_steps,
    global_context,
    plans,
    programs,
    quiet_steps,
    version_for,
    waiting_steps,
)

# No wait, limit or deadline ends at the very moment of another: who comes first then is nobody's
# promise.
_lasts = st.sampled_from([0.0, 0.75, 1.5, 3.0])
_waits = st.one_of(
    st.tuples(st.just("sleep"), _lasts),
    st.tuples(st.just("ask"), st.integers(0, 9), _lasts),
    st.tuples(st.just("wait"), _lasts),
    st.tuples(st.just("refuse"), st.integers(0, 9)),
)
# The time of day is what a gate does change.
_quiet = quiet_steps.filter(lambda step: step[0] != "now")


def _off_the_limits(plan: Plan) -> Plan:
    return replace(plan, timeout_s=plan.timeout_s + (1.0 if plan.timeout_s > 2 else 0.1))


one_by_one = plans(programs(_quiet, _waits, ending_steps), most_hooks=2).map(_off_the_limits)
anything = plans(programs(quiet_steps, waiting_steps, ending_steps, async_steps), most_hooks=2).map(
    _off_the_limits
)

_matches: st.SearchStrategy[dict[str, str]] = st.sampled_from([
    {}, {"effect": "*"}, {"hook": "*"}, {"hook": "route-0"}, {"fact": "handler.*"},
    {"fact": "context.*"}, {"fact": "effect.requested", "effect": "sleep"}, {"fact": "phase.*"},
])  # fmt: skip
gates = st.builds(
    Wanted,
    match=_matches,
    when=st.sampled_from(["", "", "a=1", "a=?"]),
    hold=st.sampled_from([0.5, 30.0, 300.0]),
    cap=st.integers(1, 2),
    note=st.sampled_from([False, False, True]),
)


@dataclass(frozen=True)
class Release:
    """What somebody does about a request that is held; nothing, if *how* is empty."""

    after_s: float
    how: str
    edits: tuple[SetState, ...] = ()


def releases(*hows: str, edits: bool = False) -> st.SearchStrategy[list[Release]]:
    edit = st.builds(
        SetState, st.tuples(st.sampled_from(KEYS)), st.one_of(st.integers(0, 2), st.just("x"))
    )
    made = st.lists(edit, max_size=2).map(tuple) if edits else st.just(())
    one = st.builds(Release, st.sampled_from([0.0, 0.25, 60.0]), st.sampled_from(hows), made)
    return st.lists(one, min_size=1, max_size=4)


async def _release(gated: Gated, planned: Sequence[Release]) -> None:
    """Do what is planned, in turn and over again; whom nobody lets go, the clock does."""
    for n in itertools.count():
        pause = await gated.keeper.news.get()
        each = planned[n % len(planned)]
        await asyncio.sleep(each.after_s)
        if each.how and not pause.how:
            edits = () if each.how == "failed" else each.edits
            gated.keeper.release(pause.id, each.how, "ann", edits)


async def _gated(
    plan: Plan, armed: Sequence[Wanted], planned: Sequence[Release]
) -> tuple[Gated, Told, Told]:
    """Send a request that may be held, and beside it one that may not."""
    version, everywhere = version_for(plan)
    gated = Gated(version, gctx=global_context(Bench()), **everywhere)
    stream = gated.harness.new_stream()
    for each in armed:
        match = {**each.match, "stream": f"req-{stream.hex}"}
        gated.keeper.arm(OWNER, "ann", replace_match(each, match))
    helpers = [asyncio.create_task(_release(gated, planned))]
    helpers.append(asyncio.create_task(_beat(gated)))
    told, other = await asyncio.gather(gated.harness.send(stream=stream), gated.harness.send(b"1"))
    for helper in helpers:
        helper.cancel()
    return gated, told, other


def replace_match(wanted: Wanted, match: dict[str, str]) -> Wanted:
    return Wanted(match, wanted.when, wanted.hold, wanted.cap, wanted.note)


async def _beat(gated: Gated) -> None:
    while True:
        gated.keeper.beat(OWNER)
        await asyncio.sleep(4.0)


def check_pauses(told: Told, armed: Sequence[Wanted]) -> int:
    """Hold every pause to its end; return how many there were."""
    hits = {e.revision: e for e in told.facts if isinstance(e.data, GateHit) and e.data.paused}
    released = [e for e in told.facts if isinstance(e.data, GateReleased)]
    assert sorted(e.data.hit for e in released) == sorted(hits)
    assert all(e.data.hit < e.revision for e in released)
    most = max((each.hold for each in armed), default=0.0)
    assert all(e.data.waited <= most <= 300.0 for e in released)
    return len(hits)


def check_again(gated: Gated, told: Told) -> None:
    """Run it again: it says the same, edits and all."""
    again = gated.again(told)
    # Payloads are compared but for lines of code.
    assert again.divergence is None
    assert [(e.type, e.key) for e in again.facts] == [(e.type, e.key) for e in told.facts]


def lasted(told: Told) -> int:
    return told.facts[-1].at_us - told.facts[0].at_us


# Held before its hook had waited for anything: the limit of the hook stands still, too.
_CUT_LATER = Plan(
    handler=(("sleep", 1.5),),
    hooks=(PlannedHook("after", "global", (("sleep", 0.75),)),),
    timeout_s=2.1,
)


@pytest.mark.proves("X9", "GA-4", "GA-6")
@example(
    plan=_CUT_LATER, armed=[Wanted({}, "", 0.5, 1, note=False)], planned=[Release(0.0, "step")]
)
@given(plan=one_by_one, armed=st.lists(gates, max_size=3), planned=releases("resumed", "step", ""))
def test_x09_without_edits_a_held_request_is_the_same_and_others_never_wait(
    plan: Plan, armed: list[Wanted], planned: list[Release]
) -> None:
    """Seen to fail with a run again that took the deadline of a held request as passed."""

    _, free, beside = run_virtual(_gated(plan, (), planned))
    gated, told, other = run_virtual(_gated(plan, armed, planned))
    count = check_pauses(told, armed)
    event(f"held {min(count, 3)} times")

    assert without_gates(told.facts) == without_gates(free.facts)
    assert told.answer == free.answer
    assert without_gates(other.facts) == without_gates(beside.facts)
    assert len(other.facts) == len(beside.facts)
    assert lasted(other) == lasted(beside)
    check_again(gated, told)


@pytest.mark.proves("X9", "RX-9", "GA-8", "GA-9")
@given(
    plan=anything,
    armed=st.lists(gates, min_size=1, max_size=3),
    planned=releases("resumed", "resumed", "step", "failed", edits=True),
)
def test_x09_edits_are_read_back_at_the_same_point_when_it_runs_again(
    plan: Plan, armed: list[Wanted], planned: list[Release]
) -> None:
    gated, told, _ = run_virtual(_gated(plan, armed, planned))
    check_pauses(told, armed)
    edited = [e for e in told.facts if getattr(e.data, "origin", None) == "gate"]
    event("edited" if edited else "not edited")
    check_again(gated, told)
