"""`timescape traffic`: who gets which version without naming one (DP-5)."""

import argparse

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Output
from debugger.cli.versions_of import add_change_options, tell, who
from debugger.errors import BadInputError
from debugger.session.routing import changing
from runtime.timescape.finding import id_named

_EXAMPLE = "Write VERSION=PARTS for each, such as 2026-03-01=9500 2026-10-01=500."


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("handler", metavar="HANDLER", help="whose callers")
    parser.add_argument(
        "parts", nargs="*", default=[], metavar="VERSION=PARTS", help="in all 10000"
    )
    parser.add_argument(
        "--promote", metavar="VERSION", help="all of it to this one, which ends a split"
    )
    add_change_options(parser)


def traffic(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Split traffic, or promote a version."""
    handler, parts = arguments.handler, _read(arguments)
    dry = arguments.dry_run
    with (
        stores.session(arguments.store, writable=True) as session,
        changing(session, handler, by=who(arguments), dry_run=dry) as control,
    ):
        routes, now_us = control.table.handlers[handler], session.sources[0]()
        if arguments.promote:
            changed = control.promote(id_named(routes, arguments.promote, now_us))
        else:
            named = {id_named(routes, text, now_us): part for text, part in parts.items()}
            changed = control.split(handler, named)
        tell(changed, output, dry_run=dry, nothing="It is shared out like this already.")
    return Exit.OK


def _read(arguments: argparse.Namespace) -> dict[str, int]:
    if bool(arguments.promote) == bool(arguments.parts):
        raise BadInputError(problem="Give parts, or --promote with a version.", remedy=_EXAMPLE)
    parts: dict[str, int] = {}
    for text in arguments.parts:
        version, _, part = text.rpartition("=")
        if not part.isascii() or not part.isdecimal() or version in parts:
            raise BadInputError(problem=f"{text[:80]!r} is no part.", remedy=_EXAMPLE)
        parts[version] = int(part)
    return parts


COMMAND = Command(
    "traffic",
    "share callers who name no version among versions",
    """Share out the callers who name no version. A VERSION is an id, an edition or a tag. A split
is by parts of 10000, and sticky: the same caller gets the same version, and raising the part of the
newest moves callers only to it. All of it to one promotes that version, and is the way back, too.
A server that runs on the store follows within a second.

examples:
  timescape traffic post-orders 2026-03-01=9500 2026-10-01=500     5 % try the new one
  timescape traffic post-orders --promote 2026-10-01
  timescape traffic post-orders --promote 2026-03-01 --dry-run     the way back
""",
    _declare,
    traffic,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED),
)
