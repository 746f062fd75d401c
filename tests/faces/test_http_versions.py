"""Versions over HTTP: which one answers, what the answer says of it, how soon a change is seen."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from debugger.cli.moments import iso
from debugger.cli.versions_of import time_of
from runtime import App, Response
from runtime.control import Versions, control_stream
from runtime.testing import FakeClock, SeededIds, run_virtual
from runtime.timescape.instants import http_date
from tests.faces.asgi import Reply, ask, facts_of, memory_store
from tests.faces.command_line import run

DAY_S = 24 * 3_600


class Hello:
    """An app with two editions of one handler, on a clock that tests set."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = memory_store()
        self.app = App("hello")

        @self.app.handler("GET /hello", version="2026-03-01", tags=["stable"], run="own")
        async def one() -> str:
            return "one"

        @self.app.handler("GET /hello", version="2026-10-01")
        async def two() -> str:
            return "two"

        self.app.start(self.store, clock=self.clock, ids=SeededIds(1))
        self.clock.step(60)
        line = self.app.versions.table.handlers["get-hello"].line
        self.ids = [str(version.id) for version in line]

    def elsewhere(self) -> Versions:
        """Give what changes versions in another process."""
        return Versions(self.store, control_stream("hello"), clock=self.clock, ids=SeededIds(2))

    async def get(self, query: str = "", **headers: str) -> Reply:
        sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return await ask(self.app, "GET", f"/hello{query}", headers=sent)

    async def says(self, query: str = "", **headers: str) -> str:
        return str((await self.get(query, **headers)).json)


def serving(work: Callable[[Hello], Awaitable[Any]]) -> Any:
    async def scenario() -> Any:
        hello = Hello()
        try:
            return await work(hello)
        finally:
            await hello.app.stop()

    return asyncio.run(scenario())


@pytest.mark.proves("TS-8", "TG-2", "TR-5")
def test_the_next_request_sees_what_this_process_changed() -> None:
    async def work(hello: Hello) -> None:
        one, two = hello.ids
        versions = hello.app.versions
        assert await hello.says("?v=stable") == "one"
        versions.tag("stable", two)
        assert await hello.says("?v=stable") == "two"
        assert await hello.says() == "two"
        versions.tag("default", one)
        assert (await hello.get()).header("timescape-resolved-by") == "default"
        assert await hello.says() == "one"
        versions.untag("get-hello", "default")
        versions.promote(one)
        assert await hello.says() == "one"
        assert await hello.says("?v=2026-10-01") == "two"

    serving(work)


@pytest.mark.proves("TS-8")
def test_what_another_process_changed_is_seen_within_a_second() -> None:
    async def work(hello: Hello) -> None:
        assert await hello.says("?v=stable") == "one"
        hello.elsewhere().tag("stable", hello.ids[1])
        hello.clock.step(1.0)

        assert await hello.says("?v=stable") == "two"
        hello.clock.step(-3_600)
        hello.elsewhere().tag("stable", hello.ids[0])
        assert await hello.says("?v=stable") == "one"

    serving(work)


@pytest.mark.proves("TS-8")
def test_a_caller_who_has_seen_a_change_gets_it_or_waits_a_second() -> None:
    async def scenario() -> None:
        hello = Hello()
        assert await hello.says("?v=stable") == "one"
        moved = hello.elsewhere().tag("stable", hello.ids[1])
        began_us = hello.clock()

        seen = await hello.get("?v=stable", timescape_table=str(moved.table.position))
        behind = await hello.get(timescape_table=str(moved.table.position + 1_000))
        odd = await hello.get(timescape_table="-1")

        assert seen.json == "two"
        assert (behind.status, behind.code) == (503, "table-behind")
        assert behind.header("retry-after") == "1"
        assert 1_000_000 <= hello.clock() - began_us < 1_100_000
        assert (odd.status, odd.code) == (400, "header-malformed")
        await hello.app.stop()

    run_virtual(scenario())


@pytest.mark.proves("TR-3", "TR-9")
def test_accept_datetime_is_answered_with_the_start_of_the_interval() -> None:
    async def work(hello: Hello) -> None:
        one, two = hello.ids
        began_us = hello.app.versions.table.handlers["get-hello"].timeline[-1].from_us
        hello.clock.step(3_600)
        moved_us = hello.clock()
        hello.app.versions.promote(one)
        hello.clock.step(3_600)

        then = await hello.get(accept_datetime=http_date(moved_us - 1_000_000))
        now = await hello.get(accept_datetime=http_date(hello.clock()))
        early = await hello.get(accept_datetime=http_date(began_us - DAY_S * 1_000_000))
        wrong = await hello.get(accept_datetime="2026-10-01T12:00:00Z")

        assert (then.json, then.header("timescape-version")) == ("two", two)
        assert then.header("memento-datetime") == http_date(began_us)
        assert then.header("timescape-resolved-by") == "datetime"
        assert (now.json, now.header("memento-datetime")) == ("one", http_date(moved_us))
        assert (early.status, early.code) == (404, "version-before-first")
        assert (wrong.status, wrong.code) == (400, "version-malformed")
        for each in (then, now, early, wrong):
            assert each.header("vary") == "timescape-version, x-api-version, accept-datetime"

    serving(work)


