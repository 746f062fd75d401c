"""`timescape tag` and `timescape untag`: names that point to versions."""

import argparse

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Output
from debugger.cli.versions_of import add_change_options, tell, who
from debugger.session.routing import changing
from runtime.control.versions import ANYWHERE
from runtime.timescape.finding import id_named


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("handler", metavar="HANDLER", help="such as post-orders")
    parser.add_argument("tag", metavar="TAG", help="a letter, then letters, digits, . - and _")
    parser.add_argument("version", metavar="VERSION", help="its id, edition or another tag")
    parser.add_argument("--move", action="store_true", help="also from another version")
    parser.add_argument("--expected", metavar="TSV", help="only if it points there now")
    add_change_options(parser)


def tag(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Let a tag point to a version."""
    expected = arguments.expected or (ANYWHERE if arguments.move else None)
    dry = arguments.dry_run
    with (
        stores.session(arguments.store, writable=True) as session,
        changing(session, arguments.handler, by=who(arguments), dry_run=dry) as control,
    ):
        routes = control.table.handlers[arguments.handler]
        version = id_named(routes, arguments.version, session.sources[0]())
        if routes.tagged(arguments.tag) == version:
            expected = ANYWHERE
        changed = control.tag(arguments.tag, version, expected=expected)
        tell(changed, output, dry_run=dry, nothing=f"{arguments.tag} points there already.")
    return Exit.OK


def _declare_untag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("handler", metavar="HANDLER", help="such as post-orders")
    parser.add_argument("tag", metavar="TAG", help="of that handler")
    add_change_options(parser)


def untag(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Take a tag away."""
    dry = arguments.dry_run
    with (
        stores.session(arguments.store, writable=True) as session,
        changing(session, arguments.handler, by=who(arguments), dry_run=dry) as control,
    ):
        changed = control.untag(arguments.handler, arguments.tag)
        nothing = f"{arguments.handler} has no tag {arguments.tag}."
        tell(changed, output, dry_run=dry, nothing=nothing)
    return Exit.OK


COMMAND = Command(
    "tag",
    "let a name point to a version",
    """Let a tag point to a version. Callers name it as they name a version: `?version=stable`. A
tag that points elsewhere is moved with --move, in one step: no request sees it nowhere or twice.
The tag `default` decides what callers get who name nothing. A server that runs on the store
follows within a second.

examples:
  timescape tag post-orders stable 2026-03-01
  timescape tag post-orders stable tsv:1790086400-post-orders-002 --move --dry-run
  timescape tag post-orders stable TSV --expected OLD_TSV     only if nobody moved it meanwhile
""",
    _declare,
    tag,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED),
)
UNTAG = Command(
    "untag",
    "take a tag away",
    """Take a tag away; where it pointed stays readable (`?version=stable;at=…`). One that is not
there changes nothing.

example:
  timescape untag post-orders beta
""",
    _declare_untag,
    untag,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED),
)
