"""Tells the log what is deployed: versions, modules and config that it does not know yet (TS-3).

The control stream of an app is where its versions get their ids; reading it again gives
the same ids to the same code.
"""

from collections.abc import Mapping, Sequence

import msgspec

from eventstore import Clock, Store, StreamId
from eventstore.values import Tree
from runtime.app.declarations import Declared
from runtime.control import change, control_stream
from runtime.errors import DuplicateModuleError
from runtime.facts import ConfigLoaded, Fact
from runtime.module_facts import ModuleRegistered
from runtime.timescape import RouteTable, VersionId
from runtime.timescape.deploying import deployment, is_needed
from runtime.timescape.folding import TableFolding
from runtime.timescape.table import HandlerRoutes

__all__ = ["Deployed", "Known", "announce", "control_stream", "read_known"]


class Known(msgspec.Struct, frozen=True):
    """What the control stream says besides the route table."""

    modules: Mapping[str, ModuleRegistered] = {}
    config: str | None = None


class Deployed(msgspec.Struct, frozen=True):
    """The app as the log now knows it."""

    ids: tuple[VersionId, ...]
    """Of the declared versions, in their order."""
    table: RouteTable
    generations: Mapping[str, int] = {}
    """Of the modules."""


def read_known(store: Store, stream: StreamId, last: int) -> Known:
    """Read which modules and which config were announced, up to revision *last*."""
    modules: dict[str, ModuleRegistered] = {}
    config: str | None = None
    for event in store.read(stream, 1, last):
        match event.data:
            case ModuleRegistered() as module:
                modules[event.key or ""] = module
            case ConfigLoaded():
                config = event.key or ""
            case _:
                pass
    return Known(modules, config)


def announce(
    store: Store,
    app: str,
    declared: Sequence[Declared],
    *,
    modules: Mapping[str, ModuleRegistered],
    config: tuple[str, Tree],
    clock: Clock,
) -> Deployed:
    """Append what is new, durably, and return the ids of all declared versions.

    Args:
        store: the log.
        app: its name.
        declared: the versions of the app.
        modules: by name, as they are to be told.
        config: its fingerprint, and the config.
        clock: gives the seconds of new ids.

    Raises:
        EventStoreError: the log cannot be written.
        DuplicateModuleError: the log knows a module of that version otherwise.
    """
    stream = control_stream(app)
    ids: list[VersionId] = []
    generations: dict[str, int] = {}

    def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
        ids[:], facts = _decide(table, declared, now_us)
        known = read_known(store, stream, table.revision)
        new = new_modules(known.modules, modules)
        generations.update({n: each.generation for n, each in {**known.modules, **new}.items()})
        facts += new.items()
        if known.config != config[0]:
            facts.append((config[0], ConfigLoaded(config[1])))
        return facts

    table = change(store, stream, decide, clock=clock).table
    return Deployed(tuple(ids), table, generations)


def new_modules(
    known: Mapping[str, ModuleRegistered], wanted: Mapping[str, ModuleRegistered]
) -> dict[str, ModuleRegistered]:
    """Say which modules the log is to be told of, and in which generation they are (MM-8).

    Raises:
        DuplicateModuleError: one has the version of another manifest.
    """
    new: dict[str, ModuleRegistered] = {}
    for name, module in wanted.items():
        before = known.get(name)
        if before is None:
            new[name] = module
            continue
        _refuse_same_version(name, before, module)
        same = msgspec.structs.replace(module, generation=before.generation)
        if same != before:
            # Granted otherwise it is no other module.
            is_next = before.digest != module.digest or not module.digest
            new[name] = msgspec.structs.replace(same, generation=before.generation + is_next)
    return new


def _refuse_same_version(name: str, before: ModuleRegistered, module: ModuleRegistered) -> None:
    if module.digest and before.version == module.version and before.digest != module.digest:
        raise DuplicateModuleError(
            problem=f"Module {name!r} changed, and is still of version {module.version!r}.",
            remedy="Give it another version, or none: then it gets one by itself.",
        )


def _decide(
    table: RouteTable, declared: Sequence[Declared], now_us: int
) -> tuple[list[VersionId], list[tuple[str, Fact]]]:
    """Say what each declared version is called, and which of them are new."""
    ids: list[VersionId] = []
    facts: list[tuple[str, Fact]] = []
    folding = TableFolding(table)
    for version in declared:
        routes: HandlerRoutes | None = folding.table.handlers.get(version.handler)
        if not is_needed(routes, version.edition, version.fingerprint):
            last = routes.last_of(version.edition) if routes else None
            assert last is not None  # noqa: S101 - it is known
            ids.append(last.id)
            continue
        key, fact = deployment(
            routes,
            handler=version.handler,
            route=version.template.text,
            edition=version.edition,
            fingerprint=version.fingerprint,
            digests=_digests(version),
            now_us=now_us + len(facts),
            tags=version.tags,
        )
        facts.append((key, fact))
        folding.deploy(fact, key, now_us + len(facts) - 1)
        ids.append(VersionId.parse(key))
    return ids, facts


def _digests(version: Declared) -> tuple[str, str]:
    manifest = version.manifest
    return ("", "") if manifest is None else (manifest.contract, manifest.digest)
