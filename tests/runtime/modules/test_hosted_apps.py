"""Modules in process, through an app: their order, their facts, and what is refused."""

import asyncio
from typing import Any

import pytest

from runtime import App, GlobalContext, Module, ModuleContext, Request
from runtime.app.startup import control_stream
from runtime.errors import (
    DependencyError,
    DuplicateModuleError,
    ModuleManifestError,
    ModuleRefusedError,
    ModuleStartError,
)
from runtime.isolation import module_stream
from runtime.manifests.capabilities import grant
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Controlled
from tests.faces.asgi import Reply, ask, facts_of, memory_store

pricing = Module("pricing", depends_on=["rates"])
rates = Module("rates")
log: list[str] = []


@rates.on_start
async def open_rates(ctx: ModuleContext) -> None:
    log.append("start rates")


@rates.on_stop
def close_rates(ctx: ModuleContext) -> None:
    log.append("stop rates")


@rates.method
def rate(ctx: ModuleContext) -> int:
    return 3


@pricing.on_start
def open_pricing(ctx: ModuleContext) -> None:
    log.append("start pricing")


@pricing.on_stop
async def close_pricing(ctx: ModuleContext) -> None:
    log.append("stop pricing")


@pricing.method(idempotent=True)
async def quote(ctx: ModuleContext, net: int) -> dict[str, Any]:
    tries.append(ctx.idempotency_key)
    if len(tries) < 3:
        error = OSError("busy")
        error.retryable = True  # type: ignore[attr-defined]
        raise error
    return {"net": net, "request": ctx.request_id, "config": ctx.config}


@pricing.method(timeout=0.5)
async def slow(ctx: ModuleContext) -> int:
    await asyncio.sleep(10)
    return 1


tries: list[str] = []


def shop() -> App:
    app = App("shop", config={"pricing": {"tax": 2}})
    app.module(pricing)
    app.module(rates)

    @app.handler("GET /late", timeout=0.3)
    async def late(gctx: GlobalContext) -> Any:
        return await gctx.modules.pricing.slow()

    @app.handler("POST /{method}")
    async def price(req: Request[list[int]], gctx: GlobalContext) -> Any:
        return {"said": await getattr(gctx.modules.pricing, req.path["method"])(*req.body)}

    return app


def served(app: App, *asked: tuple[str, list[Any]], store: Any = None) -> list[Reply]:
    async def scenario() -> list[Reply]:
        app.start(store or memory_store())
        try:
            await app.begin()
            return [await ask(app, "POST", path, body) for path, body in asked]
        finally:
            await app.stop()

    return run_virtual(scenario())


@pytest.mark.proves("MO-2", "MO-4", "MO-8", "RPC-6", "MM-8")
def test_modules_start_in_the_order_they_need_and_stop_in_reverse() -> None:
    log.clear()
    tries.clear()
    store = memory_store()
    [reply] = served(shop(), ("/quote", [7]), store=store)

    said = {"net": 7, "request": reply.request_id, "config": {"tax": 2}}
    assert reply.json == {"said": said}
    assert log == ["start rates", "start pricing", "stop pricing", "stop rates"]
    assert tries == [f"{reply.request_id}/1"] * 3
    [returned] = [e.data for e in facts_of(store, reply) if e.type == "effect.returned"]
    assert returned.attempts == 3
    told = [(e.type, e.key) for e in store.read(module_stream("shop"))]
    assert told == [
        ("module.started", "rates"), ("module.started", "pricing"),
        ("module.stopped", "pricing"), ("module.stopped", "rates"),
    ]  # fmt: skip


@pytest.mark.proves("RPC-5", "RPC-9", "MM-3")
def test_in_process_a_timeout_ends_the_work_and_wrong_arguments_leave_no_fact() -> None:
    store = memory_store()
    late, wrong = served(shop(), ("/slow", []), ("/slow", [1, 2]), store=store)

    assert (late.status, late.code) == (500, "module-failed")
    assert wrong.code == "handler-error"
    failures = [e.data.failure for e in facts_of(store, late) if e.type == "effect.failed"]
    assert [each.error for each in failures] == ["RPCTimeoutError"]
    assert not [e for e in facts_of(store, wrong) if e.type.startswith("effect.")]
    [bad] = [e.data.failure for e in facts_of(store, wrong) if e.type == "handler.failed"]
    assert bad.error == "TypeError"


@pytest.mark.proves("RPC-3", "RPC-9")
def test_past_the_requests_own_deadline_the_answer_is_a_timeout() -> None:
    async def scenario() -> Reply:
        app = shop()
        app.start(memory_store())
        try:
            await app.begin()
            return await ask(app, "GET", "/late")
        finally:
            await app.stop()

    reply = run_virtual(scenario())

    assert (reply.status, reply.code) == (504, "timeout")