@pytest.mark.proves("VL-6", "TR-8", "TR-9")
def test_a_version_that_ends_says_so_and_then_is_gone() -> None:
    async def work(hello: Hello) -> None:
        one, two = hello.ids
        sunset_us = hello.clock() + 31 * DAY_S * 1_000_000
        announced_s = hello.clock() // 1_000_000
        hello.app.versions.deprecate(one, sunset_us=sunset_us, link="https://shop.example/ends")

        told = await hello.get("?v=2026-03-01")
        other = await hello.get()
        hello.clock.step(31 * DAY_S)
        gone = await hello.get("?v=2026-03-01")

        assert told.json == "one"
        assert told.header("deprecation") == f"@{announced_s}"
        assert told.header("sunset") == http_date(sunset_us)
        assert told.header("link") == (
            '<https://shop.example/ends>; rel="deprecation", '
            f'<?version={two}>; rel="successor-version"'
        )
        assert other.header("deprecation") is None
        assert (gone.status, gone.code, gone.json["latest"]) == (410, "version-sunset", two)

    serving(work)


@pytest.mark.proves("VL-5", "TR-8")
def test_a_deactivated_version_is_gone_until_it_is_reactivated() -> None:
    async def work(hello: Hello) -> None:
        one, two = hello.ids
        assert hello.app.versions.deactivate(one, force=True)
        position = hello.app.versions.table.position
        gone = await hello.get(f"?v={one}")
        assert hello.app.versions.reactivate(one)
        assert not hello.app.versions.reactivate(one)

        assert (gone.status, gone.code, gone.json["latest"]) == (410, "version-deactivated", two)
        (fact,) = [e.data for e in facts_of(hello.store, gone) if e.type == "version.resolved"]
        assert (fact.error, fact.asked) == ("version-deactivated", one)
        assert fact.table == position
        assert await hello.says(f"?v={one}") == "one"

    serving(work)


@pytest.mark.proves("VL-5")
def test_a_version_stopped_for_security_gives_way_to_another_at_once() -> None:
    async def work(hello: Hello) -> None:
        one, two = hello.ids
        hello.app.versions.deactivate(two, reason="security", promote=one)

        assert await hello.says() == "one"
        assert (await hello.get(f"?v={two}")).status == 410

    serving(work)


@pytest.mark.proves("DP-5", "DP-6", "TR-9")
def test_a_split_shares_callers_who_name_nothing_and_says_that_it_did() -> None:
    async def work(hello: Hello) -> None:
        one, two = hello.ids
        hello.app.versions.split("get-hello", {one: 5_000, two: 5_000})
        replies = [await hello.get() for _ in range(3)]
        named = await hello.get("?v=stable")
        hello.app.versions.promote(one)

        assert len({reply.json for reply in replies}) == 1
        first = replies[0]
        assert first.header("timescape-resolved-by") == "split"
        assert first.header("cache-control") == "private"
        (fact,) = [e.data for e in facts_of(hello.store, first) if e.type == "version.resolved"]
        assert fact.bucket is not None
        assert (fact.bucket < 5_000) == (first.json == "one")
        assert (named.json, named.header("cache-control")) == ("one", None)
        assert (await hello.get()).header("timescape-resolved-by") == "latest"

    serving(work)


@pytest.mark.proves("TR-9")
@pytest.mark.parametrize(
    ("said", "told"),
    [("public, max-age=60, S-MaxAge=9", "max-age=60"), ("Public", "private"), ("no-store",) * 2],
)
def test_no_cache_gives_what_a_split_decided_to_others_whatever_the_handler_says(
    said: str, told: str
) -> None:
    app = App("cached")

    @app.handler("GET /hello")
    async def hello(res: Response) -> str:
        res.header("Cache-Control", said)
        res.header("X-Empty", "")
        return "hello"

    @app.handler("GET /hello", version="2026-10-01")
    async def hello_2(res: Response) -> str:
        res.header("Cache-Control", said)
        res.header("X-Empty", "")
        return "hello"

    async def scenario() -> None:
        with memory_store() as store:
            app.start(store, clock=FakeClock(), ids=SeededIds(1))
            one, two = (str(v.id) for v in app.versions.table.handlers["get-hello"].line)
            plain = await ask(app, "GET", "/hello")
            app.versions.split("get-hello", {one: 5_000, two: 5_000})
            shared = await ask(app, "GET", "/hello")
            await app.stop()

        assert plain.header("cache-control") == said
        said_now = [value for name, value in shared.headers if name == "cache-control"]
        assert said_now == [told, "private"]
        assert shared.header("x-empty") == ""

    run_virtual(scenario())


