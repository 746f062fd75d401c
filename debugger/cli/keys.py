"""`timescape keys`: idempotency keys whose outcome nobody knows (IK-4)."""

import argparse

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.moments import iso
from debugger.cli.output import Column, Output
from debugger.cli.restore import user
from debugger.errors import BadInputError
from debugger.session import Session, keys

COLUMNS = (
    Column("request"),
    Column("handler", cut=True),
    Column("since"),
    Column("why"),
)
_ACTIONS = ("list", "release")


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", metavar="ACTION", nargs="?", choices=_ACTIONS, default="list",
        help="list (default), or release",
    )  # fmt: skip
    parser.add_argument("request", metavar="REQUEST", nargs="?", help="id of who holds the key")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why; it is recorded")
    parser.add_argument("--by", default="", metavar="NAME", help="who asks (default: your login)")
    parser.add_argument("--gone", action="store_true", help="its process has gone for good")


def keys_(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """List the keys that wait for an operator, or give one free."""
    releases = arguments.what == "release"
    if releases != (arguments.request is not None):
        msg = "`keys release` needs the id of a request; `keys list` takes none."
        raise BadInputError(msg, "`timescape keys` lists them.")
    with stores.session(arguments.store, writable=releases) as session:
        if releases:
            _release(session, arguments, output)
        else:
            _show(session, output)
    return Exit.OK


def _show(session: Session, output: Output) -> None:
    rows = []
    for each in keys.waiting(session):
        cells = {
            "request": each.claim.request,
            "handler": each.handler or None,
            "since": iso(each.claim.at_us),
            "why": each.why,
        }
        rows.append(({**cells, "key": each.stream.hex}, cells))
    if not rows:
        output.say("No idempotency key waits for an operator.")
        return
    output.table("idempotency-key", COLUMNS, rows)


def _release(session: Session, arguments: argparse.Namespace, output: Output) -> None:
    by, request = arguments.by or user(), arguments.request
    keys.give_free(session, request, by=by, reason=arguments.reason, gone=arguments.gone)
    output.say(f"The key of {request} is free: its next request runs.")


COMMAND = Command(
    "keys",
    "idempotency keys whose outcome nobody knows",
    """List the idempotency keys that wait for an operator, or give one free. A request that
crashed, or that failed and could not be undone, keeps its key: to run it again might do twice
what was done once. Callers get 409 idempotency-outcome-unknown until somebody finds out what was
done and gives the key free, or a day has passed. The request's id is in Original-Request-Id of
that answer. Why a key is held:
  crashed     its process went while it ran
  not-undone  it failed, and what was to undo it failed, too, or did not run as it answered 5xx
  unfinished  nothing says how it ended: it may still run, or its process went

Giving free is a fact in the log, with who and why; a server that runs on the store follows at once.

examples:
  timescape keys                        what waits
  timescape keys list --json
  timescape keys release REQUEST --reason "was not charged"
  timescape keys release REQUEST --gone    the log cannot tell that its process went
""",
    _declare,
    keys_,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED),
)
