"""What starts and stops with an app, and how it says that it is (GC-4, GC-5, GC-7, HW-7)."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import Event
from eventstore.memory import MemoryStore
from runtime import App, GlobalContext, HttpError, Priority
from runtime.app.startup import control_stream
from runtime.errors import (
    NotStartedError,
    PolicySyntaxError,
    RegistrationError,
    SignatureError,
)
from runtime.lifecycle.outcomes import LEAST, Outcomes, verdict_of
from runtime.testing import run_virtual
from tests.faces.asgi import ask, memory_store

Planned = tuple[int, str, str]
planned: st.SearchStrategy[Planned] = st.tuples(
    st.sampled_from([*Priority, 7]),
    st.sampled_from(["starts", "starts", "starts", "fails"]),
    st.sampled_from(["stops", "stops", "fails", "hangs", "nothing"]),
)


async def nothing() -> None:
    """Do nothing."""


def told(store: MemoryStore) -> list[Event]:
    facts = store.read(control_stream("shop"))
    return [event for event in facts if event.type.startswith("hook.")]


class Stage:
    """An app of planned startups, and what ran of them."""

    def __init__(self, modules: list[Planned], hooks: list[Planned]) -> None:
        self.ran: list[str] = []
        self.app = App("shop")
        self.app.handler("GET /")(nothing)
        for i, (_, starts, stops) in enumerate(modules):
            self.app.module(
                f"m{i}",
                object(),
                start=self._start(f"m{i}", starts),
                stop=self._stop(f"m{i}", stops),
            )
        for i, (priority, starts, stops) in enumerate(hooks):
            self.app.startup(priority=priority, shutdown=self._stop(f"h{i}", stops))(
                self._start(f"h{i}", starts)
            )

    def _start(self, name: str, does: str) -> Callable[..., Any]:
        async def start(gctx: GlobalContext) -> None:
            assert isinstance(gctx, GlobalContext)
            self.ran.append(f"start {name}")
            if does == "fails":
                raise LookupError(name)

        return start

    def _stop(self, name: str, does: str) -> Callable[..., Any] | None:
        async def stop() -> None:
            self.ran.append(f"stop {name}")
            if does == "hangs":
                await asyncio.sleep(1_000)
            if does == "fails":
                raise ValueError

        return None if does == "nothing" else stop


@pytest.mark.proves("GC-4", "GC-5")
@given(modules=st.lists(planned, max_size=3), hooks=st.lists(planned, max_size=4))
def test_startups_run_by_priority_and_what_started_stops_in_the_reverse_order(
    modules: list[Planned], hooks: list[Planned]
) -> None:
    stage, store = Stage(modules, hooks), memory_store()

    async def scenario() -> tuple[str, float]:
        stage.app.start(store)
        raised = ""
        try:
            await stage.app.begin()
        except LookupError as error:
            raised = error.args[0]
        began_s = asyncio.get_running_loop().time()
        await stage.app.stop()
        await stage.app.stop()
        return raised, asyncio.get_running_loop().time() - began_s

    raised, _ = run_virtual(scenario())

    ordered = [(f"m{i}", *each[1:]) for i, each in enumerate(modules)]
    ordered += [
        (f"h{i}", *each[1:]) for i, each in sorted(enumerate(hooks), key=lambda h: (-h[1][0], h[0]))
    ]
    at = next((i for i, each in enumerate(ordered) if each[1] == "fails"), len(ordered))
    started = ordered[:at]
    event(f"one fails to start: {at < len(ordered)}")
    event(f"some stop badly: {any(each[2] in ('fails', 'hangs') for each in started)}")
    assert raised == (ordered[at][0] if at < len(ordered) else "")
    tried = [f"start {each[0]}" for each in ordered[: at + 1]]
    assert stage.ran == tried + [f"stop {n}" for n, _, s in reversed(started) if s != "nothing"]
    facts = told(store)
    starts = sum(fact.type == "hook.started" for fact in facts)
    assert starts == len(stage.ran)
    failed = [fact.data.failure.error for fact in facts if fact.type == "hook.failed"]
    expected = ["LookupError"] * bool(raised)
    expected += [
        {"fails": "ValueError", "hangs": "CancelledError"}[s]
        for _, _, s in reversed(started)
        if s in ("fails", "hangs")
    ]
    assert failed == expected


@pytest.mark.proves("GC-4", "GC-5", "GC-6")
def test_an_app_is_served_once_everything_has_started() -> None:
    stage = Stage([(500, "starts", "stops")], [(200, "starts", "stops"), (800, "starts", "hangs")])
    store = memory_store()

    async def scenario() -> float:
        stage.app.start(store)
        with pytest.raises(NotStartedError, match="startup hooks"):
            await ask(stage.app, "GET", "/")
        await stage.app.begin()
        assert (await ask(stage.app, "GET", "/")).status == 204
        before_s = asyncio.get_running_loop().time()
        await stage.app.stop()
        return asyncio.get_running_loop().time() - before_s

    assert run_virtual(scenario()) == pytest.approx(10.0)
    assert stage.ran == ["start m0", "start h1", "start h0", "stop h0", "stop h1", "stop m0"]
    assert [(f.type, f.data.kind) for f in told(store)][:2] == [
        ("hook.started", "startup"),
        ("hook.ended", "startup"),
    ]
    assert [f.key for f in told(store)][::2] == [
        "module:m0", *[f"{__name__}.Stage._start.<locals>.start{n}" for n in ("#2", "")],
        *[f"{__name__}.Stage._start.<locals>.start{n}" for n in ("", "#2")], "module:m0",
    ]  # fmt: skip


@pytest.mark.proves("GC-4")
def test_a_startup_that_cannot_be_is_refused() -> None:
    app = App("shop")

    with pytest.raises(SignatureError, match="lctx"):
        app.startup(lambda lctx: None)
    with pytest.raises(SignatureError, match="req"):
        app.module("m", object(), start=lambda req: None)
    with pytest.raises(PolicySyntaxError, match="soon"):
        app.startup(priority="soon")(nothing)  # type: ignore[call-overload]

    @app.startup
    def plain(gctx: GlobalContext) -> None:
        """Be sync."""

    assert plain.__name__ == "plain"


# --- health ---

CHECKS: dict[str, tuple[Any, str]] = {
    "pass": ("pass", "pass"), "none": (None, "pass"), "true": (True, "pass"),
    "warn": ("warn", "warn"), "why": (("warn", "slow"), "warn"), "fail": ("fail", "fail"),
    "false": (False, "fail"), "odd": (7, "fail"), "raises": (KeyError, "fail"),
    "hangs": (..., "fail"),
}  # fmt: skip
"""What a check returns, and what that means."""


def check(returns: Any) -> Callable[..., Any]:
    async def call() -> Any:
        await asyncio.sleep(4)
        if returns is ...:
            await asyncio.sleep(1_000)
        if returns is KeyError:
            raise KeyError
        return returns

    return call


@pytest.mark.proves("GC-7")
@given(drawn=st.lists(st.sampled_from(list(CHECKS)), max_size=5, unique=True))
def test_health_is_the_worst_of_all_checks_which_run_at_once(drawn: list[str]) -> None:
    app = App("shop")
    app.handler("GET /")(nothing)
    for name in drawn:
        app.health_check(name)(check(CHECKS[name][0]))

    async def scenario() -> tuple[Any, float]:
        app.start(memory_store())
        health = await app.health()
        return health, asyncio.get_running_loop().time()

    health, took_s = run_virtual(scenario())

    results = [CHECKS[name][1] for name in drawn]
    event(f"worst: {max(results, default='none')}")
    worst = "unhealthy" if "fail" in results else "degraded" if "warn" in results else "healthy"
    assert health.status == worst
    assert [(c.name, c.result) for c in health.checks[: len(drawn)]] == list(
        zip(drawn, results, strict=True)
    )
    assert took_s == (5.0 if "hangs" in drawn else 4.0 if drawn else 0.0)


@pytest.mark.proves("GC-7")
def test_a_check_says_why() -> None:
    app = App("shop")
    app.handler("GET /")(nothing)
    for name in ("why", "raises", "hangs", "odd"):
        app.health_check(name)(check(CHECKS[name][0]))
    with pytest.raises(RegistrationError, match="why"):
        app.health_check("why")(nothing)

    async def reasons() -> list[str]:
        app.start(memory_store())
        return [each.reason for each in (await app.health()).checks]

    assert run_virtual(reasons()) == [
        "slow", "KeyError", "it took longer than 5 s", "it returned int", "",
    ]  # fmt: skip


@pytest.mark.proves("HW-7", "GC-7")
def test_an_app_whose_handlers_answer_5xx_is_unhealthy_until_a_minute_has_passed() -> None:
    app = App("shop")

    async def give(req: Any) -> None:
        if req.query["fails"] == "yes":
            raise HttpError(503, "busy", "Busy.")

    app.handler("GET /")(give)

    async def scenario() -> list[str]:
        app.start(memory_store())
        said = []
        for fails, times in (("yes", 9), ("no", 11), ("no", 200), ("yes", 250)):
            for _ in range(times):
                await ask(app, "GET", f"/?fails={fails}")
            await asyncio.sleep(1)
            said.append((await app.health()).status)
        await asyncio.sleep(60)
        return [*said, (await app.health()).status]

    assert run_virtual(scenario()) == ["healthy", "degraded", "healthy", "unhealthy", "healthy"]


@pytest.mark.proves("HW-7")
def test_an_app_without_handlers_is_unhealthy() -> None:
    async def scenario() -> Any:
        app = App("shop")
        app.start(memory_store())
        return await app.health()

    health = run_virtual(scenario())
    assert (health.status, health.checks[0].reason) == ("unhealthy", "there is none")


@pytest.mark.proves("HW-7")
@given(
    answers=st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from("ab"), st.sampled_from([200, 404, 500, 503])),
        max_size=150,
    ),
    later=st.integers(0, 70),
)
def test_a_version_is_judged_by_its_own_answers_of_the_last_minute(
    answers: list[tuple[int, str, int]], later: int
) -> None:
    outcomes, now_s = Outcomes(), 0.0
    kept: list[tuple[int, str, int]] = []
    for gap, version, status in answers:
        now_s += gap / 10
        outcomes.note(version, status, now_s)
        kept.append((int(now_s), version, status))
    now_s += later

    for version in "abc":
        mine = [s for second, v, s in kept if v == version and int(now_s) - second < 60]
        bad = sum(status >= 500 for status in mine)
        expected = "healthy"
        if len(mine) >= 20 and bad / len(mine) > 0.1:
            expected = "unhealthy" if bad / len(mine) > 0.5 else "degraded"
        event(expected)
        assert outcomes.verdict(version, now_s) == expected


@pytest.mark.proves("HW-7")
@pytest.mark.parametrize(
    ("answers", "failed", "verdict"),
    [
        (0, 0, "healthy"),
        (LEAST - 1, LEAST - 1, "healthy"),
        (20, 2, "healthy"),
        (20, 3, "degraded"),
        (20, 10, "degraded"),
        (20, 11, "unhealthy"),
        (1_000, 100, "healthy"),
        (1_000, 501, "unhealthy"),
    ],
)
def test_more_than_a_tenth_is_degraded_more_than_half_unhealthy(
    answers: int, failed: int, verdict: str
) -> None:
    assert verdict_of(answers, failed) == verdict
