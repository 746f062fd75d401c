"""The `Module`s of an app: checked when they are registered, hosted while it runs."""

import logging
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from functools import partial
from typing import Any, NamedTuple

from eventstore import ANY, Clock, EventStoreError, Ids, NewEvent, Store, StreamId, Ticket
from eventstore.values import Tree, encode
from runtime.context import CONTROL
from runtime.effects import system_clock
from runtime.errors import ModuleManifestError, ModuleRefusedError, ModuleStartError
from runtime.facts import CapabilityDenied, Fact
from runtime.isolation.desk import GrantDesk, module_stream
from runtime.isolation.handles import Capabilities, InForce
from runtime.isolation.host import Host
from runtime.isolation.inprocess import InProcess
from runtime.isolation.processes import Processes
from runtime.isolation.tier import Crashed, Tier
from runtime.manifests.capabilities import Grant
from runtime.manifests.grants import Grants
from runtime.manifests.module import ModuleManifest, Verdict, check
from runtime.module_facts import ModuleRegistered
from runtime.modules import Method, Module, ModuleRegistry
from runtime.secrets import Environment, SecretCache

_log = logging.getLogger("timescape")


class Hosted(NamedTuple):
    """A module of an app."""

    module: Module
    manifest: ModuleManifest
    verdict: Verdict
    methods: Mapping[str, Method]

    @property
    def registered(self) -> ModuleRegistered:
        """What the log is told of it; its generation is the log's to know."""
        manifest = self.manifest
        return ModuleRegistered(
            tuple(self.methods),
            manifest.version,
            digest=manifest.digest,
            manifest=manifest.plain(),
            grants=_pairs(self.verdict.granted),
            denied=_pairs(self.verdict.denied),
        )


def _refuse_hidden(module: Module) -> None:
    hidden = module.home == "__main__" or module.attribute() is None
    if module.isolation == "subprocess" and hidden:
        raise ModuleManifestError(
            problem=f"A process of module {module.name!r} could not find it.",
            remedy="Give it a name at the top of a file that can be imported.",
        )


def _pairs(grants: Iterable[Grant]) -> tuple[tuple[str, str], ...]:
    return tuple((each.kind, pattern) for each in grants for pattern in each.patterns)


class Hosting:
    """The modules of one app."""

    def __init__(self) -> None:
        self._hosted: dict[str, Hosted] = {}
        self._hosts: dict[str, Host] = {}
        self._teller: Teller | None = None
        self.changed: Callable[[frozenset[str]], None] | None = None
        """Told of all modules that have failed, whenever something happened to one."""

    @property
    def hosted(self) -> Mapping[str, Hosted]:
        """By name, in order of registration."""
        return self._hosted

    @property
    def hosts(self) -> Mapping[str, Host]:
        """By name; empty before the app starts."""
        return self._hosts

    def add(self, module: Module, policy: Iterable[Grant] | None) -> Mapping[str, Method]:
        """Check *module* and take it in; return its methods as this app calls them.

        Args:
            module: to be hosted.
            policy: what it may be granted at most; None: what it declares.

        Raises:
            ModuleManifestError: it cannot be; all that is wrong is told.
            ModuleRefusedError: its capabilities do not do; all reasons are told.
        """
        manifest = module.manifest
        _refuse_hidden(module)
        verdict = check(manifest, policy, module.needs())
        if not verdict.valid:
            raise ModuleRefusedError(
                problem=f"Module {module.name!r} is refused: {'; '.join(verdict.errors)}.",
                remedy="Declare what it uses, and let it be granted what it cannot do without.",
            )
        # Of this app alone: another may have the same module.
        methods = {name: copy(each.method) for name, each in module.methods.items()}
        hosted = Hosted(module, manifest, verdict, methods)
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
    ) -> GrantDesk:
        """Make the hosts; they start when they are told to, and answer for those in *modules*."""
        stream = module_stream(app)
        granted = {name: each.verdict.granted for name, each in self._hosted.items()}
        desk = GrantDesk(store, stream, granted, clock)
        self._teller = teller = Teller(store, stream, clock, ids, self._noticed)
        self._hosts = {}
        for name, hosted in self._hosted.items():
            capabilities = Capabilities(name, desk, secrets, partial(teller.deny, name), clock)
            tier = _tier(hosted.module, capabilities, encode(config.get(name)))
            host = Host(hosted.module, tier, teller, generations.get(name, 1))
            for method in modules.hosted(name):
                method.host = host
            self._hosts[name] = host
        return desk

    def _noticed(self) -> None:
        if self.changed is not None:
            failed = (name for name, host in self._hosts.items() if host.state == "failed")
            self.changed(frozenset(failed))

    async def start(self, name: str) -> None:
        """Start a module.

        Raises:
            ModuleStartError: it did not start; names who depends on it.
        """
        try:
            await self._hosts[name].start()
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
        """Stop a module, if it runs."""
        host = self._hosts.get(name)
        if host is not None:
            await host.stop()

    async def durable(self) -> None:
        """Wait until the log has all that was told."""
        if self._teller is not None:
            await self._teller.durable()


class Teller:
    """Writes what happens to modules into their stream.

    Args:
        store: the log.
        stream: of the app's modules.
        clock: gives the time of facts.
        ids: gives chance.
        noticed: called whenever something happened.
    """

    def __init__(
        self,
        store: Store,
        stream: StreamId,
        clock: Clock,
        ids: Ids,
        noticed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._stream = stream
        self._clock = clock
        self._ids = ids
        self._noticed = noticed
        self._starts = 0
        self._last: Ticket | None = None

    def tell(self, fact: Fact, key: str) -> None:
        """Write *fact* down; a log that takes nothing any more does not stop a module."""
        self._write(fact, key)
        self._noticed()

    def _write(self, fact: Fact, key: str) -> None:
        event = NewEvent(fact.type, fact, key, self._clock())
        try:
            self._last = self._store.append(
                self._stream, [event], kind=CONTROL.name, expected=ANY, durable=True
            )
        except EventStoreError as error:
            _log.error("module fact lost: module=%s fact=%s code=%s", key, fact.type, error.code)

    def deny(self, module: str, kind: str, argument: str, request_id: str) -> None:
        """Tell that *module* asked for what it may not have."""
        self._write(CapabilityDenied(module, kind, argument, request_id), argument[:64] or kind)

    def chance(self) -> float:
        """Give a number from 0 to 1."""
        return int.from_bytes(self._ids.token(4), "big") / 2**32

    def next_start(self) -> int:
        """Count a start."""
        self._starts += 1
        return self._starts

    async def durable(self) -> None:
        """Wait until the log has all of it, or will take nothing any more."""
        last, self._last = self._last, None
        try:
            if last is not None:
                await last.durable()
        except EventStoreError as error:
            _log.error("module facts lost: code=%s", error.code)


def _tier(module: Module, capabilities: Capabilities, config: Tree) -> Callable[[Crashed], Tier]:
    if module.isolation == "inprocess":
        return lambda crashed: InProcess(module, capabilities, config, crashed)
    return lambda crashed: Processes(module, capabilities, config, crashed)


class _Silent:
    """Tells nobody."""

    def tell(self, fact: Fact, key: str) -> None:
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
    capabilities = Capabilities(hosted.module.name, grants, secrets, _ignore, system_clock)
    host = Host(hosted.module, _tier(hosted.module, capabilities, None), _Silent())
    try:
        await host.start()
        return await host.call(method, args, kwargs)
    finally:
        await host.stop()


def _ignore(*_: object) -> None:
    return None
