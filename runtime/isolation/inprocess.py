"""The tier `inprocess`: a module's functions, called where the handlers run.

It keeps no secret from the module and stops none of its intents: it is no boundary. A
timeout ends async functions; a thread cannot be ended, and is waited for.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from eventstore.values import Tree, Viewer
from runtime.effects.virtual_loop import VirtualLoop
from runtime.effects.workers import Workers
from runtime.errors import RPCTimeoutError
from runtime.isolation.context import ModuleContext
from runtime.isolation.failing import Ending, Failed, cause_of
from runtime.isolation.handles import Capabilities
from runtime.isolation.tier import Counts, Crashed
from runtime.modules import About, HostedCall, Method, Module


class InProcess:
    """Calls a module.

    Args:
        module: which one.
        capabilities: what it may use.
        config: the part of the config that is its own, encoded.
        crashed: told when it is to be started again.
    """

    enforced: tuple[str, ...] = ()
    counts = Counts()

    def __init__(
        self, module: Module, capabilities: Capabilities, config: Tree, crashed: Crashed
    ) -> None:
        self._module = module
        self._capabilities = capabilities
        self._config = Viewer().view(config)
        self._crashed = crashed
        self._workers: Workers | None = None
        self._thread = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self.running = 0

    async def start(self) -> None:
        """Run its start."""
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        await self._hook("start")
        self.running = 1

    async def stop(self) -> bool:
        """Run its stop."""
        self.running = 0
        try:
            await self._hook("stop")
        finally:
            if self._workers is not None:
                self._workers.close()
                self._workers = None
        return True

    async def end(self, reason: str) -> None:
        """Stop it; whoever was told starts it again."""
        self.running = 0
        # It fails already, and that is told.
        with suppress(Exception):
            await self._hook("stop")
        self._crashed(reason, Ending())

    async def is_healthy(self) -> bool:
        """Ask its own check; without one it is healthy."""
        return await self._hook("health") is not False

    async def attempt(
        self,
        method: Method,
        given: tuple[tuple[Any, ...], dict[str, Any]],
        call: HostedCall,
        limit_s: float,
    ) -> Any:
        """Call the function."""
        args, kwargs = given
        context = self._context(call.about)
        try:
            async with asyncio.timeout(limit_s) as limit:
                function = self._module.methods[method.name].function
                return await self._run(function, context, *args, **kwargs)
        except TimeoutError as error:
            if not limit.expired():
                raise Failed(cause_of(error), error) from error
            problem = f"{method.qualified} took longer than {limit_s:.3g} s."
            raise Failed("timeout", RPCTimeoutError(problem, "It was ended.")) from error
        except Exception as error:
            raise Failed(cause_of(error), error) from error

    async def _hook(self, kind: str) -> Any:
        function = self._module.hooks.get(kind)
        return None if function is None else await self._run(function, self._context(About()))

    def _context(self, about: About) -> ModuleContext:
        handles = self._capabilities.of(about.request_id)
        return ModuleContext(self._module.name, about, self._config, handles, self._here_or_later)

    async def _run(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if asyncio.iscoroutinefunction(function):
            return await function(*args, **kwargs)
        if self._workers is None:
            self._workers = Workers(f"timescape-{self._module.name}")
        return await self._workers.run(lambda: function(*args, **kwargs))

    def _here_or_later(self, work: Coroutine[Any, Any, Any]) -> Any:
        if threading.get_ident() == self._thread:
            return work
        assert self._loop is not None  # noqa: S101 - started first
        wait = asyncio.run_coroutine_threadsafe(work, self._loop)
        if isinstance(self._loop, VirtualLoop):
            self._loop.thread_waits_for(wait)
        return wait.result()