@pytest.mark.proves("TR-1", "TR-4")
def test_one_source_twice_is_a_conflict_even_if_both_mean_the_same() -> None:
    async def work(hello: Hello) -> None:
        twice = await hello.get("?v=2026-03-01&v=2026-03-02")
        same = await hello.get("?v=stable&version=2026-03-01", x_api_version="2026-04-01")

        assert (twice.status, twice.code) == (400, "version-conflict")
        assert (same.json, same.header("timescape-resolved-by")) == ("one", "query")

    serving(work)


@pytest.mark.proves("TR-6", "TS-5")
def test_the_record_names_the_table_that_decided() -> None:
    async def work(hello: Hello) -> None:
        reply = await hello.get("?v=stable")
        (fact,) = [e.data for e in facts_of(hello.store, reply) if e.type == "version.resolved"]

        assert fact.table == hello.app.versions.table.position
        assert (fact.source, fact.asked) == ("query", "stable")

    serving(work)


@pytest.mark.proves("TR-6", "TR-2")
def test_what_the_record_leaves_out_of_a_decision_follows_from_it() -> None:
    async def work(hello: Hello) -> None:
        started = hello.clock()
        named, refused = await hello.get("?v=stable"), await hello.get("?v=nothing")
        first, wrong = (
            run("resolve", str(r.header("request-id")), "--json", store=hello.store)
            for r in (named, refused)
        )
        hello.clock.step(-7 * DAY_S)
        early = await hello.get("?v=stable")
        late = run("resolve", str(early.header("request-id"))[-8:], "--json", store=hello.store)
        told = [
            e for e in hello.store.read(control_stream("hello")) if e.type == "handler.deployed"
        ]
        digests = {event.key: event.data.manifest for event in told}
        version, position = told[0].key, hello.app.versions.table.position

        (said,) = first.records
        assert (said["version"], said["runs"], said["source"]) == (version, version, "query")
        began_us = facts_of(hello.store, named)[0].at_us
        at_us = time_of(said["evaluated_at"])
        assert started // 1_000 * 1_000 <= at_us <= began_us
        assert (said["table"], said["asked"], said["chain"]) == (position, "stable", [])
        assert said["manifests"] == [f"{version} {digests[version]}"]
        assert (wrong.records[0]["error"], wrong.records[0]["version"]) == ("tag-not-found", None)
        # What the log knows to have been is not undone by a clock that is set back.
        assert late.records[0]["evaluated_at"] == iso(hello.app.versions.table.at_us)

    serving(work)


@pytest.mark.proves("TS-3")
def test_the_wall_clock_may_step_back_after_a_deployment() -> None:
    async def work(hello: Hello) -> None:
        hello.clock.step(-7 * DAY_S)

        assert await hello.says() == "two"

    serving(work)


@pytest.mark.proves("PL-2", "PL-3", "DP-1", "SO-5")
def test_old_processes_serve_who_names_nothing_while_new_code_is_rolled_out() -> None:
    """Only where the new version takes their callers as they are; who names it has to wait."""
    old, new = App("rolling"), App("rolling")

    @old.handler("GET /hello", name="hello")
    async def before() -> str:
        return "old"

    @new.handler("GET /hello", name="hello")
    async def after() -> str:
        return "new"

    async def scenario() -> None:
        store, clock = memory_store(), FakeClock()
        old.start(store, clock=clock, ids=SeededIds(1))
        clock.step(60)
        new.start(store, clock=clock, ids=SeededIds(2))
        first, second = (str(each.id) for each in new.versions.table.handlers["hello"].line)
        clock.step(1)
        unnamed, named = (
            await ask(old, "GET", "/hello"),
            await ask(old, "GET", f"/hello?v={second}"),
        )
        moved = await ask(new, "GET", "/hello")
        await new.stop()
        await old.stop()

        assert (unnamed.json, unnamed.header("timescape-version")) == ("old", first)
        assert (named.status, named.code) == (503, "version-unavailable")
        assert (moved.json, moved.header("timescape-version")) == ("new", second)

    asyncio.run(scenario())
