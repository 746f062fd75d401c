"""The program of a module's process: imports the module, and answers calls until it is left.

A thread of its own waits for the runtime to go, so that even while the module does not let the
event loop run, the process sees it, and ends.
"""

import asyncio
import contextvars
import importlib
import inspect
import itertools
import logging
import os
import select
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from socket import recv_fds, socket
from typing import Any, NamedTuple

import msgspec
import uvloop

from eventstore.values import Viewer, tree_bytes
from eventstore.values.tree import tree_from_bytes
from runtime.errors import RPCFrameError, UnknownMethodError
from runtime.isolation.carrying import Carrier
from runtime.isolation.context import ModuleContext
from runtime.isolation.describing import as_plain, described_here
from runtime.isolation.failing import error_of, refusal_of
from runtime.isolation.remote import RemoteHandles
from runtime.isolation.sandbox import confine
from runtime.modules import About, DeclaredMethod, Module
from runtime.supervision import (
    Answer,
    Call,
    Cancel,
    Frame,
    FrameFault,
    Frames,
    Ping,
    Refusal,
    pack,
)

_log = logging.getLogger("timescape")
_about = msgspec.json.Decoder(About | None).decode


class _Asked(NamedTuple):
    """Something that the runtime was asked for."""

    answer: "asyncio.Future[Any]"
    descriptor: bool
    """Whether the answer brings one."""


def main(spec: dict[str, Any]) -> None:
    """Run it.

    Args:
        spec: numbers of the descriptors, the bytes of a frame, the folder, and the Python
            module it may read in a sandbox.
    """
    home = spec["confined_to"]
    # Before any other thread is started, and any code of the user's is imported.
    spec["enforced"] = () if home is None else confine(spec["folder"], home)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    calls, files = socket(fileno=spec["calls"]), socket(fileno=spec["files"])
    # What the module starts gets neither.
    for each in (calls, files):
        each.set_inheritable(False)
    uvloop.run(_serve(calls, files, spec))


async def _serve(calls: socket, files: socket, spec: dict[str, Any]) -> None:
    await Worker(calls, files, spec).run()


