"""`timescape versions`: what versions there are, and taking them out of service."""

import argparse
from typing import Any

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.cli.requests import whole
from debugger.cli.versions_of import (
    COLUMNS,
    add_change_options,
    moment_of,
    tell,
    time_of,
    version_row,
    version_rows,
    who,
)
from debugger.errors import BadInputError
from debugger.session.routing import app_with, apps, changing, undeclared
from runtime.timescape import VersionId
from runtime.timescape.finding import version_of
from runtime.timescape.pins import pins_of
from runtime.timescape.retiring import guards

ACTIONS = (
    "list", "show", "diff", "check", "backfill", "drain", "usage", "callers", "retire", "policy",
    "override", "deactivate", "reactivate", "deprecate",
)  # fmt: skip
_TAKES = {
    "list": "one handler", "usage": "one handler", "drain": "one version id",
    "diff": "two version ids", "check": "an app", "backfill": "an app",
    "retire": "no name", "policy": "no name",
    "override": "a version id and keep, deactivate or none",
}  # fmt: skip
_COUNTS = {"list": (0, 1), "usage": (0, 1), "drain": (0, 1), "diff": (2, 2), "override": (2, 2),
           "retire": (0, 0), "policy": (0, 0)}  # fmt: skip
_DETAILS = (Column("field"), Column("value", cut=True))


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="*", default=[], metavar="[ACTION] NAME", help="see above")
    parser.add_argument("--at", metavar="T|P", help="list, show: as of a time or a position")
    parser.add_argument("--sunset", metavar="T", help="deprecate: refuse it from then on")
    parser.add_argument("--link", metavar="URL", help="deprecate: where that is explained")
    parser.add_argument("--note", default="", metavar="TEXT", help="deactivate: kept in the log")
    parser.add_argument("--security", action="store_true", help="deactivate: whatever holds it")
    parser.add_argument("--promote", metavar="TSV", help="deactivate: this becomes current instead")
    parser.add_argument("--stop", action="store_true", help="with --security: even if current")
    parser.add_argument("--force", action="store_true", help="override the guards that can be")
    parser.add_argument("--admin", metavar="URL", help="drain: ask this admin listener, too")
    parser.add_argument("--hot", type=whole, metavar="N", help="policy: requests in 24 h")
    parser.add_argument("--idle", metavar="SPAN", help="policy: cold after 7d, 36h")
    parser.add_argument("--low", type=whole, metavar="N", help="policy: requests in 7 days")
    parser.add_argument(
        "--exclude", action="append", metavar="HANDLER", help="policy: let be; repeatable"
    )
    add_change_options(parser)


