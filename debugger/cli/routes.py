"""`timescape routes`: what is served, now or then."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.cli.versions_of import moment_of
from debugger.session.routing import apps
from runtime.timescape import HandlerRoutes

COLUMNS = (
    Column("route"),
    Column("handler", cut=True),
    Column("versions", right=True),
    Column("current"),
    Column("edition"),
    Column("tags", cut=True),
)


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--at", metavar="T|P", help="as of a time, or a position of the log")


def routes(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """List the routes of all apps."""
    then = moment_of(arguments.at)
    with stores.session(arguments.store) as session:
        known = apps(session, **then)
        now_us = then.get("at_us", session.sources[0]())
        handlers = [each for app in known for each in app.table]
        if not handlers:
            output.say("No handler was deployed then." if then else "No handler is deployed yet.")
        if handlers or output.as_json:
            output.table("route", COLUMNS, _rows(handlers, now_us))
    return Exit.OK


def _rows(
    handlers: list[HandlerRoutes], now_us: int
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for each in sorted(handlers, key=lambda routes: routes.route.split(" ")[::-1]):
        current = each.current(now_us)
        fields = {
            "route": each.route,
            "handler": each.handler,
            "versions": len(each.line),
            "current": None if current is None else str(current.id),
            "edition": None if current is None else current.edition,
            "tags": each.tags_now,
            "split": dict(each.split.parts) if each.split else None,
        }
        cells = {
            "route": each.route,
            "handler": each.handler,
            "versions": str(len(each.line)),
            "current": fields["current"],
            "edition": fields["edition"],
            "tags": " ".join(sorted(each.tags_now)),
        }
        yield fields, cells


COMMAND = Command(
    "routes",
    "list the routes, now or at an earlier time",
    """List the routes that were deployed, each with its number of versions and the one that callers
get who name none. With --at as it was: at a time, or when the log had come to a position.

examples:
  timescape routes
  timescape routes --at 2026-10-01T12:00:00Z
  timescape routes --at 31337 --json | jq .tags
""",
    _declare,
    routes,
    (Exit.NOT_FOUND,),
)
