"""The `Module`s of an app: checked when they are registered, hosted while it runs."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from functools import partial
from typing import Any, NamedTuple

from eventstore import Clock, Ids, Store, StreamId
from eventstore.values import encode
from runtime.effects import system_clock
from runtime.errors import (
    CapabilityError,
    ModuleManifestError,
    ModuleRefusedError,
    ModuleStartError,
    ReloadError,
)
from runtime.facts import Fact
from runtime.isolation import sandbox
from runtime.isolation.desk import GrantDesk, module_stream
from runtime.isolation.generations import Generations
from runtime.isolation.handles import Capabilities, InForce
from runtime.isolation.host import Host
from runtime.isolation.hosted import Hosted
from runtime.isolation.reloading import Reload, read_anew, started
from runtime.isolation.telling import Teller
from runtime.isolation.tiers import Lacking, place, tier_of
from runtime.manifests.capabilities import Grant, check_kind
from runtime.manifests.grants import Grants
from runtime.manifests.module import OWN_PROCESS, check
from runtime.module_facts import ModuleResized, ModuleRestarted
from runtime.modules import Method, Module, ModuleRegistry
from runtime.secrets import Environment, SecretCache

_log = logging.getLogger("timescape")


def _refuse_hidden(module: Module) -> None:
    hidden = module.home == "__main__" or module.attribute() is None
    if module.isolation in OWN_PROCESS and hidden:
        raise ModuleManifestError(
            problem=f"A process of module {module.name!r} could not find it.",
            remedy="Give it a name at the top of a file that can be imported.",
        )


class Setting(NamedTuple):
    """What the hosts of a running app share."""

    store: Store
    stream: StreamId
    """Of the app's modules."""
    clock: Clock
    secrets: SecretCache
    config: Mapping[str, Any]
    teller: Teller


class Hosting:
    """The modules of one app.

    Args:
        lacking: says what the machine lacks for a sandbox.
    """

    def __init__(self, lacking: Lacking = sandbox.lacking) -> None:
        self._lacking = lacking
        self._own: set[str] = set()
        self._hosted: dict[str, Hosted] = {}
        self._generations: dict[str, Generations] = {}
        self._setting: Setting | None = None
        self._desk: GrantDesk | None = None
        self._turns: dict[str, asyncio.Lock] = {}
        self._reloads: dict[str, set[asyncio.Task[int]]] = {}
        self.changed: Callable[[frozenset[str]], None] | None = None
        """Told of all modules that have failed, whenever something happened to one."""

    @property
    def hosted(self) -> Mapping[str, Hosted]:
        """By name, in order of registration."""
        return self._hosted

    @property
    def hosts(self) -> Mapping[str, Host]:
        """By name, which take new callers; empty before the app starts."""
        return {name: each.current for name, each in self._generations.items()}

    @property
    def restarts(self) -> Mapping[tuple[str, str], int]:
        """How often modules took calls again, by name and by why they had not."""
        return {} if self._setting is None else self._setting.teller.restarts

    def know(self, kind: str) -> None:
        """Let modules that are added from now on have capabilities of another *kind*.

        Raises:
            CapabilityError: it cannot be, or is there already.
        """
        if check_kind(kind) in self._own:
            raise CapabilityError(
                problem=f"The capability {kind} was added before.", remedy="Add it once."
            )
        self._own.add(kind)

    def generations(self, name: str) -> Generations:
        """Return the generations of a module, which runs."""
        return self._generations[name]

    def add(self, module: Module, policy: Iterable[Grant] | None) -> Mapping[str, Method]:
        """Check *module* and take it in; return its methods as this app calls them.

        Args:
            module: to be hosted.
            policy: what it may be granted at most; None: what it declares.

        Raises:
            ModuleManifestError: it cannot be; all that is wrong is told.
            ModuleRefusedError: its capabilities do not do; all reasons are told.
            IsolationUnavailableError: this machine does not have its tier.
        """
        manifest = module.manifest
        policy = None if policy is None else tuple(policy)
        _refuse_hidden(module)
        verdict = check(manifest, policy, module.needs(), self._own)
        if not verdict.valid:
            raise ModuleRefusedError(
                problem=f"Module {module.name!r} is refused: {'; '.join(verdict.errors)}.",
                remedy="Declare what it uses, and let it be granted what it cannot do without.",
            )
        placed = place(module, verdict.granted, self._lacking)
        # Of this app alone: another may have the same module.
        methods = {name: copy(each.method) for name, each in module.methods.items()}
        hosted = Hosted(module, manifest, verdict, methods, placed, policy, frozenset(self._own))
        for method in methods.values():
            method.is_async = method.hosted = True
            method.call = partial(_alone, hosted, method)
        self._hosted[module.name] = hosted
        return methods

    def equip(  # noqa: PLR0913 - each is one thing that hosts need
        self,
        store: Store,
        app: str,
        modules: ModuleRegistry,
        *,
        clock: Clock,
        ids: Ids,
        secrets: SecretCache,
        config: Mapping[str, Any],
        generations: Mapping[str, int],
        is_running: Callable[[str], bool],
    ) -> GrantDesk:
        """Make the hosts; they start when they are told to, and answer for those in *modules*.

        Args:
            store: the log.
            app: its name.
            modules: whose methods they answer for.
            clock: of the log.
            ids: give chance.
            secrets: where secrets come from.
            config: of the app.
            generations: of the modules, as the log knows them.
            is_running: says whether a request, by its id, runs.
        """
        stream = module_stream(app)
        granted = {name: each.verdict.granted for name, each in self._hosted.items()}
        self._desk = GrantDesk(store, stream, granted, clock, frozenset(self._own))
        teller = Teller(store, stream, clock, ids, self._noticed)
        self._setting = Setting(store, stream, clock, secrets, config, teller)
        self._generations, self._turns, self._reloads = {}, {}, {}
        for name, hosted in self._hosted.items():
            host = _host(hosted, self._setting, generations.get(name, 1))
            self._generations[name] = Generations(host, is_running)
            for method in modules.hosted(name):
                method.host = self._generations[name]
        return self._desk

    async def reload(self, name: str, reload: Reload) -> int:
        """Start a module anew beside the one that runs, and switch; return its generation.

        Raises:
            ReloadError: nothing was switched.
            DuplicateModuleError: it changed and kept the version it was given.
        """
        if name not in self._generations or self._setting is None:
            known = ", ".join(self._generations) or "none"
            raise ReloadError(
                problem=f"No module {name[:80]!r} runs that could be started anew.",
                remedy=f"There are: {known}.",
            )
        task = asyncio.create_task(self._in_turn(name, reload, self._setting))
        running = self._reloads.setdefault(name, set())
        running.add(task)
        task.add_done_callback(running.discard)
        await asyncio.wait([task])
        if task.cancelled():
            raise ReloadError(
                problem=f"Module {name!r} was not started anew, as it is to stop.",
                remedy="Start the app again.",
            )
        return task.result()

    async def _in_turn(self, name: str, reload: Reload, setting: Setting) -> int:
        async with self._turns.setdefault(name, asyncio.Lock()):
            return await self._reload(name, reload, setting)

    async def _reload(self, name: str, reload: Reload, setting: Setting) -> int:
        before, generations = self._hosted[name], self._generations[name]
        hosted = await read_anew(before, reload, self._lacking)
        is_next = hosted.manifest.digest != before.manifest.digest
        host = _host(hosted, setting, generations.current.generation + is_next)
        try:
            await started(host, name)
            host.generation = await asyncio.to_thread(reload.announce, hosted)
        except BaseException:
            await host.stop()
            raise
        self._hosted[name] = hosted
        if self._desk is not None:
            self._desk.register(name, hosted.verdict.granted)
        generations.switch(host)
        setting.teller.tell(ModuleRestarted(0, host.generation, "reload"), name)
        return host.generation

    def _noticed(self) -> None:
        if self.changed is not None:
            every = self._generations.items()
            self.changed(frozenset(name for name, each in every if each.current.state == "failed"))

    async def start(self, name: str) -> None:
        """Start a module.

        Raises:
            ModuleStartError: it did not start; names who depends on it.
        """
        try:
            await self._generations[name].current.start()
        except ModuleStartError as error:
            chain = self._chain(name)
            if len(chain) == 1:
                raise
            problem = f"{error.problem} Needed by: {' → '.join(chain[1:])}."
            raise ModuleStartError(problem, error.remedy) from error

    def _chain(self, name: str) -> list[str]:
        chain = [name]
        while follower := next(
            (n for n, each in self._hosted.items() if chain[-1] in each.module.depends_on), None
        ):
            chain.append(follower)
        return chain

    async def stop(self, name: str) -> None:
        """Stop a module, if it runs, and do not start it anew any more."""
        reloads = tuple(self._reloads.get(name, ()))
        for task in reloads:
            task.cancel()
        await asyncio.gather(*reloads, return_exceptions=True)
        generations = self._generations.get(name)
        if generations is not None:
            await generations.stop()

    async def durable(self) -> None:
        """Wait until the log has all that was told."""
        if self._setting is not None:
            await self._setting.teller.durable()


