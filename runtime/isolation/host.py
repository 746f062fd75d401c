"""Hosts a module: its life from start to stop, and every call of it (MO-1…6, RPC-3…8).

What is to be done is decided in `runtime.supervision`; how, by a tier. This puts the two
together, and tells the log.
"""

import asyncio
import contextvars
import itertools
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, Protocol

from runtime.errors import (
    CircuitOpenError,
    ModuleStartError,
    ModuleUnavailableError,
    RPCError,
    RPCTimeoutError,
    UnknownMethodError,
)
from runtime.facts import Fact
from runtime.isolation.failing import Ending, Failed
from runtime.isolation.tier import START_S, Counts, Crashed, Tier
from runtime.manifests.module import OWN_PROCESS, MethodEntry, ModuleManifest
from runtime.module_facts import ModuleFailed, ModuleRestarted, ModuleStarted, ModuleStopped
from runtime.modules import CALL, About, HostedCall, Method
from runtime.supervision import CALLS, Breaker, Restarts, State, may_retry, move
from runtime.supervision.breaker import Admission
from runtime.supervision.retrying import COUNTED

HEALTH_EACH_S = 10.0
HEALTH_S = 5.0
UNHEALTHY = 3
"""Checks in a row that fail before it is started again."""


class Reporter(Protocol):
    """Where a host tells what happens."""

    def tell(self, fact: Fact, key: str) -> None:
        """Write *fact* down, without waiting."""
        ...

    def chance(self) -> float:
        """Return a number from 0 to 1."""
        ...

    def next_start(self) -> int:
        """Return how many modules have started in this process, with this one."""
        ...


