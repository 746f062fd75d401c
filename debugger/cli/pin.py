"""`timescape pin` and `timescape unpin`: what callers get who name no version (TG-4)."""

import argparse

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.cli.versions_of import add_change_options, tell, who
from debugger.errors import BadInputError
from debugger.session.routing import apps, changing
from runtime.timescape.table import Pin

COLUMNS = (Column("handler"), Column("caller", cut=True), Column("gets", cut=True))
_CALLER = "principal:ann, tenant:acme or credential:ID"


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "handler", metavar="HANDLER", nargs="?", help="such as post-orders; * is all"
    )
    parser.add_argument("caller", metavar="CALLER", nargs="?", help=_CALLER)
    parser.add_argument("selector", metavar="SELECTOR", nargs="?", help="as in ?version=SELECTOR")
    add_change_options(parser)


def pin(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Pin a caller, or list who is pinned."""
    handler, dry = arguments.handler, arguments.dry_run
    if handler is None:
        return _list(arguments, output, stores)
    if arguments.selector is None:
        raise BadInputError(
            problem="A pin needs a handler, a caller and a selector.",
            remedy="Write `timescape pin post-orders principal:ann 2026-03-01`.",
        )
    kind, subject = _caller(arguments.caller)
    with (
        stores.session(arguments.store, writable=True) as session,
        changing(session, handler, by=who(arguments), dry_run=dry) as control,
    ):
        changed = control.pin(handler, kind, subject, arguments.selector)
        tell(changed, output, dry_run=dry, nothing=f"{arguments.caller} is pinned to it already.")
    return Exit.OK


def _list(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    with stores.session(arguments.store) as session:
        pins = [each for app in apps(session) for each in app.table.pins.values()]
    if not pins:
        output.say("Nobody is pinned.")
    if pins or output.as_json:
        output.table(
            "pin", COLUMNS, [(_fields(each), _cells(each)) for each in sorted(pins, key=_place)]
        )
    return Exit.OK


def _place(pin: Pin) -> tuple[str, str, str]:
    return pin.place


def _fields(pin: Pin) -> dict[str, str]:
    return {
        "handler": pin.handler, "kind": pin.kind, "subject": pin.subject, "selector": pin.selector,
    }  # fmt: skip


def _cells(pin: Pin) -> dict[str, str]:
    return {"handler": pin.handler, "caller": f"{pin.kind}:{pin.subject}", "gets": pin.selector}


def _caller(text: str) -> tuple[str, str]:
    kind, colon, subject = text.partition(":")
    if not colon:
        raise BadInputError(problem=f"{text[:80]!r} names no caller.", remedy=f"Write {_CALLER}.")
    return kind, subject


def _declare_unpin(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("handler", metavar="HANDLER", help="as it was pinned; * is all")
    parser.add_argument("caller", metavar="CALLER", help=_CALLER)
    add_change_options(parser)


def unpin(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Take a pin away."""
    dry = arguments.dry_run
    kind, subject = _caller(arguments.caller)
    with (
        stores.session(arguments.store, writable=True) as session,
        changing(session, arguments.handler, by=who(arguments), dry_run=dry) as control,
    ):
        changed = control.unpin(arguments.handler, kind, subject)
        tell(changed, output, dry_run=dry, nothing=f"{arguments.caller} is not pinned there.")
    return Exit.OK


COMMAND = Command(
    "pin",
    "choose a version for a caller who names none",
    """Pin a caller to a version: what a selector means, looked up anew for each request, is what
the caller gets who names no version. A CALLER is a credential (the jti of a token, the id of an API
key), a principal or a tenant; of several that are pinned the first in this order decides, and of
its pins the one of the handler before the one of `*`. Without words: list who is pinned. A server
that runs on the store follows within a second.

examples:
  timescape pin post-orders principal:ann 2026-03-01
  timescape pin '*' tenant:acme stable
  timescape pin --json
""",
    _declare,
    pin,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED),
)
UNPIN = Command(
    "unpin",
    "let a caller have what all have again",
    """Take a pin away. One that is not there changes nothing.

example:
  timescape unpin post-orders principal:ann
""",
    _declare_unpin,
    unpin,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED),
)