def _host(hosted: Hosted, setting: Setting, generation: int) -> Host:
    """Make the host of one generation; what it may use is its own, if another declares more."""
    name, teller = hosted.module.name, setting.teller
    granted = {name: hosted.verdict.granted}
    desk = GrantDesk(setting.store, setting.stream, granted, setting.clock)
    capabilities = Capabilities(name, desk, setting.secrets, teller, setting.clock)
    config = encode(setting.config.get(name))

    def resized(now: int, was: int, why: str) -> None:
        teller.tell(ModuleResized(now, was, why, generation), name)

    tier = tier_of(
        hosted.module, hosted.placed, capabilities, config, hosted.manifest, resized=resized
    )
    return Host(hosted.manifest, tier, teller, generation, capabilities.close)


class _Silent:
    """Tells nobody."""

    def tell(self, fact: Fact, key: str) -> None:
        """Do nothing."""

    def deny(self, module: str, kind: str, argument: str, request_id: str) -> None:
        """Do nothing."""

    def chance(self) -> float:
        """Give the longest pause."""
        return 1.0

    def next_start(self) -> int:
        """Give the first."""
        return 1


async def _alone(hosted: Hosted, method: Method, *args: Any, **kwargs: Any) -> Any:
    """Call a method without an app that runs: for this call alone it is started, and stopped.

    A re-execution does so where it is told to call a module for real.
    """
    grants: InForce = Grants({hosted.module.name: hosted.verdict.granted})
    secrets = SecretCache([Environment()])
    silent = _Silent()
    capabilities = Capabilities(hosted.module.name, grants, secrets, silent, system_clock)
    tier = tier_of(hosted.module, hosted.placed, capabilities, None)
    host = Host(hosted.manifest, tier, silent, closing=capabilities.close)
    try:
        await host.start()
        return await host.call(method, args, kwargs)
    finally:
        await host.stop()