class Worker:
    """Answers calls; made in the event loop that runs them.

    Args:
        calls: where frames come and go.
        files: where descriptors come.
        spec: see `main`; its folder goes with it.
    """

    def __init__(self, calls: socket, files: socket, spec: dict[str, Any]) -> None:
        self._calls = calls
        self._files = files
        self._frame: int = spec["frame"]
        self._frames = Frames(limit=self._frame)
        self._folder: str = spec["folder"]
        self._enforced: tuple[str, ...] = spec["enforced"]
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._writing = threading.Lock()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Asked] = {}
        self._module: Module | None = None
        self._carrier: Carrier | None = None
        self._config: Any = None
        self._own: dict[str, Callable[[Call], Coroutine[Any, Any, bytes]]] = {
            "$start": self._start,
            "$stop": self._stop,
            "$health": self._health,
            "$describe": self._describe,
        }

    async def run(self) -> None:
        """Work until the runtime lets go."""
        threading.Thread(target=self._watch, daemon=True).start()
        self._loop.add_reader(self._calls, self._read)
        await self._loop.create_future()

    # --- what comes ---

    def _watch(self) -> None:
        gone = select.poll()
        # Of no event but its end, which nobody can leave out.
        gone.register(self._calls, 0)
        gone.poll()
        self._leave()

    def _leave(self) -> None:
        # No other cleanup: nobody is left whom it could concern.
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(0)

    def _read(self) -> None:
        data = self._calls.recv(65_536)
        try:
            for frame in self._frames.feed(data):
                self._take(frame)
        except FrameFault:
            data = b""
        if not data:
            self._leave()

    def _take(self, frame: Frame) -> None:
        match frame:
            case Call(id=number):
                self._tasks[number] = self._loop.create_task(self._answer(frame))
            case Cancel(id=number):
                task = self._tasks.get(number)
                if task is not None:
                    task.cancel()
            case Ping(id=number):
                self._write(Answer(number))
            case Answer(id=number, value=value):
                self._settle(number, self._handed_over(number, value), None)
            case Refusal(id=number):
                error = error_of(frame, "the runtime", lambda _: None)
                self._settle(number, None, error)

    def _handed_over(self, number: int, value: bytes) -> bytes | int:
        """Give the descriptor that came with an answer, which was sent before; or its value."""
        asked = self._asked.get(number)
        if asked is None or not asked.descriptor:
            return value
        return recv_fds(self._files, 1, 1)[1][0]

    def _settle(self, number: int, value: object, error: Exception | None) -> None:
        asked = self._asked.pop(number, None)
        if asked is None or asked.answer.done():
            return
        if error is not None:
            asked.answer.set_exception(error)
        else:
            asked.answer.set_result(value)

    # --- what goes ---

    def _write(self, frame: Frame) -> None:
        data = pack(frame, limit=self._frame)
        with self._writing:
            self._calls.sendall(data)

    async def ask(self, method: str, args: list[Any], *, descriptor: bool = False) -> Any:
        """Ask the runtime for something.

        Raises:
            Exception: what it refuses with.
        """
        number = next(self._numbers)
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._asked[number] = _Asked(answer, descriptor)
        self._write(Call(number, method, tree_bytes([args, {}])))
        value = await answer
        return value if descriptor else tree_from_bytes(value)

    # --- calls ---

    async def _answer(self, call: Call) -> None:
        try:
            reply: Answer | Refusal = Answer(call.id, await self._result(call))
        except asyncio.CancelledError:
            reply = Refusal(call.id, "CancelledError", cause="cancelled")
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is to get it
            _note(call.method, error)
            reply = refusal_of(call.id, error)
        finally:
            self._tasks.pop(call.id, None)
        try:
            self._write(reply)
        except FrameFault as fault:
            too_long = RPCFrameError(f"The answer of {call.method}: {fault}.", "Answer less.")
            self._write(refusal_of(call.id, too_long))

    async def _result(self, call: Call) -> bytes:
        own = self._own.get(call.method)
        if own is not None:
            return await own(call)
        assert self._module is not None  # noqa: S101 - started first
        assert self._carrier is not None  # noqa: S101 - likewise
        declared: DeclaredMethod | None = self._module.methods.get(call.method)
        if declared is None:
            msg = f"{self._module.name} has no method {call.method!r}."
            raise UnknownMethodError(msg, "Start it again: its code is another.")
        what = declared.method.qualified
        args, kwargs = self._carrier.load(call.args, f"An argument of {what}")
        value = await self._run(declared.function, call, *args, **kwargs)
        return self._carrier.dump(value, f"The answer of {what}")

    async def _run(
        self, function: Callable[..., Any], call: Call, *args: Any, **kwargs: Any
    ) -> Any:
        work = partial(function, self._context(call), *args, **kwargs)
        if inspect.iscoroutinefunction(function):
            return await work()
        held = contextvars.copy_context()
        value = await self._loop.run_in_executor(None, partial(held.run, work))
        return await value if inspect.isawaitable(value) else value

    def _context(self, call: Call) -> ModuleContext:
        assert self._module is not None  # noqa: S101 - started first
        about = _about(call.about) or About()
        handles = RemoteHandles(self.ask, call.id)
        return ModuleContext(self._module.name, about, self._config, handles, self._here_or_later)

    def _here_or_later(self, work: Coroutine[Any, Any, Any]) -> Any:
        if threading.get_ident() == self._thread:
            return work
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # --- what every process can do ---

    async def _start(self, call: Call) -> bytes:
        (home, attribute, config), _ = tree_from_bytes(call.args)
        module = getattr(importlib.import_module(home), attribute)
        assert isinstance(module, Module)  # noqa: S101 - the runtime has found it there, too
        self._module, self._carrier = module, Carrier(module)
        self._config = Viewer().view(config)
        await self._hook("start", call)
        return tree_bytes([module.manifest.digest, list(self._enforced)])

    async def _describe(self, call: Call) -> bytes:
        (home, attribute), _ = tree_from_bytes(call.args)
        module = getattr(importlib.import_module(home), attribute)
        return tree_bytes(as_plain(described_here(module)))

    async def _stop(self, call: Call) -> bytes:
        await self._hook("stop", call)
        return b"null"

    async def _health(self, call: Call) -> bytes:
        healthy = await self._hook("health", call)
        return b"false" if healthy is False else b"true"

    async def _hook(self, kind: str, call: Call) -> Any:
        function = None if self._module is None else self._module.hooks.get(kind)
        return None if function is None else await self._run(function, call)


def _note(method: str, error: Exception) -> None:
    """Say where an error came from; what it says may hold anything, and stays with the caller."""
    place = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" at {Path(place[0].filename).name}:{place[0].lineno}" if place else ""
    _log.info("%s raised %s%s", method, type(error).__name__, where)
