"""HO-8, CN-5: what fails is tried again, after a wait that the record has."""

import asyncio
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import App, Backoff, LocalContext, Response, hook, retrying
from runtime.errors import PolicySyntaxError
from runtime.lifecycle.registering import new_hook
from runtime.testing import Harness, run_virtual
from tests.builders import version_of
from tests.controlled import Controlled, Told
from tests.laws.grammar import check_stream

backoffs = st.builds(
    lambda initial, factor, more: Backoff(initial, factor, initial + more),
    st.floats(0.01, 5), st.floats(1, 4), st.floats(0, 20),
)  # fmt: skip


class Flaky:
    """Fails so many times first."""

    def __init__(self, fails: int) -> None:
        self.fails = fails

    async def __call__(self, lctx: LocalContext) -> None:
        started = sum(1 for e in lctx._run.record.events if e.type == "hook.started")
        lctx.set("attempts", started)
        if started <= self.fails:
            raise ValueError


def told_of(fails: int, retries: int, backoff: Backoff | None, timeout_s: float = 900.0) -> Told:
    made = new_hook(
        Flaky(fails), id="flaky", kind="before", level="route", retries=retries, backoff=backoff
    )
    harness = Controlled(version_of(lambda: 1, before=[made], timeout_s=timeout_s), replayed=True)
    told = run_virtual(harness.send())
    harness.controller.close()
    check_stream(told.facts)
    return told


@pytest.mark.proves("HO-8", "RX-2", "P45")
@given(fails=st.integers(0, 5), retries=st.integers(1, 4), backoff=backoffs)
def test_waits_are_drawn_within_their_bounds_recorded_and_the_same_again(
    fails: int, retries: int, backoff: Backoff
) -> None:
    """Seen to fail with waits of the machine's chance, and with a factor left out."""
    told = told_of(fails, retries, backoff)

    failed = [fact for fact in told.facts if fact.type == "hook.failed"]
    begun = [fact for fact in told.facts if fact.type == "hook.started"]
    assert len(begun) == min(fails, retries) + 1
    event(f"retried: {len(begun) > 1}")
    for n, fact in enumerate(failed):
        bound = min(backoff.initial * backoff.factor**n, backoff.cap)
        assert fact.data.will_retry == (n < retries)
        assert 0 <= fact.data.wait_s <= bound + 1e-6
        if fact.data.will_retry:
            assert begun[n + 1].at_us - fact.at_us == pytest.approx(
                fact.data.wait_s * 1_000_000, abs=2
            )
        else:
            assert fact.data.wait_s == 0
    assert told.answer.status == (500 if fails > retries else 200)


@pytest.mark.proves("HO-8")
def test_without_a_backoff_nothing_is_waited() -> None:
    told = told_of(2, 2, None)

    assert {fact.data.wait_s for fact in told.facts if fact.type == "hook.failed"} == {0.0}
    assert told.facts[-1].at_us == told.facts[0].at_us


@pytest.mark.proves("HO-8", "CN-1", "CN-2")
def test_a_wait_ends_at_the_deadline() -> None:
    told = told_of(9, 100, Backoff(5.0, 1.0, 5.0), timeout_s=3.0)

    assert told.answer.status == 504
    assert told.types.count("request.timed_out") == 1
    assert told.facts[-1].at_us - told.facts[0].at_us == 3_000_000


@pytest.mark.proves("HO-8", "HO-7")
def test_what_a_failed_attempt_of_a_catch_hook_wrote_is_forgotten() -> None:
    async def handle() -> None:
        raise KeyError

    tries: list[int] = []

    async def sorry(res: Response) -> None:
        tries.append(1)
        res.header("x-try", str(len(tries))).write({"try": len(tries)}, status=409)
        if len(tries) == 1:
            raise ValueError

    waits = Backoff(2.0, 1.0, 2.0)
    made = new_hook(sorry, id="sorry", kind="catch", level="route", retries=1, backoff=waits)
    told = run_virtual(Controlled(version_of(handle, catch=[made]), replayed=False).send())

    assert (told.answer.status, told.json) == (409, {"try": 2})
    assert [value for name, value in told.answer.headers if name == "x-try"] == ["2"]


@pytest.mark.proves("HO-8")
def test_an_attempt_is_over_before_the_next_begins() -> None:
    seen: list[str] = []

    async def slow() -> None:
        seen.append("begins")
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.5)
            seen.append("ends")

    made = new_hook(slow, id="slow", kind="before", level="route", timeout=1.0, retries=1,
                    backoff=Backoff(1.0, 1.0, 1.0))  # fmt: skip
    told = run_virtual(Controlled(version_of(lambda: 1, before=[made]), replayed=False).send())

    assert seen == ["begins", "ends"] * 2
    assert told.answer.status == 500


@pytest.mark.proves("CN-5", "RX-2")
def test_a_compensation_has_attempts_of_its_own_and_alerts_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def undo(what: int) -> None:
        if what == 1:
            raise ValueError

    async def handle(lctx: LocalContext) -> None:
        lctx.compensate(retrying(undo, 2, Backoff(1.0, 2.0, 9.0)), 1)
        lctx.compensate(undo, 1)
        lctx.compensate(retrying(undo, 2), 2)
        raise KeyError

    told = run_virtual(Controlled(version_of(handle), replayed=True).send())
    check_stream(told.facts)

    undone = [fact for fact in told.facts if fact.type.startswith("compensation.r")][3:]
    failed = [fact for fact in told.facts if fact.type == "compensation.failed"]
    assert [fact.type for fact in undone] == ["compensation.ran"] + ["compensation.retried"] * 2
    assert [(fact.data.attempt, fact.data.of) for fact in undone[1:]] == [(1, 3), (2, 3)]
    assert all(0 < fact.data.wait_s <= 2 for fact in undone[1:])
    assert len(failed) == sum("compensation failed" in each.message for each in caplog.records) == 2
    assert told.state.compensations == ()


@pytest.mark.proves("HO-8", "CN-5")
@pytest.mark.parametrize("numbers", [(0, 2, 5), (6, 2, 5), (1, 0.5, 5), (1, 2, 1e9), (1, 2, "5")])
def test_a_backoff_that_cannot_be_is_refused(numbers: tuple[Any, Any, Any]) -> None:
    with pytest.raises(PolicySyntaxError):
        Backoff(*numbers)


@pytest.mark.proves("HO-8", "CN-5")
def test_a_backoff_without_retries_and_retries_without_number_are_refused() -> None:
    with pytest.raises(PolicySyntaxError, match="says nothing"):
        hook(print, backoff=Backoff())
    with pytest.raises(PolicySyntaxError, match="no number of retries"):
        retrying(print, 101)
    with pytest.raises(PolicySyntaxError, match="no number of retries"):
        App("shop").before(retries=-1)(lambda: None)


@pytest.mark.proves("HO-8", "MG-5", "TH-1")
def test_hooks_of_an_app_wait_in_the_harness_and_their_manifest_says_so() -> None:
    app = App("shop")
    flaky = Flaky(1)
    app.before(retries=1, backoff=Backoff(1.0, 2.0, 4.0))(flaky)

    @app.handler("GET /", before=[hook(lambda: None, retries=2)])
    async def read(lctx: LocalContext) -> int:
        return int(lctx.get("attempts"))

    with Harness(app) as h:
        answer = h.get("/")
        replayed = answer.replay()

    assert answer.json == 2
    assert replayed.divergence is None
    assert [each.backoff for each in app.manifests[0].hooks] == [(1.0, 2.0, 4.0), None]
