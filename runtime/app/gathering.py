"""Gathers what an app declares, from itself or from its log, into the same values (CG-1)."""

from collections.abc import Iterable, Mapping

from eventstore import Store, StreamId
from runtime.app.application import App
from runtime.app.startup import read_known
from runtime.app.transformers import by_handler
from runtime.codegen.bundle import Declarations, DeclaredModule, DeclaredPair
from runtime.control import read_manifests, read_table
from runtime.manifests import HandlerManifest
from runtime.manifests.kept import Manifests
from runtime.module_facts import ModuleRegistered
from runtime.queue import METHOD
from runtime.timescape import HandlerRoutes, Resolution, Selector, resolve
from runtime.timescape.selectors import read


def of_app(app: App) -> Declarations:
    """Gather what an app declares; it need not be started."""
    pairs = [
        DeclaredPair(handler, fact.older, fact.newer, fact.fingerprint, fact.functions)
        for handler, own in by_handler(app.parts.transformers, app.parts.declared).items()
        for fact in (each.fact() for each in own)
    ]
    manifests = tuple(each for each in app.manifests if each.method != METHOD)
    return Declarations(app.name, manifests, _modules(app.registered_modules), tuple(pairs))


def of_log(
    store: Store, stream: StreamId, app: str, *, at: str | None = None, now_us: int
) -> Declarations:
    """Gather what the log says that an app declares.

    Args:
        store: the log.
        stream: the control stream of the app.
        app: its name.
        at: a selector, by which one version of each handler is chosen as callers who send it
            get it; None: the last version of each edition.
        now_us: the time.

    Raises:
        CorruptManifestError: what the log keeps is not what was told to it.
        EventStoreError: it cannot be read.
    """
    table, kept = read_table(store, stream), read_manifests(store, stream)
    # A clock behind that of the log would not see what was deployed last.
    now_us = max(now_us, table.at_us)
    modules = read_known(store, stream, table.revision).modules
    found: list[HandlerManifest] = []
    pairs: list[DeclaredPair] = []
    for name, routes in sorted(table.handlers.items()):
        if routes.route.partition(" ")[0] == METHOD:
            continue
        found += _chosen(kept, routes, at, now_us)
        pairs += [
            DeclaredPair(name, each.older, each.newer, each.fingerprint, each.functions)
            for each in routes.pairs.values()
        ]
    return Declarations(app, tuple(found), _modules(modules), tuple(pairs))


def can_select(text: str) -> bool:
    """Say whether *text* is a selector at all."""
    return read(Selector("header", "--at", text)) is not None


def _chosen(
    kept: Manifests, routes: HandlerRoutes, at: str | None, now_us: int
) -> Iterable[HandlerManifest]:
    if at is None:
        ids = list({each.edition: str(each.id) for each in routes.line}.values())
    else:
        answer = resolve(routes, [Selector("header", "--at", at)], now_us=now_us)
        ids = [str(answer.version.id)] if isinstance(answer, Resolution) else []
    manifests = (kept.manifest(routes.handler, each) for each in ids)
    return [each for each in manifests if each is not None]


def _modules(registered: Mapping[str, ModuleRegistered]) -> tuple[DeclaredModule, ...]:
    return tuple(
        DeclaredModule(name, tuple(sorted(each.methods)), each.manifest or None)
        for name, each in sorted(registered.items())
    )


__all__ = ["can_select", "of_app", "of_log"]
