"""`timescape traffic`: who gets which version without naming one (DP-5)."""

import argparse

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Output
from debugger.cli.versions_of import add_change_options, tell, who
from debugger.errors import BadInputError
from debugger.session.routing import changing
from runtime.timescape import VersionId

_EXAMPLE = "Write TSV=PARTS for each version, such as tsv:1790000000-post-orders-002=500."


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("handler", nargs="?", metavar="HANDLER", help="whose callers")
    parser.add_argument("parts", nargs="*", metavar="TSV=PARTS", help="of 10000; in all 10000")
    parser.add_argument(
        "--promote", metavar="TSV", help="all of it to this one, which ends a split"
    )
    add_change_options(parser)


def traffic(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Split traffic, or promote a version."""
    handler, parts = _read(arguments)
    dry = arguments.dry_run
    with (
        stores.session(arguments.store, writable=True) as session,
        changing(session, handler, by=who(arguments), dry_run=dry) as control,
    ):
        if arguments.promote:
            changed = control.promote(arguments.promote)
        else:
            changed = control.split(handler, parts)
        tell(changed, output, dry_run=dry, nothing="It is shared out like this already.")
    return Exit.OK


def _read(arguments: argparse.Namespace) -> tuple[str, dict[str, int]]:
    if arguments.promote:
        theirs = VersionId.parse(arguments.promote).handler
        if arguments.parts or arguments.handler not in (None, theirs):
            problem = "--promote gives everything to one version; no parts go with it."
            raise BadInputError(problem, "Give either.")
        return theirs, {}
    if arguments.handler is None or not arguments.parts:
        raise BadInputError(problem="A handler and parts are missing.", remedy=_EXAMPLE)
    parts: dict[str, int] = {}
    for text in arguments.parts:
        version, _, part = text.rpartition("=")
        if not part.isascii() or not part.isdecimal() or version in parts:
            raise BadInputError(problem=f"{text[:80]!r} is no part.", remedy=_EXAMPLE)
        parts[version] = int(part)
    return arguments.handler, parts


COMMAND = Command(
    "traffic",
    "share callers who name no version among versions",
    """Share out the callers who name no version. A split is by parts of 10000, and sticky: the same
caller gets the same version, and raising the part of the newest moves callers only to it. All of it
to one promotes that version, and is the way back, too. A server that runs on the store follows
within a second.

examples:
  timescape traffic post-orders OLD_TSV=9500 NEW_TSV=500     5 % try the new one
  timescape traffic --promote NEW_TSV
  timescape traffic --promote OLD_TSV --dry-run              the way back
""",
    _declare,
    traffic,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED),
)
