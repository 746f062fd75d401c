"""One call of a compiled module at a time: an instance of its own, and what it imports.

An instance lives for one call and keeps nothing. It runs in a worker thread; what it imports is
done by the event loop, which the thread waits for. A Python error never passes through
wasmtime, which keeps the last one of *all* threads: it is kept here, and the instance ended.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, Final, NamedTuple

import wasmtime

from runtime.errors import RPCFrameError, RPCSerializationError
from runtime.isolation.wasm_code import IMPORTS, NAMESPACE, Code
from runtime.manifests.module import Resources

_NO_FUEL: Final = (1 << 63) - 1
"""More than anything uses."""


class Ended(Exception):
    """The instance was interrupted."""


class Trapped(Exception):
    """The instance did what it may not, or used up its fuel."""


class Uses(NamedTuple):
    """What the imports of a call do."""

    secret: Callable[[str], Coroutine[Any, Any, str]]
    descriptor: Callable[[str, Any], Coroutine[Any, Any, int]]
    log: Callable[[str], None]
    error: Callable[[bytes], Exception]
    """Makes the error that a module says it failed with."""


class Slot:
    """Runs one call at a time.

    Args:
        code: of the module.
        resources: what a call may take.
        loop: does what is imported.
    """

    def __init__(self, code: Code, resources: Resources, loop: asyncio.AbstractEventLoop) -> None:
        self._engine, self._module = code.again()
        self._resources = resources
        self._loop = loop
        self._lock = threading.Lock()
        self._ended = False
        self._raised: BaseException | None = None
        self._waits: Future[Any] | None = None
        self._uses: Uses | None = None
        self._linker = wasmtime.Linker(self._engine)
        made: dict[str, Callable[..., Any]] = {
            "log": self._log, "fail": self._fail, "secret": self._secret,
            "read": self._read, "write": self._write,
        }  # fmt: skip
        for name, (_, (params, results)) in IMPORTS.items():
            shape = wasmtime.FuncType(list(map(_type, params)), list(map(_type, results)))
            import_ = self._guarded(made[name], gives=bool(results))
            self._linker.define_func(NAMESPACE, name, shape, import_, access_caller=True)

    def ready(self) -> None:
        """Begin anew; before each `run`, where `interrupt` is called from, too."""
        self._ended, self._raised = False, None

    def interrupt(self) -> None:
        """End the call that runs, at the next turn of a loop or call of a function."""
        with self._lock:
            self._ended = True
            self._engine.increment_epoch()
            if self._waits is not None:
                self._waits.cancel()

    def run(self, method: str, args: bytes, uses: Uses) -> bytes:
        """Call *method*, in a worker thread.

        Raises:
            Ended: it was interrupted.
            Trapped: it did what it may not.
            Exception: what an import raised, or the module said that it failed with.
        """
        self._uses = uses
        try:
            return self._run(method, args)
        except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
            if self._raised is not None:
                raise self._raised from None
            if self._ended:
                raise Ended from None
            raise Trapped(_said(error)) from None

    def _run(self, method: str, args: bytes) -> bytes:
        store = self._store()
        with self._lock:
            if self._ended:
                raise Ended
            store.set_epoch_deadline(1)
        exports = self._linker.instantiate(store, self._module).exports(store)
        memory, alloc, function = exports["memory"], exports["alloc"], exports[method]
        assert isinstance(memory, wasmtime.Memory)  # noqa: S101 - seen at its registration
        assert isinstance(alloc, wasmtime.Func)  # noqa: S101 - likewise
        assert isinstance(function, wasmtime.Func)  # noqa: S101 - likewise
        at = _put(store, memory, alloc, args)
        given = function(store, at, len(args))
        if self._raised is not None:
            raise self._raised
        return _get(store, memory, given >> 32, given, self._resources.frame)

    def _store(self) -> wasmtime.Store:
        store = wasmtime.Store(self._engine)
        store.set_limits(memory_size=self._resources.memory, instances=1, memories=1, tables=1)
        store.set_fuel(_NO_FUEL if self._resources.fuel is None else self._resources.fuel)
        return store

    # --- what it imports ---

    def _guarded(self, work: Callable[..., Any], *, gives: bool) -> Callable[..., Any]:
        nothing = 0 if gives else None

        def import_(caller: wasmtime.Caller, *args: int) -> int | None:
            if self._raised is None and not self._ended:
                try:
                    found: int | None = work(caller, *args)
                except BaseException as error:  # noqa: BLE001 - raised where the call ends
                    self._raised = error
                    self._engine.increment_epoch()
                else:
                    return found
            return nothing

        return import_

    def _log(self, caller: wasmtime.Caller, at: int, size: int) -> None:
        self._used.log(self._bytes(caller, at, size).decode(errors="backslashreplace"))

    def _fail(self, caller: wasmtime.Caller, at: int, size: int) -> None:
        raise self._used.error(self._bytes(caller, at, size))

    def _secret(self, caller: wasmtime.Caller, at: int, size: int) -> int:
        name = self._bytes(caller, at, size).decode()
        return self._give(caller, self._done(self._used.secret(name)).encode())

    def _read(self, caller: wasmtime.Caller, at: int, size: int) -> int:
        path = self._bytes(caller, at, size).decode()
        with os.fdopen(self._done(self._used.descriptor(path, "rb")), "rb") as file:
            found = file.read(self._resources.frame + 1)
        if len(found) > self._resources.frame:
            msg = f"{path[:200]!r} is longer than {self._resources.frame} bytes."
            raise RPCFrameError(msg, "Read a smaller file, or allow larger frames.")
        return self._give(caller, found)

    def _write(self, caller: wasmtime.Caller, at: int, size: int, data: int, length: int) -> None:
        path, written = self._bytes(caller, at, size).decode(), self._bytes(caller, data, length)
        with os.fdopen(self._done(self._used.descriptor(path, "wb")), "wb") as file:
            file.write(written)

    @property
    def _used(self) -> Uses:
        assert self._uses is not None  # noqa: S101 - set before it runs
        return self._uses

    def _done(self, work: Coroutine[Any, Any, Any]) -> Any:
        with self._lock:
            if self._ended:
                work.close()
                raise Ended
            self._waits = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return self._waits.result()
        except CancelledError:
            raise Ended from None
        finally:
            self._waits = None

    def _bytes(self, caller: wasmtime.Caller, at: int, size: int) -> bytes:
        memory = caller["memory"]
        assert isinstance(memory, wasmtime.Memory)  # noqa: S101 - seen at its registration
        return _get(caller, memory, at, size, self._resources.frame)

    def _give(self, caller: wasmtime.Caller, data: bytes) -> int:
        memory, alloc = caller["memory"], caller["alloc"]
        assert isinstance(memory, wasmtime.Memory)  # noqa: S101 - seen at its registration
        assert isinstance(alloc, wasmtime.Func)  # noqa: S101 - likewise
        return _put(caller, memory, alloc, data) << 32 | len(data)


def _put(
    store: wasmtime.Store | wasmtime.Caller,
    memory: wasmtime.Memory,
    alloc: wasmtime.Func,
    data: bytes,
) -> int:
    at: int = alloc(store, len(data)) & 0xFFFF_FFFF
    if at + len(data) > memory.data_len(store):
        msg = f"alloc gave no room for {len(data)} bytes"
        raise Trapped(msg)
    memory.write(store, data, at)
    return at


def _get(
    store: wasmtime.Store | wasmtime.Caller,
    memory: wasmtime.Memory,
    at: int,
    size: int,
    most: int,
) -> bytes:
    at, size = at & 0xFFFF_FFFF, size & 0xFFFF_FFFF
    if size > most:
        msg = f"A WebAssembly module gave {size} bytes; {most} are the most."
        raise RPCFrameError(msg, "Give less.")
    if at + size > memory.data_len(store):
        msg = "What a WebAssembly module gave lies outside of its memory."
        raise RPCSerializationError(msg, "Correct the module.")
    return bytes(memory.read(store, at, at + size))


def _type(name: str) -> wasmtime.ValType:
    return wasmtime.ValType.i64() if name == "i64" else wasmtime.ValType.i32()


def _said(error: Exception) -> str:
    if isinstance(error, wasmtime.Trap) and error.trap_code is not None:
        return str(error.trap_code.name).lower().replace("_", " ")
    return str(error).splitlines()[0][:200]