@pytest.mark.proves("MM-8", "MO-1")
def test_the_log_is_told_of_a_module_once_and_of_every_other_manifest() -> None:
    store = memory_store()

    def made(version: str | None, name: str) -> App:
        module = Module("m", version=version)

        def method(ctx: ModuleContext) -> int:
            return 1

        method.__name__ = name
        module.method(method)
        app = App("shop")
        app.module(module)
        return app

    for version, name in ((None, "a"), (None, "a"), (None, "b"), ("2", "a"), ("2", "a")):
        served(made(version, name), store=store)
    end = store.end()
    with pytest.raises(DuplicateModuleError, match="still of version '2'"):
        made("2", "b").start(store)
    assert store.end() == end

    told = [e.data for e in store.read(control_stream("shop")) if e.type == "module.registered"]
    assert [(each.methods, each.generation) for each in told] == [
        (("a",), 1), (("b",), 2), (("a",), 3),
    ]  # fmt: skip
    assert told[0].manifest["methods"]["a"]["result"] == {"gtype": 1, "root": {"kind": "int"}}
    assert [each.version for each in told][2] == "2"


@pytest.mark.proves("MM-8", "BR-51", "BR-52")
def test_who_runs_an_app_is_told_how_a_module_changed_and_what_it_asks_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = memory_store()

    def made(*grants: Any, name: str = "a") -> App:
        module = Module("m", capabilities=grants)

        def method(ctx: ModuleContext) -> int:
            return 1

        method.__name__ = name
        module.method(method)
        app = App("shop")
        app.module(module)
        return app

    caplog.set_level("INFO", "timescape")
    for app in (made(), made(), made(name="b"), made(grant("secret.read", "key"), name="b")):
        served(app, store=store)

    told = [each.getMessage() for each in caplog.records if "module changed" in each.msg]
    assert told == [
        "module changed: module=m changes=2 breaking, 2 safe breaking=BR-51 needs=",
        "module changed: module=m changes=1 risky breaking= needs=secret.read:key",
    ]


@pytest.mark.proves("MO-1", "MM-1", "MM-2", "MM-5", "MM-8", "P28", "P40")
def test_what_cannot_be_is_refused_with_all_its_faults() -> None:
    bad = Module("Bad", isolation="moon")  # type: ignore[arg-type]

    @bad.method(attempts=3, timeout=0)
    def twice(ctx: ModuleContext) -> None: ...

    @bad.method
    def alone() -> None: ...

    app = App("shop")
    with pytest.raises(ModuleManifestError) as caught:
        app.module(bad)
    for fault in ("name is not", "moon", "not idempotent", "timeout 0", "takes no context"):
        assert fault in caught.value.problem

    greedy = Module("m", capabilities=[grant("secret.read", "a"), grant("queue.publish", "x")])

    @greedy.method
    async def read(ctx: ModuleContext) -> None:
        await ctx.secret("b")

    with pytest.raises(ModuleRefusedError) as refused:
        app.module(greedy, grants=[])
    for fault in ("secret.read of a", "queue.publish", "secret.read of 'b'"):
        assert fault in refused.value.problem
    app.module(pricing)
    with pytest.raises(DuplicateModuleError):
        app.module(pricing)
    store = memory_store()
    end = store.end()
    with pytest.raises(DependencyError, match="'rates'"):
        app.start(store)
    assert store.end() == end


@pytest.mark.proves("MO-2")
def test_a_module_that_does_not_start_names_who_needs_it() -> None:
    broken = Module("rates")

    @broken.on_start
    def fail(ctx: ModuleContext) -> None:
        raise OSError

    app = App("shop")
    app.module(pricing)
    app.module(broken)
    with pytest.raises(ModuleStartError, match="Needed by: pricing"):
        served(app)


@pytest.mark.proves("RX-3", "EF-3", "RPC-3")
def test_a_request_that_called_a_module_is_run_again_without_it() -> None:
    tries.clear()
    app = shop()
    gctx = GlobalContext(app._modules, {"pricing": {"tax": 2}})

    async def price(gctx: GlobalContext) -> Any:
        return {"said": (await gctx.modules.pricing.quote(7))["net"]}

    async def scenario() -> Any:
        store = memory_store()
        app.start(store)
        await app.begin()
        try:
            return await Controlled(version_of(price), gctx=gctx, replayed=True).send()
        finally:
            await app.stop()

    told = run_virtual(scenario())

    assert told.json == {"said": 7}
    assert len(tries) == 3


@pytest.mark.proves("MO-1")
def test_a_module_that_no_process_could_find_is_refused() -> None:
    hidden = Module("hidden", isolation="subprocess")

    with pytest.raises(ModuleManifestError, match="could not find it"):
        App("shop").module(hidden)


@pytest.mark.proves("RX-6")
def test_called_for_real_without_an_app_a_module_is_started_for_that_call() -> None:
    app = App("shop")
    app.module(rates)
    log.clear()
    method = app._modules.methods("rates")["rate"]

    assert run_virtual(method.call()) == 3
    assert log == ["start rates", "stop rates"]
