"""What becomes of requests while a version fails: another serves, if it is joined to it."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest

from eventstore import StreamId
from runtime import App, GlobalContext, HttpError, Module, ModuleContext, Parts, Request
from runtime.control import control_stream
from runtime.testing import FakeClock, SeededIds, check_app, run_virtual
from tests.faces.asgi import Reply, ask, facts_of, memory_store

MARCH, OCTOBER = "2026-03-01", "2026-10-01"


class Old(msgspec.Struct, forbid_unknown_fields=True):
    sku: str


class New(msgspec.Struct, forbid_unknown_fields=True):
    items: list[str]


class OldReceipt(msgspec.Struct):
    ordered: str


class NewReceipt(msgspec.Struct):
    lines: list[str]


def request_down(parts: Parts) -> Parts:
    parts.body = {"sku": ",".join(parts.body["items"])}
    return parts


async def response_up(parts: Parts) -> Parts:
    parts.body = {"lines": parts.body["ordered"].split(",")}
    return parts


def shop(**functions: Any) -> tuple[App, set[str]]:
    app, failing = App("shop", on_breaking="activate"), set[str]()

    @app.handler("POST /orders", version=MARCH)
    async def old(req: Request[Old]) -> OldReceipt:
        return OldReceipt(req.body.sku)

    @app.handler("POST /orders", version=OCTOBER)
    async def new(req: Request[New]) -> NewReceipt:
        if failing:
            raise HttpError(503, "down", "Down.")
        return NewReceipt([f"new {each}" for each in req.body.items])

    if functions:
        app.transformer("POST /orders", MARCH, OCTOBER, **functions)
    return app, failing


BODY = {"items": ["mug", "cup"]}


async def order(app: App, query: str = "", body: object = None) -> Reply:
    return await ask(app, "POST", f"/orders{query}", BODY if body is None else body)


def stream_of(reply: Reply) -> StreamId:
    return StreamId(UUID(reply.request_id.removeprefix("req-")))


@pytest.mark.proves("PL-2", "TX-1", "TX-5", "TR-9")
def test_a_caller_of_the_newer_version_is_served_by_the_older_and_keeps_its_contract() -> None:
    async def scenario() -> None:
        app, failing = shop(request_down=request_down, response_up=response_up)
        store = memory_store()
        app.start(store, clock=FakeClock(), ids=SeededIds(3))
        failing.add("new")
        for _ in range(20):
            await order(app)

        reply = await order(app)
        invalid = await order(app, body={"sku": "mug"})

        assert (reply.status, reply.json) == (200, {"lines": ["mug", "cup"]})
        assert (reply.header("timescape-version") or "").endswith("-001")
        assert (reply.header("timescape-contract") or "").endswith("-002")
        assert reply.header("timescape-degraded") == "?1"
        assert (invalid.status, invalid.code) == (400, "validation-failed")
        hops = [e for e in facts_of(store, reply) if e.type == "transform.applied"]
        assert [(e.data.side, (e.key or "")[-3:]) for e in hops] == [
            ("request", "001"),
            ("response", "002"),
        ]
        await app.stop()
        assert check_app(app, store, [stream_of(reply)]) == 1

    asyncio.run(scenario())


@pytest.mark.proves("PL-2", "PL-3")
@pytest.mark.parametrize("functions", [{}, {"request_down": request_down}])
def test_what_is_not_joined_on_both_sides_is_never_used(functions: Any) -> None:
    async def scenario() -> None:
        app, failing = shop(**functions)
        app.start(memory_store(), clock=FakeClock(), ids=SeededIds(3))
        failing.add("new")
        for _ in range(20):
            await order(app)

        reply = await order(app)
        older = await order(app, f"?v={MARCH}", {"sku": "mug"})

        assert (reply.status, reply.code) == (503, "version-unavailable")
        assert (reply.json["reason"], reply.header("retry-after")) == ("unhealthy", "5")
        assert (older.status, older.json) == (200, {"ordered": "mug"})
        await app.stop()

    run_virtual(scenario())


@pytest.mark.proves("PL-1", "P7")
def test_a_version_is_unhealthy_as_long_as_a_module_that_it_needs_has_failed() -> None:
    app, broken, store = App("shop"), set[str](), memory_store()
    stock = Module("stock")

    @stock.health
    def is_well(ctx: ModuleContext) -> bool:
        return not broken

    @stock.on_start
    def start(ctx: ModuleContext) -> None:
        if broken:
            raise OSError

    @stock.method
    def left(ctx: ModuleContext) -> int:
        return 7

    app.module(stock)

    @app.handler("GET /left", version=MARCH)
    async def without() -> str:
        return "without"

    @app.handler("GET /left", version=OCTOBER, modules=["stock.left"])
    async def with_it(gctx: GlobalContext) -> str:
        return f"with {await gctx.modules.stock.left()}"

    async def scenario() -> None:
        app.start(store, clock=FakeClock(), ids=SeededIds(3))
        await app.begin()
        before = await ask(app, "GET", "/left")
        broken.add("stock")
        await asyncio.sleep(31)
        during = await ask(app, "GET", "/left")
        broken.clear()
        await asyncio.sleep(60)
        after = await ask(app, "GET", "/left")
        await app.stop()

        assert [each.json for each in (before, during, after)] == ["with 7", "without", "with 7"]

    run_virtual(scenario())
    told = [
        (event.data.to, event.data.reason)
        for event in store.read(control_stream("shop"))
        if event.type == "version.health_changed"
    ]
    assert told == [("unhealthy", "module stock"), ("healthy", "recovered")]
