"""Modules compiled to WebAssembly: values, bounds, and imports that are grants."""

import asyncio
import logging
import tempfile
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from eventstore import EventStoreError
from eventstore.memory import MemoryStore
from eventstore.values import Classes, encode, same
from runtime import App, GlobalContext, Module, Request
from runtime.errors import (
    CapabilityDeniedError,
    ModuleCrashedError,
    ModuleManifestError,
    ModuleRefusedError,
    RPCFrameError,
    RPCSerializationError,
    RPCTimeoutError,
)
from runtime.isolation import module_stream
from runtime.secrets import Found
from tests.faces.asgi import Reply, ask, facts_of, memory_store
from tests.runtime.modules.compiled import PLAIN, compiled, plain
from tests.strategies import values


class Secrets:
    """Knows one."""

    async def get(self, name: str) -> Found | None:
        return Found("correct horse") if name == "stock_token" else None


class Shop:
    """An app with a compiled module."""

    def __init__(self, folder: Path, **how: Any) -> None:
        (folder / "in").mkdir()
        self.runner = asyncio.Runner()
        self.store: MemoryStore = memory_store()
        self.app = App("shop", secrets=Secrets())
        self.app.module(plain(folder, **how))

        @self.app.handler("POST /{method}")
        async def call(req: Request[list[Any]], gctx: GlobalContext) -> Any:
            return {"answer": await getattr(gctx.modules.plain, req.path["method"])(*req.body)}

        self.app.start(self.store)
        self.run(self.app.begin())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(work)

    def work(self, name: str, *args: Any) -> Coroutine[Any, Any, Any]:
        method = self.app._modules.methods("plain")[name]
        return self.app._hosting.hosts["plain"].call(method, args, {})

    def call(self, name: str, *args: Any) -> Any:
        return self.run(self.work(name, *args))

    def send(self, name: str, *args: Any) -> Reply:
        reply: Reply = self.run(ask(self.app, "POST", f"/{name}", list(args)))
        return reply

    def told(self, kind: str) -> list[Any]:
        return [e.data for e in self.store.read(module_stream("shop")) if e.type == kind]

    def close(self) -> None:
        self.run(self.app.stop())
        self.runner.close()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


@pytest.fixture(scope="module")
def shop(folder: Path) -> Iterator[Shop]:
    made = Shop(folder)
    _shops.append(made)
    yield made
    _shops.clear()
    made.close()


_shops: list[Shop] = []


@pytest.mark.usefixtures("shop")
@pytest.mark.proves("P18", "RPC-2")
@given(value=values)
def test_p18_a_value_comes_back_from_webassembly_as_it_went(value: Any) -> None:
    [shop] = _shops
    try:
        encode(value, Classes())
    except EventStoreError:
        # Of a class that the module does not declare.
        with pytest.raises(RPCSerializationError):
            shop.call("echo", value)
        return
    back = shop.call("echo", value)
    classes = Classes(adopt=True)

    assert same(encode(back, classes), encode(value, classes))


@pytest.mark.proves("RPC-2", "RPC-9")
def test_what_cannot_be_carried_is_refused_and_what_is_no_answer_too(shop: Shop) -> None:
    with pytest.raises(RPCSerializationError, match=r"plain\.echo"):
        shop.call("echo", object())
    with pytest.raises(RPCFrameError, match="more than 1048576"):
        shop.call("echo", "x" * 2_000_000)
    with pytest.raises(RPCSerializationError, match="outside of its memory"):
        shop.call("outside")

    assert shop.call("echo", "x" * 500_000) == "x" * 500_000
    assert shop.send("echo", [1, None, "é"]).json == {"answer": [1, None, "é"]}


# --- bounds ---


@pytest.mark.proves("RPC-5", "RPC-9")
def test_an_endless_loop_is_interrupted_and_the_next_call_works(shop: Shop) -> None:
    reply = shop.send("spin")
    [failed] = [e.data for e in facts_of(shop.store, reply) if e.type == "effect.failed"]

    assert (reply.status, reply.code) == (500, "module-failed")
    assert failed.failure.error == "RPCTimeoutError"
    assert shop.call("echo", 1) == 1


@pytest.mark.proves("RPC-5", "RPC-7")
def test_who_leaves_ends_the_work_and_frees_its_place(shop: Shop) -> None:
    async def scenario() -> Any:
        both = [asyncio.ensure_future(shop.work("spin")) for _ in range(2)]
        await asyncio.sleep(0)
        assert shop.app._hosting.hosts["plain"].counts.in_use == 2
        both[0].cancel()
        # All places are taken; this call gets the one that the first leaves.
        answer = await shop.work("echo", 7)
        with pytest.raises(asyncio.CancelledError):
            await both[0]
        with pytest.raises(RPCTimeoutError):
            await both[1]
        return answer

    assert shop.run(scenario()) == 7


