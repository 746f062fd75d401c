"""A module in processes of its own is started anew while requests run."""

import asyncio
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wasmtime import wat2wasm

from eventstore.memory import MemoryStore
from runtime import App, GlobalContext, Module, ModuleContext
from runtime.control import control_stream
from runtime.errors import DuplicateModuleError, ReloadError
from runtime.isolation import module_stream
from tests.faces.asgi import ask, memory_store

SHELF = """
from runtime import Module, ModuleContext

shelf = Module("shelf", isolation="subprocess")

@shelf.method
async def left(ctx: ModuleContext, sku: str) -> int:
    return 1

@shelf.method
async def unused(ctx: ModuleContext) -> int:
    return 1
"""


class Shop:
    """An app with a module whose file changes."""

    def __init__(self, folder: Path, module: Module) -> None:
        self.file = folder / "shelf_of_tests.py"
        self.module = module
        self.store: MemoryStore = memory_store()
        self.app = App("shop")
        self.app.module(module)
        self.gate = asyncio.Event()

        @self.app.handler("GET /left")
        async def left(gctx: GlobalContext) -> list[int]:
            return [await gctx.modules.shelf.left("a")]

        @self.app.handler("GET /twice")
        async def twice(gctx: GlobalContext) -> list[int]:
            first = await gctx.modules.shelf.left("a")
            await self.gate.wait()
            return [first, await gctx.modules.shelf.left("a")]

    async def __aenter__(self) -> "Shop":
        self.app.start(self.store)
        await self.app.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.app.stop()

    def write(self, text: str) -> None:
        self.file.write_text(text, "utf-8")

    async def ask(self, path: str = "/left") -> Any:
        return (await ask(self.app, "GET", path)).json

    def told(self) -> list[tuple[str, Any]]:
        kinds = ("module.registered", "module.restarted", "module.failed", "module.stopped")
        streams = control_stream("shop"), module_stream("shop")
        events = [e for stream in streams for e in self.store.read(stream) if e.type in kinds]
        return [(e.type, e.data) for e in sorted(events, key=lambda e: e.position)]


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Module]:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "shelf_of_tests.py").write_text(SHELF, "utf-8")
    importlib.invalidate_caches()
    made: Module = importlib.import_module("shelf_of_tests").shelf
    yield made
    del sys.modules["shelf_of_tests"]


@pytest.mark.proves("MO-7", "BR-51")
def test_a_new_generation_takes_new_requests_and_the_old_ends_with_its_own(
    shelf: Module, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with Shop(tmp_path, shelf) as shop:
            long = asyncio.ensure_future(shop.ask("/twice"))
            while not shop.app._hosting.generations("shelf")._current.callers:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            # What no handler calls may go.
            shop.write(SHELF.replace("unused", "another").replace("return 1", "return 20"))
            assert await shop.app.reload_module("shelf") == 2

            assert await shop.ask() == [20]
            shop.gate.set()
            assert await long == [1, 1]
            await shop.app._hosting.generations("shelf").drained()
            kinds = [kind for kind, _ in shop.told()]
            assert kinds == [
                "module.registered", "module.registered", "module.restarted", "module.stopped",
            ]  # fmt: skip
            (_, second), (_, restarted), (_, stopped) = shop.told()[1:]
            assert (second.generation, second.methods) == (2, ("left", "another"))
            assert (restarted.reason, restarted.generation) == ("reload", 2)
            assert (stopped.killed, stopped.generation) == (False, 1)

    asyncio.run(scenario())


@pytest.mark.proves("MO-7", "BR-51")
def test_what_breaks_handlers_is_refused_unless_forced_and_what_fails_leaves_the_old(
    shelf: Module, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with Shop(tmp_path, shelf) as shop:
            for text, why in (
                ("import nowhere_to_be_found", "cannot be read anew"),
                (SHELF + "\n@shelf.health\ndef no(ctx): return False\n", "check failed"),
            ):
                shop.write(text)
                with pytest.raises(ReloadError, match=why):
                    await shop.app.reload_module("shelf")
                assert await shop.ask() == [1]
            assert [kind for kind, _ in shop.told()].count("module.registered") == 1

            shop.write(SHELF.replace("async def left", "async def gone"))
            with pytest.raises(ReloadError, match="left: the method is gone"):
                await shop.app.reload_module("shelf")
            assert await shop.app.reload_module("shelf", force=True) == 2
            assert (await shop.ask())["code"] == "handler-error"

    asyncio.run(scenario())


@pytest.mark.proves("MO-7")
def test_in_process_code_is_not_swapped_in_place() -> None:
    module = Module("shelf")

    @module.method
    async def left(ctx: ModuleContext, sku: str) -> int:
        return 1

    async def scenario() -> None:
        async with Shop(Path(), module) as shop:
            with pytest.raises(ReloadError, match="runs in this process"):
                await shop.app.reload_module("shelf")
            with pytest.raises(ReloadError, match="There are: shelf"):
                await shop.app.reload_module("shelves")

    asyncio.run(scenario())


@pytest.mark.proves("MO-7", "MM-8")
def test_a_compiled_module_is_read_again_unless_its_version_is_its_own(tmp_path: Path) -> None:
    simple = (
        '(module (memory (export "memory") 2)'
        ' (func (export "alloc") (param i32) (result i32) (i32.const 64))'
        ' (data (i32.const 0) "[7,8]")'
        ' (func (export "echo") (param i32 i32) (result i64) (i64.const AT)))'
    )

    def text(at: int) -> str:
        return simple.replace("AT", str(at << 32 | 1))

    async def scenario(version: str | None) -> list[Any]:

        file = tmp_path / "m.wasm"
        file.write_bytes(wat2wasm(text(1)))
        module = Module("shelf", isolation="wasm", artefact=file, version=version)

        @module.method
        def echo(ctx: ModuleContext) -> int:
            raise NotImplementedError

        app = App("shop")
        app.module(module)
        app.start(memory_store())
        await app.begin()
        method, host = app._modules.methods("shelf")["echo"], app._hosting.generations("shelf")
        first = await host.call(method, (), {})
        file.write_bytes(wat2wasm(text(3)))
        try:
            return [first, await app.reload_module("shelf"), await host.call(method, (), {})]
        except DuplicateModuleError:
            return [first, await host.call(method, (), {})]
        finally:
            await app.stop()

    assert asyncio.run(scenario(None)) == [7, 2, 8]
    assert asyncio.run(scenario("1")) == [7, 7]


@pytest.mark.proves("MO-7", "MO-4")
def test_an_app_that_stops_starts_nothing_anew(shelf: Module, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Shop(tmp_path, shelf) as shop:
            reloading = asyncio.ensure_future(shop.app.reload_module("shelf"))
            for _ in range(5):
                await asyncio.sleep(0)
            assert not reloading.done()
            await shop.app._hosting.stop("shelf")
            with pytest.raises(ReloadError, match="as it is to stop"):
                await reloading
            assert [kind for kind, _ in shop.told()] == ["module.registered", "module.stopped"]

    asyncio.run(scenario())
