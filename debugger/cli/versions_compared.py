"""`timescape versions diff` and `check`: what changed, and what a start would make of it."""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from debugger.cli.command import Stores
from debugger.cli.exits import Exit
from debugger.cli.manifest import load
from debugger.cli.moments import iso
from debugger.cli.output import Column, Output
from debugger.errors import NotFoundError
from debugger.session.routing import app_with, apps
from eventstore import EventStoreError, StreamId
from runtime import App
from runtime.app.deciding import Decision
from runtime.app.startup import foresee
from runtime.control import control_stream, read_manifests, read_table
from runtime.manifests import HandlerManifest
from runtime.manifests.differences import Difference, diff
from runtime.manifests.kept import Manifests
from runtime.timescape import Chain, NoTransformPath, RouteTable, VersionId, chain
from runtime.timescape.finding import version_of

CHANGES = (
    Column("rule"), Column("verdict"), Column("for"), Column("change", cut=True),
)  # fmt: skip
DECISIONS = (
    Column("handler"), Column("edition"), Column("becomes"), Column("changes"),
    Column("why", cut=True),
)  # fmt: skip
Row = tuple[Mapping[str, Any], Mapping[str, Any]]


def diff_versions(
    names: list[str], arguments: argparse.Namespace, output: Output, stores: Stores
) -> Exit:
    """Say what changed from one version to another, by rule."""
    with stores.session(arguments.store) as session:
        app = app_with(apps(session), VersionId.parse(names[0]).handler)
        routes, old = version_of(app.table, names[0])
        _, new = version_of(app.table, names[1])
        kept = read_manifests(session.store, app.stream)
        found = diff(_kept(kept, names[0]), _kept(kept, names[1]))
        way = chain(routes, min(old, new, key=_order), max(old, new, key=_order))
    output.table("change", CHANGES, [_change(each) for each in found.changes])
    output.say(f"{found.summary}. {_way(way)}")
    return Exit.BREAKING if found.breaking else Exit.OK


def _order(version: Any) -> Any:
    return version.order


def _kept(kept: Manifests, name: str) -> HandlerManifest:
    manifest = kept.manifest(VersionId.parse(name).handler, name)
    if manifest is None:
        problem = f"The log does not keep what {name} declares."
        raise NotFoundError(problem, "It was deployed by an earlier Timescape.")
    return manifest


def _way(way: object) -> str:
    match way:
        case Chain() if way.hops:
            return f"Joined by {len(way.hops)} transformers."
        case Chain():
            return "Joined: nothing has to be transformed."
        case NoTransformPath(older, newer, missing):
            return f"Not joined: from {older} to {newer} there is no {' and no '.join(missing)}."
        case _:
            return "Not joined: too many transformers lie between them."


def _change(each: Difference, **more: Any) -> Row:
    fields = {**more, **msgspec.structs.asdict(each)}
    cells = {
        "rule": each.rule,
        "verdict": each.verdict,
        "for": each.direction,
        "change": each.sentence,
    }
    return fields, cells


# --- check ---


def check_app(target: str, arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Say what a start of an app would deploy, and who would move to it."""
    app = load(target, output)
    if app is None:
        return Exit.APP_ERROR
    with _known(app, arguments, output, stores) as (table, kept, now_us):
        decisions = foresee(app, table, kept, now_us)
    if not decisions:
        output.say("Nothing is new: a start would deploy nothing.")
        return Exit.OK
    output.table("decision", DECISIONS, [_decision(each, now_us) for each in decisions])
    uncovered = [each for each in decisions if each.uncovered]
    for decision in uncovered:
        rows = [_change(each, version=decision.version) for each in decision.uncovered]
        output.say(
            f"{decision.handler} {decision.edition or ''}: without a transformer this breaks"
        )
        output.table("change", CHANGES, rows)
    return Exit.BREAKING if uncovered else Exit.OK


@contextmanager
def _known(
    app: App, arguments: argparse.Namespace, output: Output, stores: Stores
) -> Iterator[tuple[RouteTable, Manifests, int]]:
    """Give what the log says of an app; where there is no log, nothing was deployed."""
    try:
        with stores.session(arguments.store) as session:
            stream: StreamId = control_stream(app.name)
            table = read_table(session.store, stream)
            kept = read_manifests(session.store, stream)
            yield table, kept, max(session.sources[0](), table.at_us)
    except EventStoreError as error:
        if error.code != "no-such-store":
            raise
        output.say(f"{error.problem} The app's versions are compared with each other only.")
        yield RouteTable(), Manifests(), 1


def _decision(each: Decision, now_us: int) -> Row:
    # A µs or two later are those that are deployed together.
    ahead = each.effective_us > now_us + 1_000_000
    fields = {
        "handler": each.handler,
        "version": each.version,
        "edition": each.edition,
        "activation": each.activation,
        "effective": iso(each.effective_us),
        "why": each.why,
        "after": each.below,
        "summary": each.differences.summary,
        "rules": list(each.differences.rules("breaking")),
        "uncovered": list(dict.fromkeys(change.rule for change in each.uncovered)),
    }
    cells = {
        "handler": each.handler,
        "edition": each.edition or "",
        "becomes": f"{each.activation}, from {iso(each.effective_us)[:19]}Z"
        if ahead
        else each.activation,
        "changes": each.differences.summary if each.below else "new",
        "why": each.why,
    }
    return fields, cells
