"""Versions that nobody uses go by themselves, while an app runs and by `timescape versions`."""

import asyncio
from typing import Any

import pytest

from runtime import App
from runtime.care_facts import PolicyChanged
from runtime.control import control_stream
from runtime.errors import AlreadyStartedError
from runtime.testing import FakeClock, SeededIds, run_virtual
from tests.faces.asgi import Reply, ask, memory_store
from tests.faces.command_line import Said, run

DAY_S = 24 * 3_600
MARCH, OCTOBER = "2026-03-01", "2026-10-01"


class Hello:
    """Two versions of one edition, of which the later took over, and one of another."""

    def __init__(self, began_us: int = 1_600_000_000_000_000) -> None:
        self.clock = FakeClock(began_us)
        self.store = memory_store()
        for text in ("one", "two"):
            self.app = App("hello", on_breaking="activate")
            self.app.handler("GET /hello", version=MARCH)(self._handler(text))
            self.app.handler("GET /hello", version=OCTOBER)(self._latest())
            self.app.start(self.store, clock=self.clock, ids=SeededIds(1))
            if text == "one":
                run_virtual(self.app.stop())
            self.clock.step(60)
        line = self.app.versions.table.handlers["get-hello"].line
        self.ids = [str(version.id) for version in line]

    def _handler(self, text: str) -> Any:
        if text == "one":

            async def hello() -> str:
                return "one"

            return hello

        async def hello_again() -> str:
            return "two"

        return hello_again

    def _latest(self) -> Any:
        async def latest() -> int:
            return 3

        return latest

    async def get(self, query: str = "") -> Reply:
        return await ask(self.app, "GET", f"/hello{query}")

    def told(self) -> list[Any]:
        return [
            event
            for event in self.store.read(control_stream("hello"))
            if event.type == "version.deactivated"
        ]


@pytest.mark.proves("VL-3", "VL-1", "VL-5")
def test_what_is_cold_goes_at_the_start_and_what_becomes_so_within_an_hour() -> None:
    hello = Hello()

    async def scenario() -> None:
        await hello.app.begin()
        hello.app.retirement.start()
        with pytest.raises(AlreadyStartedError):
            hello.app.retirement.start()
        await asyncio.sleep(60)
        early = hello.told()
        hello.clock.step(8 * DAY_S)
        await hello.get(f"?v={hello.ids[1]}")
        before = await hello.app.retirement.look(dry_run=True)
        untouched = hello.told()
        await asyncio.sleep(3_600)
        late = hello.told()
        gone = await hello.get(f"?v={hello.ids[0]}")
        await hello.app.stop()

        assert (early, untouched) == ([], [])
        assert [each.retires for each in before] == ["cold", None, None]
        assert [event.key for event in late] == [hello.ids[0]]
        fact = late[0].data
        assert (fact.reason, fact.by, fact.requests, fact.window_s) == (
            "cold", "timescape", 0, 7 * DAY_S,
        )  # fmt: skip
        # A patch of the same edition, which nothing has to be transformed for, takes its callers.
        assert (gone.status, gone.json) == (200, "two")

    run_virtual(scenario())


@pytest.mark.proves("VL-1", "VL-3", "VL-6")
def test_the_command_says_how_versions_are_used_who_calls_and_retires() -> None:
    hello = Hello(began_us=1_500_000_000_000_000)

    def said(*words: str) -> Said:
        return run("versions", *words, store=hello.store)

    async def scenario() -> None:
        for _ in range(3):
            await hello.get(f"?v={hello.ids[0]}")
        await hello.get()
        await hello.app.stop()

    run_virtual(scenario())
    used = said("usage", "--json").records
    table = said("usage", "get-hello")
    dry = said("retire", "--dry-run")
    kept = said("override", hello.ids[0], "keep", "--by", "ann")
    held = said("retire")
    free = said("override", hello.ids[0], "none")
    done = said("retire", "--json").records
    nobody = said("callers", hello.ids[0])

    # Recorded long before the command runs: cold, but not forgotten of the one that is held.
    assert [(each["status"], each["retires"]) for each in used] == [
        ("cold", "cold"), ("cold", None), ("cold", None),
    ]  # fmt: skip
    assert "stays: it is the last of edition" in table.out
    assert "Nothing was appended" in dry.err
    assert (kept.status, free.status) == (0, 0)
    assert "used, or held" in held.err
    assert [(each["type"], each["key"]) for each in done] == [("version.deactivated", hello.ids[0])]
    assert "Nobody has called" in nobody.err


@pytest.mark.proves("VL-2", "VL-6")
def test_the_command_counts_callers_and_changes_the_policy() -> None:
    from tests.debugger.stores import START_US  # noqa: PLC0415

    hello = Hello(began_us=START_US)

    async def scenario() -> None:
        for _ in range(3):
            await hello.get(f"?v={hello.ids[1]}")
        await hello.get()
        await hello.app.stop()

    run_virtual(scenario())

    def said(*words: str) -> Said:
        return run("versions", *words, store=hello.store)

    callers = said("callers", hello.ids[1], "--json").records
    changed = said("policy", "--hot", "3", "--idle", "36h", "--by", "ann", "--json").records
    shown = said("policy")
    used = said("usage", "--json").records
    wrong = said("policy", "--hot", "0")
    many = said("retire", "all")

    assert [(each["caller"], each["requests"]) for each in callers] == [("192.0.2.7", 3)]
    assert [each["type"] for each in changed] == [PolicyChanged.type]
    assert "cold after 1.5 days" in shown.out
    assert [(each["day"], each["status"]) for each in used] == [
        (0, "warm"), (3, "hot"), (1, "warm"),
    ]  # fmt: skip
    assert (wrong.status, many.status) == (2, 2)
