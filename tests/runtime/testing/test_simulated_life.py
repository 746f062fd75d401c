"""What is done to a simulated app between its requests, as facts (SI-7)."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event as seen
from hypothesis import given
from hypothesis import strategies as st

from debugger.session import Session
from eventstore import Store
from runtime import App, LocalContext
from runtime.context import registry
from runtime.control import control_stream
from runtime.errors import NotStartedError, PolicySyntaxError, VersionNotFound
from runtime.health_facts import VersionHealthChanged
from runtime.replay import reexecute
from runtime.testing import (
    FakeClock,
    Harness,
    Result,
    SeededIds,
    Simulation,
    VirtualLoop,
    run_virtual,
)
from runtime.timescape.health import Verdict


def lived(*editions: str) -> App:
    app = App("lived")

    def make(edition: str) -> None:
        async def n(lctx: LocalContext) -> str:
            lctx.set("at", lctx.now())
            return edition

        app.handler("GET /n", version=edition)(n)

    for edition in editions:
        make(edition)
    return app


def ids_of(sim: Simulation) -> list[str]:
    return [str(each.id) for each in sim.versions.table.handlers["get-n"].line]


def told(store: Store) -> list[tuple[str | None, str, str, str]]:
    return [
        (each.key, each.data.former, each.data.to, each.data.reason)
        for each in store.read(control_stream("lived"))
        if isinstance(each.data, VersionHealthChanged)
    ]


class Life:
    """A simulated app whose tests begin with all of its versions well."""

    def __init__(self, sim: Simulation, runner: asyncio.Runner) -> None:
        self.sim, self.runner = sim, runner
        self.versions = ids_of(sim)

    def anew(self) -> int:
        for each in self.versions:
            self.sim.set_health(each, None)
        return len(told(self.sim.store))

    def ask(self) -> Result:
        return self.runner.run(self.sim.send(self.sim.request("GET", "/n")))


@pytest.fixture(scope="module")
def life() -> Iterator[Life]:
    sim = Simulation(lived("2026-01-01", "2026-02-01"))
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(sim.__aenter__())
        yield Life(sim, runner)
        runner.run(sim.__aexit__(None))


VERDICTS: list[Verdict | None] = ["healthy", "degraded", "unhealthy", None]


@pytest.mark.proves("SI-7", "PL-1", "PL-2")
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(VERDICTS)), max_size=4))
def test_who_serves_is_who_was_said_to_be_well(
    life: Life, said: list[tuple[int, Verdict | None]]
) -> None:
    """Seen to fail with a verdict that is told and not kept, and with one told twice."""
    before, versions, answers = life.anew(), life.versions, list[Any]()
    for number, verdict in said:
        life.sim.set_health(versions[number], verdict)
        result = life.ask()
        answers.append((result.status, result.json, "timescape-degraded" in result.headers))
    facts = told(life.sim.store)[before:]

    now, changes = ["healthy", "healthy"], list[Any]()
    for (number, verdict), (status, served, degraded) in zip(said, answers, strict=True):
        state = verdict or "healthy"
        if state != now[number]:
            reason = "recovered" if verdict is None else "said"
            changes.append((versions[number], now[number], state, reason))
        now[number] = state
        well = [n for n in (1, 0) if now[n] != "unhealthy"]
        assert status == (200 if well else 503)
        assert not well or served == ("2026-01-01", "2026-02-01")[well[0]]
        assert not well or degraded == (well[0] == 0)
        seen(f"well: {len(well)}")
    assert facts == changes


@pytest.mark.proves("SI-7")
def test_a_simulated_life_opens_in_the_debugger_and_replays(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lived.db'}"

    async def scenario(store: Store) -> list[Any]:
        async with Simulation(lived("2026-01-01"), store=store) as sim:

            async def ask(**how: str) -> Result:
                return await sim.send(sim.request("GET", "/n").with_query(**how))

            said = [await ask()]
            await sim.advance("30d")
            await sim.deploy(lived("2026-01-01", "2026-02-01"))
            first, second = ids_of(sim)
            sim.tag("stable", first)
            said.append(await ask())
            sim.set_health(second, "unhealthy")
            said += [await ask(), await ask(version="2026-02-01")]
            sim.set_health(second, None)
            said += [await ask(), await ask(version="stable")]
            with pytest.raises(VersionNotFound, match="There are: tsv:"):
                sim.set_health("tsv:1-get-n-001", "healthy")
        return said

    store = opened(url, "hold")
    said = run_virtual(scenario(store))
    store.close()

    assert [each.status for each in said] == [200, 200, 200, 503, 200, 200]
    assert [each.json for each in said if each.status == 200] == [
        "2026-01-01", "2026-02-01", "2026-01-01", "2026-02-01", "2026-01-01",
    ]  # fmt: skip
    days = (said[1].facts[0].at_us - said[0].facts[0].at_us) / 86_400_000_000
    assert days == 30.0
    with opened(url, "read") as again, Session(again) as session:
        kinds = [each.type for each in again.read(control_stream("lived"))]
        order = ("handler.deployed", "version.tagged", "version.health_changed")
        assert [each for each in kinds if each in order] == [
            "handler.deployed", *order, "version.health_changed",
        ]  # fmt: skip
        listed = session.requests().requests
        assert [each.outcome.partition(" ")[0] for each in listed] == [
            str(each.status) for each in reversed(said)
        ]
        for result in said:
            stream = result.facts[0].stream
            assert list(session.timeline(stream).events) == list(result.facts)
            if result.status == 200:
                replay = reexecute(lived("2026-01-01", "2026-02-01"), again, stream, keep=False)
                assert replay.divergence is None
                assert replay.answer is not None
                assert replay.answer.body == result.body


def opened(url: str, mode: Any) -> Store:
    from eventstore.sql import open_store  # noqa: PLC0415 - not every test needs SQL

    return open_store(
        url, mode=mode, durability="volatile", registry=registry(), clock=FakeClock(),
        ids=SeededIds(1),
    )  # fmt: skip


@pytest.mark.proves("SI-7", "PL-1")
def test_an_app_is_told_how_its_versions_do() -> None:
    app = lived("2026-01-01", "2026-02-01")
    with pytest.raises(NotStartedError):
        app.say_health("tsv:1-get-n-001", "unhealthy")

    async def scenario() -> list[Any]:
        async with Harness(app) as harness:
            _, second = app.versions_here
            with pytest.raises(PolicySyntaxError, match="no state"):
                app.say_health(second, "ill")  # type: ignore[arg-type]
            before = await harness.get("/n")
            app.say_health(second, "unhealthy")
            return [before, await harness.get("/n")]

    assert [each.json for each in run_virtual(scenario())] == ["2026-02-01", "2026-01-01"]
