"""P20: starts and ends pair and nest."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.lifecycle.registering import new_hook
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Controlled
from tests.laws.grammar import check_stream
from tests.laws.plans import (
    Bench,
    Plan,
    async_steps,
    ending_steps,
    global_context,
    plans,
    programs,
    quiet_steps,
    version_for,
    waiting_steps,
)

requests = plans(programs(quiet_steps, waiting_steps, ending_steps, async_steps))


@pytest.mark.proves("P20", "HO-1", "HO-8", "EF-1")
@given(plan=requests, schedule=st.lists(st.integers(0, 5), max_size=8))
def test_p20_starts_and_ends_pair_and_nest(plan: Plan, schedule: list[int]) -> None:
    """Seen to fail with one retry too many announced."""
    version, everywhere = version_for(plan)
    harness = Controlled(version, gctx=global_context(Bench()), **everywhere)
    told = run_virtual(harness.send(), schedule)
    harness.controller.close()

    check_stream(told.facts)
    by_id = {f"{hook.level}-{i}": hook for i, hook in enumerate(plan.hooks)}
    asked = sum(1 for fact in told.facts if fact.type == "effect.requested")
    event(f"effects {min(asked, 2)}")
    for fact in told.facts:
        hook = by_id.get(fact.key or "")
        if hook is not None and fact.type == "hook.failed":
            event("a hook failed")
            assert fact.data.of == hook.retries + 1
            assert fact.data.attempt <= hook.retries + 1
    answered = sum(1 for t in told.types if t in ("effect.returned", "effect.failed"))
    assert answered == asked


@pytest.mark.proves("P20", "HO-8")
def test_a_hook_that_fails_twice_runs_a_third_time_if_it_may() -> None:
    attempts: list[int] = []

    def flaky() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise ValueError

    def run(retries: int) -> list[tuple[int, int, bool] | int]:
        attempts.clear()
        hook = new_hook(flaky, id="flaky", kind="before", level="route", retries=retries)
        told = run_virtual(Controlled(version_of(lambda: 1, before=[hook]), replayed=False).send())
        check_stream(told.facts)
        failed = [fact.data for fact in told.facts if fact.type == "hook.failed"]
        return [(f.attempt, f.of, f.will_retry) for f in failed] + [told.answer.status]

    assert run(2) == [(1, 3, True), (2, 3, True), 200]
    assert run(1) == [(1, 2, True), (2, 2, False), 500]
