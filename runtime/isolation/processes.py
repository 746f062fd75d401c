"""The tier `subprocess`: a module in processes of its own."""

import asyncio
from typing import Any

from eventstore.values import Tree, tree_bytes
from eventstore.values.tree import tree_from_bytes
from runtime.errors import (
    ModuleCrashedError,
    ModuleStartError,
    PoolTimeoutError,
    RPCError,
    RPCFrameError,
    RPCTimeoutError,
)
from runtime.isolation.carrying import Carrier
from runtime.isolation.child import Child, Gone
from runtime.isolation.failing import Failed, cause_of, failed_by
from runtime.isolation.handles import Capabilities
from runtime.isolation.pool import Pool, PoolTimeout, Resized
from runtime.isolation.serving import Service
from runtime.isolation.spawning import Process, limits_of
from runtime.isolation.tier import START_S, STOP_S, Counts, Crashed
from runtime.manifests.module import ModuleManifest
from runtime.modules import HostedCall, Method, Module
from runtime.supervision import FrameFault, Refusal


class Processes:
    """Runs a module in processes.

    Args:
        module: which one.
        capabilities: what it may use.
        config: the part of the config that is its own, encoded.
        crashed: told of processes that ended by themselves, or had to be ended.
        manifest: what its code declares; None: what *module* does.
        confined: whether they run in a sandbox.
        lacking: why they do not, if they should.
        resized: told when there are more of them, or fewer, by what there is to do.
    """

    def __init__(  # noqa: PLR0913 - handed on by who places modules
        self,
        module: Module,
        capabilities: Capabilities,
        config: Tree,
        crashed: Crashed,
        *,
        manifest: ModuleManifest | None = None,
        confined: bool = False,
        lacking: tuple[str, ...] = (),
        resized: Resized = lambda now, was, why: None,
    ) -> None:
        self._module = module
        self._manifest = manifest or module.manifest
        self._lacking = lacking
        self._confined: tuple[str, ...] | None = () if confined else None
        self._capabilities = capabilities
        self._config = config
        self._crashed = crashed
        self._carrier = Carrier(module)
        self._pool = Pool(self._manifest.resources, self._start_one, self._shrink, resized)
        self._began = False
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """Processes that could answer."""
        return len(self._pool.children)

    @property
    def counts(self) -> Counts:
        """Of processes."""
        return self._pool.counts

    @property
    def enforced(self) -> tuple[str, ...]:
        """The limits of each process, and what its sandbox said that it enforces."""
        limits = limits_of(self._manifest.resources)
        fallback = ("fallback=subprocess", *self._lacking) if self._lacking else ()
        return (*fallback, *(f"{name}={value}" for name, value in limits), *(self._confined or ()))

    # --- starting and ending ---

    async def start(self) -> None:
        """Start as many processes as there have to be; later one, in the place of one that ended.

        Raises:
            ModuleStartError: one did not become ready; all have ended.
        """
        many = 1 if self._began else self._manifest.resources.min_workers
        if many == 1:
            await self._start_one()
        else:
            starts = [self._start_one() for _ in range(many)]
            ends = await asyncio.gather(*starts, return_exceptions=True)
            errors = [each for each in ends if each is not None]
            if errors:
                await asyncio.gather(*[child.close(STOP_S) for child in self._pool.children])
                raise errors[0]
        self._began = True

    async def _start_one(self) -> None:
        service = Service(self._capabilities)
        # In the loop's thread: short, and in another it could not be cancelled halfway.
        home = None if self._confined is None else self._module.home
        process = Process(self._module.name, self._manifest.resources, confined_to=home)
        child = Child(
            process,
            self._module.name,
            serve=service.serve,
            gone=self._gone,
            scrub=self._capabilities.scrub,
            frame=self._manifest.resources.frame,
        )
        service.child = child
        child.closing = True
        await child.open()
        try:
            async with asyncio.timeout(START_S):
                await self._begin(child)
        except BaseException:
            await child.kill("start")
            raise
        child.closing = False
        self._pool.put(child)

    async def _begin(self, child: Child) -> None:
        name = self._module.name
        args = tree_bytes([[self._module.home, self._module.attribute(), self._config], {}])
        try:
            reply = await child.ask("$start", args)
        except Gone:
            assert child.ending is not None  # noqa: S101 - it has gone
            last = child.ending.output[-1:]
            said = f" It said: {last[0][:200]}" if last else ""
            raise ModuleStartError(
                problem=f"The process of module {name!r} {child.ending.told}.{said}",
                remedy="Its log has the rest.",
            ) from None
        if isinstance(reply, Refusal):
            error = failed_by(reply, name, lambda _: None).error
            raise ModuleStartError(
                problem=f"Module {name!r} did not start: {error}", remedy="Its log has the rest."
            )
        digest, enforced = tree_from_bytes(reply.value)
        if self._confined is not None:
            self._confined = tuple(map(str, enforced))
        if digest != self._manifest.digest:
            raise ModuleStartError(
                problem=f"The process of module {name!r} sees other code than this one.",
                remedy="Its file has changed: reload it, or start the app again.",
            )

    def _gone(self, child: Child) -> None:
        self._pool.remove(child)
        if not child.closing and child.ending is not None:
            self._crashed(child.reason, child.ending)

    async def _shrink(self, child: Child) -> None:
        await child.close(STOP_S)

    async def end(self, reason: str) -> None:
        """Kill all processes."""
        await asyncio.gather(*[child.kill(reason) for child in self._pool.children])

    async def stop(self) -> bool:
        """Let all processes stop; those that do not are killed."""
        children, self._began = self._pool.children, False
        await self._pool.close()
        try:
            stopped = await asyncio.gather(*[child.close(STOP_S) for child in children])
        finally:
            await asyncio.gather(*self._ending, return_exceptions=True)
        return all(stopped)

    # --- calling ---

    async def attempt(
        self,
        method: Method,
        given: tuple[tuple[Any, ...], dict[str, Any]],
        call: HostedCall,
        limit_s: float,
    ) -> Any:
        """Send the call to a process, and wait for its answer."""
        name = method.qualified
        try:
            args = self._carrier.dump([list(given[0]), given[1]], f"An argument of {name}")
        except RPCError as error:
            raise Failed("serialization", error, sent=False) from error
        child = self._pool.take() or await self._acquired(name)
        try:
            number = child.send(method.name, args, call.about)
        except FrameFault as fault:
            self._pool.release(child)
            too_long = RPCFrameError(f"The call of {name}: {fault}.", "Send less.")
            raise Failed("serialization", too_long, sent=False) from fault
        except Gone:
            self._pool.release(child)
            raise Failed("crash", _crashed(name, child), sent=False) from None
        return await self._answer(method, child, number, limit_s)

    async def _acquired(self, name: str) -> Child:
        try:
            return await self._pool.acquire()
        except PoolTimeout:
            problem = f"No process for {name} became free in time."
            full = PoolTimeoutError(problem, "Allow it more workers, or call it less.")
            raise Failed("pool", full, sent=False) from None

    async def _answer(self, method: Method, child: Child, number: int, limit_s: float) -> Any:
        name = method.qualified
        try:
            reply = await child.reply(number, limit_s)
        except TimeoutError:
            await self._end_call(child, number)
            late = RPCTimeoutError(f"{name} took longer than {limit_s:.3g} s.", "It was ended.")
            raise Failed("timeout", late) from None
        except asyncio.CancelledError:
            # Whoever cancelled need not wait for it; the process stays taken until it is over.
            ending = asyncio.ensure_future(self._end_call(child, number))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            raise
        except Gone:
            child.forget(number)
            self._pool.release(child)
            raise Failed("crash", _crashed(name, child)) from None
        child.forget(number)
        self._pool.release(child)
        if isinstance(reply, Refusal):
            raise failed_by(reply, name, method.find_error)
        return self._read(reply.value, f"The answer of {name}")

    def _read(self, value: bytes, what: str) -> Any:
        try:
            return self._carrier.load(value, what)
        except RPCError as error:
            raise Failed(cause_of(error), error) from error

    async def _end_call(self, child: Child, number: int) -> None:
        try:
            await child.end_call(number, "timeout")
        finally:
            self._pool.release(child)

    async def is_healthy(self) -> bool:
        """Ask every process that has nothing to do."""
        idle = [child for child in self._pool.children if child.load == 0]
        replies = await asyncio.gather(*map(_health, idle))
        return all(replies)


async def _health(child: Child) -> bool:
    try:
        reply = await child.ask("$health")
    except Gone:
        return True
    return not isinstance(reply, Refusal) and tree_from_bytes(reply.value) is not False


def _crashed(name: str, child: Child) -> ModuleCrashedError:
    told = "ended" if child.ending is None else child.ending.told
    problem = f"The process of {name} {told} during the call."
    return ModuleCrashedError(problem, "It is started again; its log tells more.")
