"""Versions that count from another time than that of their deployment (TS-7)."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from eventstore.memory import MemoryStore
from runtime import App, Parts, Request
from runtime.control import control_stream, read_table
from runtime.errors import (
    BackfillError,
    PolicySyntaxError,
    ScheduleError,
    SplitError,
    SunsetError,
    TagNameError,
)
from runtime.testing import FakeClock, Harness, SeededIds, run_virtual
from runtime.timescape.instants import http_date, rfc3339
from tests.faces.asgi import Reply, ask, facts_of, memory_store

DAY_US = 24 * 3_600_000_000
FIRST, SECOND, THIRD = "2026-03-01", "2026-10-01", "2026-12-01"


class Name(msgspec.Struct):
    name: str


class Names(msgspec.Struct):
    names: list[str]


async def one() -> str:
    return "one"


async def two() -> str:
    return "two"


async def two_better() -> str:
    return "two, better"


async def three() -> str:
    return "three"


Handler = Callable[..., Any]


def greeter(*versions: tuple[str | None, Handler], **dated: Any) -> App:
    """Make an app with those editions; *dated*: said of the last."""
    app = App("greeter")
    for edition, handler in versions:
        more = dated if (edition, handler) == versions[-1] else {}
        app.handler("GET /hello", version=edition, **more)(handler)
    return app


class Office:
    """One log and its clock; apps that are started on it, one after the other or together."""

    def __init__(self) -> None:
        self.store: MemoryStore = memory_store()
        self.clock = FakeClock()
        self.apps: list[App] = []

    def now(self, days: float = 0) -> int:
        return self.clock() + round(days * DAY_US)

    def start(self, app: App) -> App:
        app.start(self.store, clock=self.clock, ids=SeededIds(len(self.apps) + 1))
        self.apps.append(app)
        self.clock.step(60)
        return app

    def ids(self) -> list[str]:
        line = read_table(self.store, control_stream("greeter")).handlers["get-hello"].line
        return [str(version.id) for version in line]

    async def close(self) -> None:
        for app in self.apps:
            await app.stop()
        self.store.close()


def held(scenario: Callable[[Office], Any]) -> None:
    async def run() -> None:
        office = Office()
        try:
            await scenario(office)
        finally:
            await office.close()

    run_virtual(run())


async def get(app: App, query: str = "", **headers: str) -> Reply:
    sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return await ask(app, "GET", f"/hello{query}", headers=sent)


async def says(app: App, query: str = "", **headers: str) -> Any:
    return (await get(app, query, **headers)).json


@pytest.mark.proves("TS-7", "TS-4")
def test_no_selector_sees_a_scheduled_version_until_its_instant_and_each_process_then_does() -> (
    None
):
    """By id, edition, tag, `latest`, instant and none; with caches warm from before."""

    async def scenario(office: Office) -> None:
        office.start(greeter((FIRST, one), tags=["stable", "default"]))
        at_us = office.now(days=7)
        parts = ((FIRST, one), (SECOND, two))
        dated = {"tags": ["stable", "default", "next"], "effective_at": rfc3339(at_us)}
        here, there = (office.start(greeter(*parts, **dated)) for _ in range(2))
        old, new = office.ids()
        asked = ("", "?v=latest", "?v=2026-10-01", "?v=stable", "?v=2999-12-31", "?v=default")

        for app in (here, there):
            assert [await says(app, each) for each in asked] == ["one"] * 6
            early = await get(app, f"?v={new}")
            assert (early.status, early.code) == (404, "version-not-found")
            assert (early.json["effective-at"], early.json["latest"]) == (rfc3339(at_us), old)
            assert (await get(app, "?v=next")).code == "version-not-found"
        office.clock.step((at_us - 1 - office.now()) / 1_000_000)
        assert office.now() == at_us - 1
        assert [await says(here, each) for each in asked] == ["one"] * 6
        office.clock.step(0.000001)
        later = office.start(greeter(*parts, **dated))

        for app in (here, there, later):
            assert [await says(app, each) for each in asked] == ["two"] * 6
            assert await says(app, f"?v={new}") == await says(app, "?v=next") == "two"
            assert await says(app, accept_datetime=http_date(at_us - 1)) == "one"
        assert office.ids() == [old, new]

    held(scenario)


@pytest.mark.proves("TS-7", "DP-3", "TS-3")
def test_what_is_current_can_be_mended_while_a_version_is_scheduled() -> None:
    async def scenario(office: Office) -> None:
        at_us = office.now(days=7)
        dated = {"effective_at": dt.datetime.fromtimestamp(at_us / 1e6, dt.UTC)}
        office.start(greeter((FIRST, one), (SECOND, two)))
        office.start(greeter((FIRST, one), (SECOND, two), (THIRD, three), **dated))

        mended = office.start(greeter((FIRST, one), (SECOND, two_better), (THIRD, three), **dated))

        better = mended.versions.table.handlers["get-hello"].line[2]
        assert (await get(mended)).header("timescape-version") == str(better.id)
        assert mended.versions.table.handlers["get-hello"].current(office.now()) == better
        assert await says(mended) == await says(mended, "?v=2026-11-30") == "two, better"
        office.clock.step(7 * 24 * 3_600)
        assert await says(mended) == "three"

    held(scenario)


@pytest.mark.proves("TS-7", "TR-5")
def test_a_default_that_is_not_seen_yet_is_none() -> None:
    async def scenario(office: Office) -> None:
        dated = {"effective_at": rfc3339(office.now(days=1)), "tags": ["default"]}
        app = office.start(greeter((FIRST, one), (SECOND, two), (THIRD, three), **dated))

        app.versions.promote(office.ids()[0])
        before = await get(app)
        office.clock.step(24 * 3_600)
        after = await get(app)

        assert (before.json, before.header("timescape-resolved-by")) == ("one", "latest")
        assert (after.json, after.header("timescape-resolved-by")) == ("three", "default")

    held(scenario)


@pytest.mark.proves("TS-7", "VL-5")
def test_a_scheduled_version_can_be_called_off_and_on_again() -> None:
    async def scenario(office: Office) -> None:
        dated = {"effective_at": rfc3339(office.now(days=7))}
        app = office.start(greeter((FIRST, one), (SECOND, two), **dated))
        _, new = office.ids()

        with pytest.raises(SunsetError, match="scheduled"):
            app.versions.deprecate(new, sunset_us=office.now(days=60))
        app.versions.deactivate(new, force=True)
        app.versions.reactivate(new)
        app.versions.deactivate(new, force=True)
        office.clock.step(8 * 24 * 3_600)

        assert await says(app) == "one"
        assert (await get(app, f"?v={new}")).code == "version-deactivated"

    held(scenario)


@pytest.mark.proves("TS-7", "VL-6")
def test_a_date_that_has_passed_means_now_and_a_scheduled_version_is_nobodys_successor_yet() -> (
    None
):
    async def scenario(office: Office) -> None:
        app = office.start(greeter((FIRST, one), effective_at="2001-01-01T00:00:00Z"))
        routes = app.versions.table.handlers["get-hello"]
        assert routes.line[0].effective_us == office.now() - 60_000_000

        dated = {"effective_at": rfc3339(office.now(days=1))}
        app = office.start(greeter((FIRST, one), (SECOND, two), **dated))
        app.versions.deprecate(office.ids()[0])
        assert (await get(app)).header("link") is None
        office.clock.step(24 * 3_600)
        named = await get(app, "?v=2026-03-01")
        assert office.ids()[1] in (named.header("link") or "")

    held(scenario)


@pytest.mark.proves("TS-7", "TR-3", "TR-6")
def test_an_operator_back_dates_a_version_and_nobody_else() -> None:
    async def scenario(office: Office) -> None:
        app = office.start(greeter((SECOND, two)))
        then = http_date(office.now(days=-10))
        before = await get(app, accept_datetime=then)
        assert before.code == "version-before-first"
        answered = await get(app)

        dated = {"effective_at": rfc3339(office.now(days=-30)), "backfill": True}
        back = greeter((SECOND, two), (FIRST, one), **dated)
        with pytest.raises(BackfillError, match="no operator"):
            office.start(back)
        with pytest.raises(BackfillError, match="names no operator"):
            back.backfill(office.store, by="", clock=office.clock)
        would = back.backfill(office.store, by="ann", clock=office.clock, dry_run=True)
        (done,) = back.backfill(office.store, by="ann", clock=office.clock).events
        assert not back.backfill(office.store, by="eve", clock=office.clock)
        office.start(back)

        assert [event.data for event in would.events] == [done.data]
        assert (done.data.by, done.data.activation) == ("ann", "now")
        assert await says(back, accept_datetime=then) == "one"
        assert await says(back) == await says(back, "?v=latest") == "two"
        assert await says(back, "?v=2026-04-01") == "one"
        (kept,) = [e.data for e in facts_of(office.store, answered) if e.type == "version.resolved"]
        assert kept.table < done.position

    held(scenario)


def orders(*versions: tuple[str, type], **dated: Any) -> App:
    """Make an app whose first and last editions a transformer joins."""
    app = App("greeter")
    for edition, body in versions:

        async def take(req: Request[Any]) -> str:
            return type(req.body).__name__

        take.__annotations__["req"] = Request[body]  # type: ignore[valid-type]
        more = dated if edition == SECOND else {}
        app.handler("POST /names", version=edition, **more)(take)
    return app


def up(parts: Parts) -> Parts:
    return Parts(parts.query, {"names": [parts.body["name"]]})


@pytest.mark.proves("TS-7", "TX-1")
def test_a_back_dated_version_does_not_come_between_two_that_a_transformer_joins() -> None:
    async def scenario(office: Office) -> None:
        joined = orders((FIRST, Name), (THIRD, Names))
        joined.transformer("POST /names", FIRST, THIRD, request_up=up)
        office.start(joined)
        end = office.store.end()

        dated = {"effective_at": rfc3339(office.now(days=-1)), "backfill": True}
        between = orders((FIRST, Name), (SECOND, Name), (THIRD, Names), **dated)
        with pytest.raises(BackfillError, match=f"between {FIRST} and {THIRD}") as refused:
            between.backfill(office.store, by="ann", clock=office.clock)

        assert refused.value.code == "RT612"
        assert office.store.end() == end

    held(scenario)


@pytest.mark.proves("TS-7", "DP-2")
def test_code_that_callers_get_now_is_not_taken_away_for_a_version_that_comes_later() -> None:
    async def scenario(office: Office) -> None:
        office.start(greeter((FIRST, one)))

        with pytest.raises(ScheduleError, match="its code would be gone"):
            office.start(greeter((FIRST, two), effective_at=rfc3339(office.now(days=1))))

    held(scenario)


@pytest.mark.proves("TS-7")
@pytest.mark.parametrize(
    ("dated", "told"),
    [
        ({"effective_at": "2026-12-01"}, "is no time"),
        ({"effective_at": dt.datetime(2026, 12, 1)}, "is no time"),  # noqa: DTZ001
        ({"effective_at": "1969-12-31T23:59:59Z"}, "is no time"),
        ({"backfill": True}, "from when on"),
        ({"effective_at": "2026-12-01T00:00:00Z", "backfill": "yes"}, "is not known"),
    ],
)
def test_a_date_that_cannot_be_is_refused_where_it_is_written(
    dated: dict[str, Any], told: str
) -> None:
    with pytest.raises(PolicySyntaxError, match=told):
        greeter((FIRST, one), **dated)


@pytest.mark.proves("TS-7", "TH-1")
def test_a_harness_is_the_operator_of_its_log() -> None:
    app = greeter((SECOND, two), (FIRST, one), effective_at="2001-01-01T00:00:00Z", backfill=True)

    with Harness(app) as shop:
        assert shop.get("/hello", headers={"accept-datetime": http_date(10**15)}).json == "one"
        assert shop.get("/hello").json == "two"


@pytest.mark.proves("VL-6", "DP-5")
def test_what_is_announced_to_end_does_not_become_current() -> None:
    async def scenario(office: Office) -> None:
        app = office.start(greeter((FIRST, one), (SECOND, two)))
        old, new = office.ids()
        app.versions.deprecate(old, sunset_us=office.now(days=31))

        with pytest.raises(SplitError, match="announced to end"):
            app.versions.promote(old)
        assert app.versions.split("get-hello", {old: 1_000, new: 9_000})
        app.versions.deprecate(old)
        assert app.versions.promote(old)

    held(scenario)


@pytest.mark.proves("TG-1", "TG-3")
def test_no_deployment_brings_a_tag_that_differs_from_another_by_case_alone() -> None:
    async def scenario(office: Office) -> None:
        office.start(greeter((FIRST, one), tags=["stable"]))
        end = office.store.end()

        with pytest.raises(TagNameError, match="by case alone"):
            office.start(greeter((FIRST, one), (SECOND, two), tags=["Stable"]))
        assert office.store.end() == end

    held(scenario)


@pytest.mark.proves("TS-7", "PL-2")
def test_a_scheduled_version_stands_in_for_no_other_before_its_time() -> None:
    """Where the code of what is current is gone, and callers would lose nothing by it."""

    async def scenario(office: Office) -> None:
        at_us = office.now(days=1)
        parts = ((FIRST, one), (THIRD, three), (SECOND, two))
        dated = {"effective_at": rfc3339(at_us)}
        office.start(greeter(*parts, **dated))
        without = office.start(greeter((FIRST, one), (SECOND, two), **dated))
        assert len(office.ids()) == 3

        assert await says(without) == "one"
        office.clock.step(24 * 3_600)
        assert await says(without) == "two"

    held(scenario)
