"""The tier `wasm`: a module compiled to WebAssembly, whose imports are its grants.

Each call has an instance of its own, so nothing stays between calls and a crash is that call's
alone. What is not imported is not there: no files, no network, no clock, no chance.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from eventstore.values import tree_bytes
from eventstore.values.tree import tree_from_bytes
from runtime.errors import (
    ModuleCrashedError,
    PoolTimeoutError,
    RPCError,
    RPCFrameError,
    RPCSerializationError,
    RPCTimeoutError,
)
from runtime.isolation.carrying import Carrier
from runtime.isolation.child import LINE_BYTES
from runtime.isolation.failing import Failed, cause_of, error_of
from runtime.isolation.handles import Capabilities
from runtime.isolation.tier import Counts
from runtime.isolation.wasm_call import Ended, Slot, Trapped, Uses
from runtime.isolation.wasm_code import Code, enforced
from runtime.modules import HostedCall, Method, Module
from runtime.supervision import Refusal


class Wasm:
    """Runs a compiled module.

    Args:
        module: which one.
        code: it, compiled.
        capabilities: what it may use.
    """

    def __init__(self, module: Module, code: Code, capabilities: Capabilities) -> None:
        self._module = module
        self._code = code
        self._capabilities = capabilities
        self._resources = module.resources
        self._carrier = Carrier(module)
        self._log = logging.getLogger(f"timescape.module.{module.name}")
        self._threads: ThreadPoolExecutor | None = None
        self._free: asyncio.LifoQueue[Slot] = asyncio.LifoQueue()
        self._slots = 0
        self._busy: dict[asyncio.Future[bytes], Slot] = {}

    @property
    def running(self) -> int:
        """One, from start to stop."""
        return int(self._threads is not None)

    @property
    def counts(self) -> Counts:
        """Of what can work on a call."""
        idle = self._free.qsize()
        return Counts(self._slots, self._slots - idle, idle)

    @property
    def enforced(self) -> tuple[str, ...]:
        """Its bounds."""
        return enforced(self._resources)

    async def start(self) -> None:
        """Take calls."""
        name = f"timescape-{self._module.name}"
        self._free = asyncio.LifoQueue()
        self._threads = ThreadPoolExecutor(self._resources.workers, name)

    async def is_healthy(self) -> bool:
        """Say yes: there is nothing that could be unwell between two calls."""
        return True

    async def end(self, reason: str) -> None:
        """End all calls; there is nothing else."""
        await self.stop()
        await self.start()

    async def stop(self) -> bool:
        """End what runs, and let go of the threads."""
        threads, self._threads = self._threads, None
        for slot in self._busy.values():
            slot.interrupt()
        await asyncio.gather(*self._busy, return_exceptions=True)
        if threads is not None:
            threads.shutdown(wait=False)
        self._slots = 0
        return True

    async def attempt(
        self,
        method: Method,
        given: tuple[tuple[Any, ...], dict[str, Any]],
        call: HostedCall,
        limit_s: float,
    ) -> Any:
        """Call the compiled function in an instance of its own."""
        try:
            args = self._args(method, given)
        except RPCError as error:
            raise Failed("serialization", error, sent=False) from error
        slot = await self._acquired(method.qualified)
        answer = await self._answer(slot, method, args, (call, limit_s))
        try:
            return self._carrier.load(answer, f"The answer of {method.qualified}")
        except RPCError as error:
            raise Failed(cause_of(error), error) from error

    def _args(self, method: Method, given: tuple[tuple[Any, ...], dict[str, Any]]) -> bytes:
        assert method.signature is not None  # noqa: S101 - every method of a Module has one
        bound = method.signature.bind(*given[0], **given[1])
        bound.apply_defaults()
        what = f"An argument of {method.qualified}"
        args = self._carrier.dump(list(bound.arguments.values()), what)
        if len(args) > self._resources.frame:
            problem = f"{what}: {len(args)} bytes are more than {self._resources.frame}."
            raise RPCFrameError(problem, "Send less.")
        return args

    async def _acquired(self, name: str) -> Slot:
        if self._free.empty() and self._slots < self._resources.workers:
            self._slots += 1
            return Slot(self._code, self._resources, asyncio.get_running_loop())
        try:
            async with asyncio.timeout(self._resources.acquire_s):
                return await self._free.get()
        except TimeoutError:
            problem = f"Nothing became free for {name} in time."
            full = PoolTimeoutError(problem, "Allow it more workers, or call it less.")
            raise Failed("pool", full, sent=False) from None

    async def _answer(
        self, slot: Slot, method: Method, args: bytes, how: tuple[HostedCall, float]
    ) -> bytes:
        call, limit_s = how
        slot.ready()
        loop = asyncio.get_running_loop()
        uses = self._uses(method, call.about.request_id)
        work = loop.run_in_executor(self._threads, slot.run, method.name, args, uses)
        self._busy[work] = slot
        # It is free when it has ended, also if nobody waits for it any more.
        work.add_done_callback(self._freed)
        try:
            done, _ = await asyncio.wait([work], timeout=limit_s)
        except asyncio.CancelledError:
            slot.interrupt()
            raise
        if not done:
            slot.interrupt()
            await asyncio.wait([work])
        try:
            return work.result()
        except Ended:
            problem = f"{method.qualified} took longer than {limit_s:.3g} s."
            raise Failed("timeout", RPCTimeoutError(problem, "It was ended.")) from None
        except Trapped as error:
            problem = f"{method.qualified} crashed: {error}."
            crash = ModuleCrashedError(problem, "Correct the module, or allow it more.")
            raise Failed("crash", crash) from None
        except Exception as error:
            raise Failed(cause_of(error), error) from error

    def _freed(self, work: "asyncio.Future[bytes]") -> None:
        self._free.put_nowait(self._busy.pop(work))
        if not work.cancelled():
            # Whoever waits for it has got it.
            work.exception()

    # --- what it imports ---

    def _uses(self, method: Method, request_id: str) -> Uses:
        handles = self._capabilities.of(request_id)

        async def secret(name: str) -> str:
            with (await handles.secret(name)).reveal() as value:
                return value

        def error(said: bytes) -> Exception:
            return _error(said, method)

        return Uses(secret, handles.descriptor, self._say, error)

    def _say(self, line: str) -> None:
        self._log.info("%s", self._capabilities.scrub(line[:LINE_BYTES]))


def _error(said: bytes, method: Method) -> Exception:
    """Make the error that a module fails with: a list of its name and its arguments."""
    try:
        name, *args = tree_from_bytes(said)
        refusal = Refusal(0, msgspec.convert(name, str), tree_bytes(args))
    except (ValueError, TypeError, msgspec.ValidationError):
        problem = f"{method.qualified} failed with what cannot be read."
        return RPCSerializationError(problem, "Give a list: a name, and arguments.")
    return error_of(refusal, method.qualified, method.find_error)
