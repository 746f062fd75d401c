"""`timescape versions usage`, `retire`, `callers`, `policy`, `override`: how versions are used.

How they were used is read from the log, a week of it or as long as the policy looks back.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from debugger.cli.command import Stores
from debugger.cli.exits import Exit
from debugger.cli.moments import iso
from debugger.cli.output import Column, Output
from debugger.cli.versions_of import tell, who
from debugger.errors import BadInputError
from debugger.session.routing import App, app_with, apps, changing
from debugger.timeline.quantities import span_us
from eventstore import Store
from runtime.control import Versions
from runtime.control.usage import BY, Usage, callers_of, subscribers
from runtime.timescape import RouteTable, VersionId
from runtime.timescape.aging import Judged, judge
from runtime.timescape.finding import version_of
from runtime.timescape.pins import EVERYWHERE
from runtime.timescape.usage import WEEK_US, Use

USAGE = (
    Column("version"), Column("status"), Column("24 h", right=True), Column("7 d", right=True),
    Column("errors", right=True), Column("mean", right=True), Column("last"),
    Column("becomes", cut=True),
)  # fmt: skip
CALLERS = (Column("caller", cut=True), Column("requests", right=True), Column("last"))
POLICY = (Column("rule"), Column("value", cut=True))
_NONE = "none"


def usage(names: list[str], output: Output, stores: Stores, store_url: str) -> Exit:
    """Say how versions were used, and what would become of them now."""
    with stores.session(store_url) as session:
        known = apps(session)
        if names:
            known = [app_with(known, names[0])]
        now_us = session.sources[0]()
        rows = [
            _row(each)
            for app in known
            for each in _judged(session.store, app, now_us)
            if not names or each.handler == names[0]
        ]
    if not rows:
        output.say("No version is deployed.")
    if rows or output.as_json:
        output.table("usage", USAGE, rows)
    return Exit.OK


def retire(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Take out of service what is not used."""
    dry = arguments.dry_run
    with stores.session(arguments.store, writable=True) as session:
        for app in apps(session):
            if not app.table.handlers:
                continue
            read, use_of = _read(session.store, app.table, session.sources[0]())
            spared = subscribers(app.table)
            first = next(iter(app.table.handlers))
            with changing(session, first, by=arguments.by or BY, dry_run=dry) as control:
                _, changed = control.retire(use_of, in_flight=read.in_flight, spared=spared)
            tell(changed, output, dry_run=dry, nothing="Every version is used, or held.")
    return Exit.OK


def callers(name: str, output: Output, stores: Stores, store_url: str) -> Exit:
    """List who called a version in the last week."""
    with stores.session(store_url) as session:
        app = app_with(apps(session), VersionId.parse(name).handler)
        version_of(app.table, name)
        found = callers_of(session.store, name, session.sources[0]() - WEEK_US)
    if not found:
        output.say(f"Nobody has called {name} in the last 7 days.")
    rows = []
    for caller, (requests, last_us) in sorted(found.items(), key=lambda each: -each[1][0]):
        fields = {"caller": caller, "requests": requests, "last": iso(last_us)}
        rows.append((fields, {**fields, "requests": str(requests)}))
    if rows or output.as_json:
        output.table("caller", CALLERS, rows)
    return Exit.OK


def policy(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Show the policy, or change it."""
    wanted: dict[str, Any] = {"hot": arguments.hot, "low": arguments.low}
    wanted["idle_s"] = None if arguments.idle is None else _seconds(arguments.idle)
    wanted["excluded"] = arguments.exclude
    if all(value is None for value in wanted.values()):
        return _show_policy(output, stores, arguments.store)
    return _changed(
        EVERYWHERE, arguments, output, stores, lambda control: control.set_policy(**wanted)
    )


def override(
    names: Sequence[str], arguments: argparse.Namespace, output: Output, stores: Stores
) -> Exit:
    """Keep a version whatever comes, or let it go as soon as it may."""
    version, what = names
    handler = VersionId.parse(version).handler
    overrides = {version: None if what == _NONE else what}
    return _changed(
        handler, arguments, output, stores, lambda control: control.set_policy(overrides=overrides)
    )


def _changed(
    handler: str,
    arguments: argparse.Namespace,
    output: Output,
    stores: Stores,
    change: Callable[[Versions], Any],
) -> Exit:
    dry = arguments.dry_run
    with (
        stores.session(arguments.store, writable=True) as session,
        changing(session, handler, by=who(arguments), dry_run=dry) as control,
    ):
        tell(change(control), output, dry_run=dry, nothing="It is so already.")
    return Exit.OK


def _show_policy(output: Output, stores: Stores, store_url: str) -> Exit:
    with stores.session(store_url) as session:
        for app in apps(session):
            policy = app.table.policy
            shown = {
                "hot": f"{policy.hot} requests in 24 h",
                "idle": f"cold after {policy.idle_s / 86_400:g} days without a request",
                "low": f"little used below {policy.low} requests in 7 days",
                "excluded": ", ".join(policy.excluded) or _NONE,
            }
            shown |= dict(policy.overrides)
            rows = [{"rule": rule, "value": value} for rule, value in shown.items()]
            output.table("policy", POLICY, [(row, row) for row in rows])
    return Exit.OK


def _seconds(text: str) -> int:
    us = span_us(text)
    if us is None:
        raise BadInputError(problem=f"{text[:80]!r} is no time span.", remedy="Write 7d or 36h.")
    return us // 1_000_000


def _read(store: Store, table: RouteTable, now_us: int) -> tuple[Usage, Callable[[str], Use]]:
    """Read how versions were used; give what was read, and what says it of each."""
    read = Usage(store, now_us - max(WEEK_US, table.policy.idle_s * 1_000_000))
    read.read_on(now_us)
    return read, lambda version: read.use(version, now_us)


def _judged(store: Store, app: App, now_us: int) -> Sequence[Judged]:
    read, use_of = _read(store, app.table, now_us)
    spared = subscribers(app.table)
    return judge(app.table, use_of, now_us, in_flight=read.in_flight, spared=spared)


def _row(judged: Judged) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    use = judged.use
    last = None if use.last_us is None else iso(use.last_us)
    fields = {
        "handler": judged.handler,
        "version": judged.version,
        "status": judged.status,
        "day": use.day,
        "week": use.week,
        "errors": use.errors,
        "mean_us": use.mean_us,
        "last": last,
        "retires": judged.retires,
        "held": judged.held or None,
    }
    cells = {
        "version": judged.version,
        "status": judged.status,
        "24 h": str(use.day),
        "7 d": str(use.week),
        "errors": str(use.errors),
        "mean": "" if use.mean_us is None else f"{use.mean_us / 1000:.1f} ms",
        "last": "" if last is None else last[:19] + "Z",
        "becomes": f"retired: {judged.retires}" if judged.retires else f"stays: {judged.held}",
    }
    return fields, cells
