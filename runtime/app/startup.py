"""Tells the log what is deployed: versions, modules and config that it does not know yet (TS-3).

The control stream of an app is where its versions get their ids; reading it again gives
the same ids to the same code.
"""

from collections.abc import Mapping, Sequence

import msgspec

from eventstore import Clock, EventStoreError, NewEvent, Store, StreamId, named_stream
from eventstore.values import Tree
from runtime.app.declarations import Declared
from runtime.context import CONTROL
from runtime.facts import ConfigLoaded, Fact, HandlerDeployed, ModuleRegistered
from runtime.timescape import Deployment, Deployments, VersionId

_ATTEMPTS = 8


class Known(msgspec.Struct, frozen=True):
    """What the control stream says."""

    revision: int = 0
    deployments: Deployments = Deployments()
    modules: Mapping[str, tuple[str, ...]] = {}
    config: str | None = None


class Deployed(msgspec.Struct, frozen=True):
    """The app as the log now knows it."""

    ids: tuple[VersionId, ...]
    """Of the declared versions, in their order."""
    deployments: Deployments


def control_stream(app: str) -> StreamId:
    """Name the stream that tells of *app* itself."""
    return named_stream(CONTROL.name, app)


def read_control(store: Store, stream: StreamId) -> Known:
    """Fold the control stream. Facts of other kinds are skipped (TS-4)."""
    deployed: list[tuple[str, Deployment]] = []
    modules: dict[str, tuple[str, ...]] = {}
    config: str | None = None
    revision = 0
    for event in store.read(stream):
        revision = event.revision
        key = event.key or ""
        match event.data:
            case HandlerDeployed(handler=handler, edition=edition, fingerprint=code):
                deployed.append((handler, Deployment(VersionId.parse(key), edition, code)))
            case ModuleRegistered(methods=methods):
                modules[key] = methods
            case ConfigLoaded():
                config = key
            case _:
                pass
    return Known(revision, Deployments.of(deployed), modules, config)


def announce(
    store: Store,
    app: str,
    declared: Sequence[Declared],
    *,
    modules: Mapping[str, tuple[str, ...]],
    config: tuple[str, Tree],
    clock: Clock,
) -> Deployed:
    """Append what is new, durably, and return the ids of all declared versions.

    Args:
        store: the log.
        app: its name.
        declared: the versions of the app.
        modules: name to methods.
        config: its fingerprint, and the config.
        clock: gives the seconds of new ids.

    Raises:
        EventStoreError: the log cannot be written.
    """
    stream = control_stream(app)
    for attempt in range(_ATTEMPTS):
        known = read_control(store, stream)
        ids, deployments, facts = _decide(known, declared, clock())
        facts += [
            (name, ModuleRegistered(methods))
            for name, methods in modules.items()
            if known.modules.get(name) != methods
        ]
        if known.config != config[0]:
            facts.append((config[0], ConfigLoaded(config[1])))
        if not facts:
            return Deployed(ids, deployments)
        now = clock()
        events = [NewEvent(fact.type, fact, key, now) for key, fact in facts]
        try:
            store.append(
                stream, events, kind=CONTROL.name, expected=known.revision, durable=True
            ).result()
        except EventStoreError as error:
            # Another process announced first: read what it said, and decide again.
            if error.code != "wrong-revision" or attempt == _ATTEMPTS - 1:
                raise
        else:
            return Deployed(ids, deployments)
    raise AssertionError


def _decide(
    known: Known, declared: Sequence[Declared], now_us: int
) -> tuple[tuple[VersionId, ...], Deployments, list[tuple[str, Fact]]]:
    """Say which versions are new, and what each is called."""
    ids: list[VersionId] = []
    facts: list[tuple[str, Fact]] = []
    deployments = known.deployments
    for version in declared:
        handler, edition, code = version.handler, version.edition, version.fingerprint
        last = deployments.last(handler, edition)
        if last is not None and last.fingerprint == code:
            ids.append(last.id)
            continue
        new = Deployment(deployments.next_id(handler, now_us), edition, code)
        deployments = deployments.plus(handler, new)
        ids.append(new.id)
        fact = HandlerDeployed(handler, version.template.text, edition, code, *_digests(version))
        facts.append((str(new.id), fact))
    return tuple(ids), deployments, facts


def _digests(version: Declared) -> tuple[str, str]:
    manifest = version.manifest
    return ("", "") if manifest is None else (manifest.contract, manifest.digest)