@pytest.mark.proves("RPC-5", "RPC-9")
def test_fuel_ends_what_no_clock_sees_and_a_crash_is_that_calls_alone() -> None:
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder), fuel=100_000)
        for name, why in (("spin", "out of fuel"), ("crash", "unreachable")):
            with pytest.raises(ModuleCrashedError, match=why):
                shop.call(name)
        assert shop.call("echo", 1) == 1
        shop.close()


@pytest.mark.proves("RPC-9")
def test_the_stack_is_bounded(shop: Shop) -> None:
    with pytest.raises(ModuleCrashedError, match="stack overflow"):
        shop.call("deep")


@pytest.mark.proves("IS-1")
def test_memory_is_bounded_and_what_begins_above_the_bound_is_refused(
    shop: Shop, tmp_path: Path
) -> None:
    # 1000 pages are given, 100 more are above 64 MiB.
    assert shop.call("grow") == "10"

    with pytest.raises(ModuleManifestError, match="begins above 67108864 bytes"):
        App("shop").module(
            compiled(tmp_path, PLAIN.replace('"memory") 1)', '"memory") 1025)'), capabilities=())
        )


@pytest.mark.proves("IS-1")
def test_the_log_says_what_is_enforced(shop: Shop) -> None:
    [started] = shop.told("module.started")

    assert started.enforced[0].startswith("wasmtime=")
    assert {"memory=67108864", "epoch"} < set(started.enforced)


# --- imports ---


@pytest.mark.proves("MO-1", "MM-5", "CP-1")
def test_an_import_that_is_not_granted_is_refused_by_its_name(tmp_path: Path) -> None:
    wrong = PLAIN.replace('"timescape" "log"', '"wasi_snapshot_preview1" "fd_write"')
    with pytest.raises(ModuleRefusedError) as ungranted:
        App("shop").module(compiled(tmp_path))
    with pytest.raises(ModuleRefusedError) as unknown:
        App("shop").module(compiled(tmp_path, wrong))

    for name in ("secret without a grant of secret.read", "timescape.read", "timescape.write"):
        assert name in ungranted.value.problem
    assert "timescape.log" not in ungranted.value.problem
    assert "wasi_snapshot_preview1.fd_write, which there is not" in unknown.value.problem


@pytest.mark.proves("MO-1", "MM-1")
def test_a_file_that_is_no_such_module_is_refused_with_all_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "none.wasm").write_bytes(b"no")
    lacks = '(module (func (export "echo")))'
    for artefact, why in (("none.wasm", "no WebAssembly"), ("gone.wasm", "is no file")):
        with pytest.raises(ModuleManifestError, match=why):
            App("shop").module(Module("m", isolation="wasm", artefact=tmp_path / artefact))
    with pytest.raises(ModuleManifestError) as caught:
        App("shop").module(compiled(tmp_path, lacks))
    for missing in ("no alloc(i32) -> i32", "no echo(i32, i32) -> i64", "no memory"):
        assert missing in caught.value.problem

    hooked = compiled(tmp_path)
    hooked.on_start(lambda ctx: None)
    with pytest.raises(ModuleManifestError, match="no functions for start"):
        App("shop").module(hooked)


@pytest.mark.proves("CP-1", "SE-8", "MO-8")
def test_a_secret_is_read_by_grant_and_not_said_aloud_and_nothing_stays(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    assert [shop.call("tell"), shop.call("tell")] == [1, 1]
    said = [each.message for each in caplog.records if each.name == "timescape.module.plain"]
    assert said == ["***", "***"]

    shop.app.grants.revoke("plain", "secret.read", "stock_token")
    with pytest.raises(CapabilityDeniedError, match=r"secret\.read"):
        shop.call("tell")
    reply = shop.send("tell")
    assert reply.code == "capability-denied"
    assert shop.told("capability.denied")[-1].request == reply.request_id
    shop.app.grants.grant("plain", shop.app._hosting.hosted["plain"].module.capabilities[0])


@pytest.mark.proves("CP-4", "CP-1")
def test_files_are_read_and_written_below_what_is_granted(shop: Shop, folder: Path) -> None:
    file = folder / "in" / "a.json"
    file.write_text('{"a": 1}', "utf-8")

    assert shop.call("read", str(file)) == {"a": 1}
    with pytest.raises(CapabilityDeniedError):
        shop.call("read", "/etc/passwd")
    with pytest.raises(FileNotFoundError):
        shop.call("read", str(folder / "in/none"))
    (folder / "in/large").write_bytes(b"x" * 2_000_000)
    with pytest.raises(RPCFrameError, match="longer than"):
        shop.call("read", str(folder / "in/large"))
    written = folder / "in" / "b.json"
    shop.call("write", str(written))

    assert written.read_text("utf-8") == f'["{written}"]'


@pytest.mark.proves("RPC-9", "RPC-4")
def test_what_it_fails_with_is_the_callers_own_class(shop: Shop) -> None:
    with pytest.raises(KeyError) as caught:
        shop.call("fails")
    assert caught.value.args == ("atlas",)

    with pytest.raises(RPCSerializationError, match="cannot be read"):
        shop.call("fails_badly")
