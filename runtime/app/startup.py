"""Tells the log what is deployed: versions, modules and config that it does not know yet (TS-3).

The control stream of an app is where its versions get their ids; reading it again gives
the same ids to the same code.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from eventstore import Clock, Nodes, Store, StreamId
from eventstore.values import Tree
from runtime.app.deciding import Decision, Deploying, DeployPolicy
from runtime.app.declarations import Declared
from runtime.app.module_news import differences, new_modules
from runtime.app.parts import Parts
from runtime.app.transformers import Transformer
from runtime.breaking.differences import Differences
from runtime.control import Changed, change, control_stream
from runtime.control_facts import ConfigLoaded
from runtime.facts import Fact
from runtime.manifests.kept import Manifests, fold_manifests
from runtime.module_facts import ModuleRegistered
from runtime.node_facts import NodeAnnounced
from runtime.team import Team
from runtime.timescape import RouteTable, VersionId

__all__ = ["Deployed", "Known", "announce", "control_stream", "read_known"]


_log = logging.getLogger("timescape")


class Startable(Protocol):
    """An app, as far as it is looked at here."""

    @property
    def parts(self) -> Parts:
        """What was registered."""
        ...


class Known(msgspec.Struct, frozen=True):
    """What the control stream says besides the route table."""

    modules: Mapping[str, ModuleRegistered] = {}
    config: str | None = None
    manifests: Manifests = Manifests()
    team: Team = msgspec.field(default_factory=Team)
    """What the processes tell of themselves that serve the app."""


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
    events = list(store.read(stream, 1, last))
    team = Team()
    for event in events:
        team.add(event)
        match event.data:
            case ModuleRegistered() as module:
                modules[event.key or ""] = module
            case ConfigLoaded():
                config = event.key or ""
            case _:
                pass
    return Known(modules, config, fold_manifests(events), team)


def announce(  # noqa: PLR0913 - what an app is made of
    store: Store,
    app: str,
    declared: Sequence[Declared],
    *,
    modules: Mapping[str, ModuleRegistered],
    config: tuple[str, Tree],
    clock: Clock,
    transformers: Sequence[Transformer] = (),
    policy: DeployPolicy | None = None,
    nodes: Nodes | None = None,
) -> Deployed:
    """Append what is new, durably, and return the ids of all declared versions.

    Args:
        store: the log.
        app: its name.
        declared: the versions of the app.
        modules: by name, as they are to be told.
        config: its fingerprint, and the config.
        clock: gives the seconds of new ids.
        transformers: of the app.
        policy: what becomes of deploys that break callers.
        nodes: the processes that serve from the log; None: this one alone.

    Raises:
        BreakingDeployError: the policy refuses a version.
        BackfillError: a version is to count from before now, and nobody back-dated it.
        ScheduleError: callers would have no code until a version is seen.
        TransformerError: a transformer joins no neighbours, or is other code than it was.
        DuplicateModuleError: the log knows a module of that version otherwise.
        EventStoreError: the log cannot be written.
    """
    stream = control_stream(app)
    last: list[Deploying] = []
    changed: dict[str, Differences] = {}
    generations: dict[str, int] = {}

    def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
        known = read_known(store, stream, table.revision)
        deploying = Deploying(
            table, known.manifests, declared, transformers, policy or DeployPolicy(), now_us,
            elsewhere=_code_elsewhere(known.team, nodes),
        )  # fmt: skip
        deploying.decide()
        last[:] = [deploying]
        facts = deploying.facts
        new = new_modules(known.modules, modules)
        changed.clear()
        changed.update(differences(known.modules, new))
        generations.update({n: each.generation for n, each in {**known.modules, **new}.items()})
        facts += new.items()
        if nodes is not None:
            facts.append((nodes.me, NodeAnnounced(tuple(map(str, deploying.ids)))))
        if known.config != config[0]:
            facts.append((config[0], ConfigLoaded(config[1])))
        return facts

    table = change(store, stream, decide, clock=clock).table
    for decision in last[0].decisions:
        _warn(decision)
    for name, found in changed.items():
        _tell(name, found)
    _list_absent(table, last[0].ids)
    return Deployed(tuple(last[0].ids), table, generations)


def backdate(  # noqa: PLR0913 - what an app is made of
    store: Store,
    app: str,
    declared: Sequence[Declared],
    transformers: Sequence[Transformer],
    policy: DeployPolicy,
    *,
    clock: Clock,
    by: str,
    dry_run: bool = False,
) -> Changed:
    """Append the versions that are to count from before now, and nothing else (TS-7).

    Args:
        store: the log.
        app: its name.
        declared: the versions of the app.
        transformers: of the app.
        policy: what becomes of deploys that break callers.
        clock: of the log.
        by: the operator who wants it.
        dry_run: append nothing.

    Raises:
        BackfillError: a version would come between two that a transformer joins.
        BreakingDeployError: the policy refuses a version.
        ScheduleError: callers would have no code.
        EventStoreError: the log cannot be written.
    """
    stream = control_stream(app)

    def decide(table: RouteTable, now_us: int) -> Sequence[tuple[str, Fact]]:
        known = read_known(store, stream, table.revision)
        deploying = Deploying(
            table, known.manifests, declared, transformers, policy, now_us,
            elsewhere=_code_elsewhere(known.team, store.nodes), operator=by,
        )  # fmt: skip
        deploying.backdate()
        return deploying.facts

    return change(store, stream, decide, clock=clock, dry_run=dry_run)


def _code_elsewhere(team: Team, nodes: Nodes | None) -> frozenset[str]:
    """Name the versions that other living processes have the code of."""
    if nodes is None:
        return frozenset()
    # Asked after the stream was read: whoever told something in it is known by then.
    team.forget(nodes.census().living)
    return team.code(but=nodes.me)


def foresee(app: Startable, table: RouteTable, kept: Manifests, now_us: int) -> Sequence[Decision]:
    """Say what a start of *app* would deploy; nothing is refused.

    Args:
        app: need not be started.
        table: its routes, as the log has them.
        kept: manifests that the log keeps, by version id.
        now_us: the time.

    Raises:
        BackfillError: a back-dated version would come between two that a transformer joins.
        ScheduleError: callers would have no code until a version is seen.
        TransformerError: a transformer joins no neighbours, or is other code than it was.
    """
    parts = app.parts
    policy = DeployPolicy("activate" if parts.policy.on_breaking == "activate" else "hold")
    deploying = Deploying(
        table, kept, parts.declared, parts.transformers, policy, now_us, operator="foresee"
    )
    deploying.decide()
    return deploying.decisions


def _list_absent(table: RouteTable, there: Sequence[VersionId]) -> None:
    """Tell who runs the app which versions are in service and cannot be served (PL-1)."""
    code = set(there)
    for routes in table:
        absent = [v for v in routes.line if v.id not in code and routes.is_active(str(v.id))]
        if absent:
            _log.info(
                "versions without code: handler=%s number=%d newest=%s",
                routes.handler, len(absent), absent[-1].id,
            )  # fmt: skip


def _warn(decision: Decision) -> None:
    """Tell who runs the app of a version that breaks callers."""
    if decision.uncovered and decision.activation != "edition":
        rules = ",".join(dict.fromkeys(change.rule for change in decision.uncovered))
        _log.warning(
            "breaking deploy: version=%s after=%s activation=%s rules=%s",
            decision.version,
            decision.below,
            decision.activation,
            rules,
        )


def _tell(module: str, found: Differences) -> None:
    """Tell who runs the app how a module changed, and what it newly asks to be granted."""
    breaking, asked = found.rules("breaking"), [c for c in found.changes if c.rule == "BR-52"]
    wants = ",".join(f"{c.pointer[1:]}:{c.new}" for c in asked if c.new)
    _log.log(
        logging.WARNING if breaking or wants else logging.INFO,
        "module changed: module=%s changes=%s breaking=%s needs=%s",
        module,
        found.summary,
        ",".join(breaking),
        wants,
    )
