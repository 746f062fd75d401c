"""What starts before the first request, and stops after the last (GC-4, GC-5).

Modules start first, in the order of their registration, then hooks by priority. What has
started stops in exactly the reverse order. All of it is told to the control stream.
"""

import asyncio
from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

import msgspec

from eventstore import ANY, EventStoreError, NewEvent, Store, StreamId
from eventstore.events import Commit
from runtime.context import CONTROL
from runtime.effects import Sites
from runtime.effects.failures import failure_of
from runtime.errors import PolicySyntaxError
from runtime.facts import Fact, HookEnded, HookFailed, HookStarted
from runtime.lifecycle.binding import Bound, bind
from runtime.lifecycle.global_context import GlobalContext

SHUTDOWN_S = 10.0
_GIVES = frozenset({"gctx"})
Clock = Callable[[], int]


class Priority(IntEnum):
    """Which startup hooks run first: those of the higher number."""

    CRITICAL = 1000
    HIGH = 800
    NORMAL = 500
    LOW = 200
    CLEANUP = 100


class Startup(msgspec.Struct, frozen=True):
    """Something to be started, and how it is stopped."""

    id: str
    level: str
    """module or global."""
    start: Bound | None
    stop: Bound | None
    priority: int = 0


class ControlLog:
    """Writes to an app's control stream, without waiting.

    Args:
        store: the log.
        stream: the control stream.
        clock: gives the time of facts.
    """

    def __init__(self, store: Store, stream: StreamId, clock: Clock) -> None:
        self._store = store
        self._stream = stream
        self._clock = clock
        self._last: Any = None

    def tell(self, fact: Fact, key: str) -> None:
        """Write down *fact*; `durable` says whether the log took it."""
        event = NewEvent(fact.type, fact, key, self._clock())
        self._last = self._store.append(
            self._stream, [event], kind=CONTROL.name, expected=ANY, durable=True
        )

    async def durable(self) -> Commit | None:
        """Wait until all of it is durable.

        Raises:
            EventStoreError: the log cannot be written.
        """
        last, self._last = self._last, None
        return None if last is None else await last.durable()


class Life:
    """The startups of one app, and which of them have started."""

    def __init__(self, root: Path | None) -> None:
        self._sites = Sites(root)
        self._modules: list[Startup] = []
        self._hooks: list[Startup] = []
        self._started: list[Startup] = []
        self.begun = False
        """Whether everything has started that there is."""
        self.left_out: frozenset[str] = frozenset()
        """Ids of what is neither started nor stopped."""

    @property
    def is_pending(self) -> bool:
        """Whether there is something to start that has not been."""
        return not self.begun and bool(self._modules or self._hooks)

    def add_module(
        self, name: str, start: Callable[..., Any] | None, stop: Callable[..., Any] | None
    ) -> None:
        """Note how a module is started and stopped.

        Raises:
            SignatureError: one asks for more than `gctx`.
        """
        if start is not None or stop is not None:
            self._modules.append(Startup(f"module:{name}", "module", _bound(start), _bound(stop)))

    def order_modules(self, names: Sequence[str]) -> None:
        """Start modules in the order of *names*."""
        order = {f"module:{name}": at for at, name in enumerate(names)}
        self._modules.sort(key=lambda each: order[each.id])

    def add_hook(
        self, start: Callable[..., Any], stop: Callable[..., Any] | None, priority: int
    ) -> None:
        """Note a startup hook.

        Raises:
            SignatureError: it asks for more than `gctx`.
            PolicySyntaxError: *priority* is no whole number.
        """
        if isinstance(priority, bool) or not isinstance(priority, int):
            msg = f"priority={priority!r} is no priority."
            raise PolicySyntaxError(msg, "Write a whole number, or one of `runtime.Priority`.")
        call = bind(start, _GIVES)
        taken = sum(each.id.partition("#")[0] == call.name for each in self._hooks)
        name = call.name if taken == 0 else f"{call.name}#{taken + 1}"
        self._hooks.append(Startup(name, "global", call, _bound(stop), priority))

    async def begin(self, gctx: GlobalContext, log: ControlLog) -> None:
        """Start everything; if one fails, stop what has started and raise its error again."""
        hooks = sorted(self._hooks, key=lambda each: -each.priority)
        try:
            for each in (*self._modules, *hooks):
                if each.id in self.left_out:
                    continue
                await self._run(each, "startup", each.start, gctx, log)
                self._started.append(each)
        except BaseException:
            await self.end(gctx, log)
            raise
        self.begun = True
        await log.durable()

    async def end(self, gctx: GlobalContext, log: ControlLog) -> None:
        """Stop what has started, the last first; what fails does not keep the rest from it."""
        self.begun = False
        while self._started:
            each = self._started.pop()
            try:
                async with asyncio.timeout(SHUTDOWN_S):
                    await self._run(each, "shutdown", each.stop, gctx, log)
            except Exception:  # noqa: BLE001, S112 - recorded as hook.failed
                continue
        try:
            await log.durable()
        except EventStoreError:
            # The log may be why we stop.
            return

    async def _run(
        self, each: Startup, kind: str, call: Bound | None, gctx: GlobalContext, log: ControlLog
    ) -> None:
        if call is None:
            return
        log.tell(HookStarted(kind, each.level), each.id)
        try:
            await called(call, gctx)
        except BaseException as error:
            log.tell(HookFailed(kind, failure_of(error, self._sites)), each.id)
            raise
        log.tell(HookEnded(kind), each.id)


def _bound(call: Callable[..., Any] | None) -> Bound | None:
    return None if call is None else bind(call, _GIVES)


async def called(call: Bound, gctx: GlobalContext) -> Any:
    """Call it, in a thread if it is not a coroutine function."""
    scope = {"gctx": gctx}
    result = call(scope) if call.is_async else await asyncio.to_thread(call, scope)
    return await result if hasattr(result, "__await__") else result