def versions(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """List versions, show one, or change what becomes of it."""
    action, *names = arguments.words or ["list"]
    if action not in ACTIONS:
        action, names = "list", arguments.words
    least, most = _COUNTS.get(action, (1, 1))
    if not least <= len(names) <= most:
        problem = f"{action} takes {_TAKES.get(action, 'a version id')}."
        raise BadInputError(problem, "`timescape versions --help` shows examples.")
    match action:
        case "list":
            return _list(names, arguments, output, stores)
        case "show":
            return _show(names[0], arguments, output, stores)
        case "diff" | "check" | "backfill":
            return _declared(action, names, arguments, output, stores)
        case "drain" | "usage" | "callers" | "retire" | "policy" | "override":
            return _used(action, names, arguments, output, stores)
        case _:
            return _change(action, names[0], arguments, output, stores)


def _declared(
    action: str, names: list[str], arguments: argparse.Namespace, output: Output, stores: Stores
) -> Exit:
    # They look into apps and manifests, which the others do not need.
    if action == "backfill":
        from debugger.cli.versions_backfill import backfill  # noqa: PLC0415 - see above

        return backfill(names[0], arguments, output, stores)
    from debugger.cli import versions_compared as compared  # noqa: PLC0415 - see above

    if action == "check":
        return compared.check_app(names[0], arguments, output, stores)
    return compared.diff_versions(names, arguments, output, stores)


def _used(
    action: str, names: list[str], arguments: argparse.Namespace, output: Output, stores: Stores
) -> Exit:
    # They read requests, which the others do not.
    from debugger.cli import versions_used as used  # noqa: PLC0415

    match action:
        case "drain":
            from debugger.cli.versions_drain import drain  # noqa: PLC0415 - see above

            return drain(names, arguments, output, stores)
        case "usage":
            return used.usage(names, output, stores, arguments.store)
        case "callers":
            return used.callers(names[0], output, stores, arguments.store)
        case "retire":
            return used.retire(arguments, output, stores)
        case "policy":
            return used.policy(arguments, output, stores)
        case _:
            return used.override(names, arguments, output, stores)


def _list(names: list[str], arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:

    then = moment_of(arguments.at)
    with stores.session(arguments.store) as session:
        known = apps(session, **then)
        now_us = then.get("at_us", session.sources[0]())
        handlers = [each for app in known for each in app.table]
        if names:
            handlers = [app_with(known, names[0]).table.handlers[names[0]]]
        rows = [row for each in handlers for row in version_rows(each, now_us)]
        if not rows:
            output.say("No version is deployed.")
        if rows or output.as_json:
            output.table("version", COLUMNS, rows)
    return Exit.OK


def _show(name: str, arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:

    then = moment_of(arguments.at)
    with stores.session(arguments.store) as session:
        app = app_with(apps(session, **then), VersionId.parse(name).handler)
        now_us = then.get("at_us", session.sources[0]())
        routes, version = version_of(app.table, name)
        fields = {**version_row(routes, version, now_us)[0]}
        fields["undeclared"] = undeclared(session.store, app.stream, name)
        fields["held"] = guards(routes, version, now_us, pins_of(app.table, routes.handler))
    if output.as_json:
        output.record("version", fields)
        return Exit.OK
    rows: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {"field": key, "value": ", ".join(value) if isinstance(value, list) else value})
        for key, value in fields.items()
        if value not in (None, [])
    ]
    output.table("version", _DETAILS, rows)
    return Exit.OK


def _change(
    action: str, name: str, arguments: argparse.Namespace, output: Output, stores: Stores
) -> Exit:

    handler, dry = VersionId.parse(name).handler, arguments.dry_run
    with (
        stores.session(arguments.store, writable=True) as session,
        changing(session, handler, by=who(arguments), dry_run=dry) as control,
    ):
        match action:
            case "deactivate":
                if not arguments.force and not arguments.security:
                    from debugger.cli.versions_drain import refuse_busy  # noqa: PLC0415

                    refuse_busy(session, name)
                changed = control.deactivate(
                    name,
                    reason="security" if arguments.security else "manual",
                    note=arguments.note,
                    force=arguments.force,
                    stop=arguments.stop,
                    promote=arguments.promote,
                )
                nothing = f"{name} is deactivated already."
            case "reactivate":
                changed = control.reactivate(name)
                nothing = f"{name} is in service."
            case _:
                changed = control.deprecate(
                    name,
                    sunset_us=None if arguments.sunset is None else time_of(arguments.sunset),
                    link=arguments.link,
                    force=arguments.force,
                )
                nothing = ""
        tell(changed, output, dry_run=dry, nothing=nothing)
    return Exit.OK


COMMAND = Command(
    "versions",
    "list versions of handlers, retire them, bring them back",
    """List versions, oldest edition first: of all handlers, or of one.

  [HANDLER]        since when each is seen, whether it is current, its tags, its part of the traffic
  show TSV         all that is known of a version, and what holds it in service
  diff TSV TSV     what changed from the first to the second, by rule: what breaks callers of the
                   first, what may, what does not; and whether transformers join the two
  check APP        what a start of APP (module:app) would deploy, and who would move to it; nothing
                   is appended. `breaking` (10) if callers lose something and no transformer helps
  backfill APP     deploy the versions of APP with backfill=True, as of their effective_at: who asks
                   for such an instant gets them from now on. `serve` refuses them until then
  deprecate TSV    announce that it ends: answers of it carry Deprecation, and with --sunset T
                   Sunset; from then on it is refused with 410. T is 30 days ahead or more
  deactivate TSV   refuse it with 410 from now on; its requests stay replayable. What is current,
                   or the only one, stays; the newest, the last of an edition, one of the last 24
                   hours, one whose requests run, and one that `stable`, `production`, `default` or
                   a split points to want --force. --security overrides that; a current version then
                   wants --promote TSV or --stop
  reactivate TSV   serve it again
  drain [TSV]      what still holds a version: requests and messages that run, gates that stop them,
                   messages that wait for it, and what keeps it in service. When nothing is left,
                   its code can go. A request that has written nothing yet is known to its
                   process alone: --admin URL asks that
  usage [HANDLER]  how versions were used: requests of the last 24 hours and 7 days, errors, mean
                   time, the last; whether each is hot, warm or cold, and what becomes of it
  callers TSV      who called a version in the last 7 days, for whom its end is news
  retire           take out of service what is cold or little used, as `serve` does each hour;
                   what holds a version is said by `usage`
  policy           show when versions count as used; change it with --hot, --low, --idle, --exclude
  override TSV W   let retiring keep it whatever comes (keep), let it go (deactivate), or neither
                   (none)

A server that runs on the store follows within a second.

examples:
  timescape versions post-orders
  timescape versions check shop:app
  timescape versions drain tsv:1790000000-post-orders-001
  timescape versions --at 2026-10-01 --json
  timescape versions deprecate tsv:1790000000-post-orders-001 --sunset 2027-03-01
  timescape versions deactivate tsv:1790000000-post-orders-001 --dry-run
""",
    _declare,
    versions,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED, Exit.BREAKING, Exit.APP_ERROR),
)