class Host:
    """Hosts one module, on one event loop at a time.

    Args:
        manifest: of the module.
        tier: makes what runs it, given whom to tell of crashes.
        reporter: told what happens.
        generation: of the module.
        closing: called when it has stopped, before that is told.
    """

    def __init__(
        self,
        manifest: ModuleManifest,
        tier: Callable[[Crashed], Tier],
        reporter: Reporter,
        generation: int = 1,
        closing: Callable[[], None] = lambda: None,
    ) -> None:
        self.state: State = "registered"
        self._manifest = manifest
        self._tier = tier(self._crashed)
        self._reporter = reporter
        self.generation = generation
        """How often the log has met the module with another manifest."""
        self._closing = closing
        self._breaker = Breaker()
        self._restarts = Restarts()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._starting: asyncio.Task[None] | None = None
        self._change: asyncio.Event | None = None
        """Set when the state changes."""

    @property
    def name(self) -> str:
        """Of the module."""
        return self._manifest.name

    @property
    def counts(self) -> Counts:
        """Processes: all, working, idle."""
        return self._tier.counts

    # --- life ---

    async def start(self) -> None:
        """Start it, if it does not run; whoever asks meanwhile waits for the same start.

        Raises:
            ModuleStartError: it did not start.
        """
        await asyncio.shield(self._begun())

    def _begun(self) -> "asyncio.Task[None]":
        if self._starting is None or self._starting.done():
            self._starting = self._spawn(self._start())
        return self._starting

    async def _start(self) -> None:
        if self.state == "ready":
            return
        self._move("starting")
        try:
            await self._started()
        except ModuleStartError:
            if self._manifest.lazy:
                self._crashed("start", Ending())
            else:
                self._fail("start", Ending())
            raise
        self._move("ready")
        sequence = self._reporter.next_start()
        self._tell(ModuleStarted(self.generation, sequence, self._tier.enforced))
        if self._manifest.health or self._manifest.runtime in OWN_PROCESS:
            self._spawn(self._watch())

    async def _started(self) -> None:
        try:
            async with asyncio.timeout(START_S):
                await self._tier.start()
        except ModuleStartError:
            raise
        except TimeoutError as error:
            problem = f"Module {self.name!r} did not start within {START_S:g} s."
            raise ModuleStartError(problem, "Let it do less before its first call.") from error
        except Exception as error:
            problem = f"Module {self.name!r} did not start: {type(error).__name__}: {error}"
            raise ModuleStartError(problem, "Correct it; nothing of it runs.") from error

    async def stop(self) -> None:
        """Stop it, if it runs; what does not stop in time is ended."""
        if self.state in {"registered", "stopped", "stopping"}:
            return
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._starting = self._change = None
        self._move("stopping")
        stopped = False
        try:
            stopped = await self._tier.stop()
        finally:
            self._move("stopped")
            self._closing()
            self._tell(ModuleStopped(not stopped, self.generation))

    def _fail(self, reason: str, ending: Ending) -> None:
        if self.state in {"starting", "ready"}:
            self._move("failed")
        self._tell_failed(reason, ending)

    def _tell_failed(self, reason: str, ending: Ending) -> None:
        code, signal, output = ending
        self._tell(ModuleFailed(reason, code, signal, output, self.generation))

    def _crashed(self, reason: str, ending: Ending) -> None:
        """See that what ended is started again, later (MO-6)."""
        if self.state in {"stopping", "stopped"}:
            return
        if self._tier.running == 0:
            self._fail(reason, ending)
        else:
            self._tell_failed(reason, ending)
        now_s = asyncio.get_running_loop().time()
        self._spawn(self._restart(reason, self._restarts.crashed(now_s, self._reporter.chance())))

    async def _restart(self, reason: str, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        was_failed = self.state == "failed"
        if was_failed:
            self._move("starting")
        try:
            await self._started()
        except ModuleStartError:
            self._crashed("start", Ending())
            return
        if was_failed:
            self._move("ready")
        self._tell(ModuleRestarted(self._restarts.attempt, self.generation, reason))

    async def _watch(self) -> None:
        """Ask every 10 s how it is; start it again if it is not well (MO-5)."""
        failures = 0
        while True:
            await asyncio.sleep(HEALTH_EACH_S)
            if self.state != "ready":
                continue
            failures = 0 if await self.is_healthy() else failures + 1
            if failures >= UNHEALTHY:
                failures = 0
                await self._tier.end("health")

    async def is_healthy(self) -> bool:
        """Ask it how it is; silence, for 5 s, and errors are failures."""
        try:
            async with asyncio.timeout(HEALTH_S):
                return await self._tier.is_healthy()
        except Exception:  # noqa: BLE001 - a check that raises has failed
            return False

    # --- calls ---

    async def call(self, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a method, again if that is allowed and may help.

        Raises:
            RPCError: it could not be called, or gave nothing in time.
            BaseException: what it raised.
        """
        call = CALL.get() or HostedCall(About())
        entry = self._entry(method)
        loop = asyncio.get_running_loop()
        until_s = loop.time() + call.about.time_left_s
        chance: Random | None = None
        for attempt in itertools.count(1):
            call.attempts = attempt
            limit_s = min(entry.timeout_s, until_s - loop.time())
            try:
                return await self._once(method, (args, kwargs), call, limit_s)
            except Failed as failed:
                chance = chance or call.chance()
                pause_s = CALLS.delay_s(attempt, chance.random())
                again = may_retry(failed.cause, idempotent=entry.idempotent, sent=failed.sent)
                most = entry.attempts if failed.sent else max(entry.attempts, _UNSENT)
                if not again or attempt >= most or loop.time() + pause_s >= until_s:
                    raise _named(failed.error, method, attempt) from failed.error.__cause__
            await asyncio.sleep(pause_s)
        raise AssertionError  # pragma: no cover - the count has no end

    def _entry(self, method: Method) -> MethodEntry:
        entry = self._manifest.methods.get(method.name)
        if entry is None:
            problem = f"{method.qualified} is gone since its module was started anew."
            raise UnknownMethodError(problem, "Deploy handlers that do not call it.")
        return entry

    async def _once(
        self,
        method: Method,
        given: tuple[tuple[Any, ...], dict[str, Any]],
        call: HostedCall,
        limit_s: float,
    ) -> Any:
        if self.state != "ready":
            await self._be_ready(method, limit_s)
        loop = asyncio.get_running_loop()
        admitted = self._breaker.admit(loop.time())
        if admitted is None:
            problem = f"{method.qualified} is not called: its module fails too often."
            raise Failed("circuit", CircuitOpenError(problem, "Try it later."), sent=False)
        try:
            answer = await self._tier.attempt(method, given, call, limit_s)
        except Failed as failed:
            self._note(admitted, failed=failed.cause in COUNTED)
            raise
        except BaseException:
            self._breaker.forget(admitted)
            raise
        self._note(admitted, failed=False)
        return answer

    async def _be_ready(self, method: Method, limit_s: float) -> None:
        """Wait for a start; refuse what does not run (MO-3)."""
        if self.state in {"registered", "starting"}:
            try:
                async with asyncio.timeout(limit_s):
                    await self._settled()
            except TimeoutError:
                problem = f"The module of {method.qualified} was not ready in {limit_s:.3g} s."
                late = RPCTimeoutError(problem, "Start it before the first request.")
                raise Failed("timeout", late, sent=False) from None
        if self.state != "ready":
            raise self._unavailable(method)

    async def _settled(self) -> None:
        if self.state == "registered":
            self._begun()
        if self._change is None:
            self._change = asyncio.Event()
        while self.state in {"registered", "starting"}:
            self._change.clear()
            await self._change.wait()

    def _move(self, to: State) -> None:
        self.state = move(self.state, to)
        if self._change is not None:
            self._change.set()

    def _unavailable(self, method: Method) -> Failed:
        problem = f"The module of {method.qualified} is {self.state}."
        remedy = "It is started again by itself, unless it was stopped."
        return Failed("unavailable", ModuleUnavailableError(problem, remedy), sent=False)

    def _note(self, admitted: Admission, *, failed: bool) -> None:
        now_s = asyncio.get_running_loop().time()
        match self._breaker.note(now_s, admitted, failed=failed):
            case "opened":
                self._tell(ModuleFailed("circuit", generation=self.generation))
            case "closed":
                self._tell(ModuleRestarted(0, self.generation, "circuit"))
            case None:
                pass

    # --- the rest ---

    def _tell(self, fact: Fact) -> None:
        self._reporter.tell(fact, self.name)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        # Of no request: it outlives the one that happens to call first.
        loop = asyncio.get_running_loop()
        task = loop.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Told where it happened; who waited has got it.
            task.exception()


_UNSENT = 4
"""Attempts of any method, as long as nothing of them was sent."""


def _named(error: Exception, method: Method, attempts: int) -> Exception:
    if isinstance(error, RPCError):
        error.method, error.attempts = method.qualified, attempts
    return error
