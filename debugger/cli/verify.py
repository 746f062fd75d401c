"""`timescape verify`: is the log as it was written? (CL-14)."""

import argparse

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.cli.requests import positive
from debugger.errors import NotFoundError
from debugger.session import request_id
from eventstore import Verdict

COLUMNS = (Column("checked", right=True), Column("verified to", right=True), Column("fault"))


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="first", type=positive, default=1, metavar="P")
    parser.add_argument("--to", dest="last", type=positive, metavar="P", help="last position")


def verify(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Check hashes, order and names, and name the first row at fault."""
    with stores.session(arguments.store) as session:
        end = session.end()
        if arguments.first > max(end, 1):
            problem = f"There is no position {arguments.first}: the log ends at {end}."
            raise NotFoundError(problem, f"Give one from 1 to {end}.")

        def progress(done: int, total: int) -> None:
            output.progress("verify", done, total)

        verdict = session.verify(progress, first=arguments.first, last=arguments.last)
    output.table("verdict", COLUMNS, [_row(verdict)])
    if verdict.fault is None:
        whole = arguments.first == 1 and arguments.last is None
        output.say("The whole log is as it was written." if whole else "That part is in order.")
        return Exit.OK
    where = f"The row at position {verdict.position} is at fault ({verdict.fault})"
    what = f", of {request_id(verdict.stream)}" if verdict.stream else ""
    detail = f": {verdict.detail}" if verdict.detail else ""
    output.say(f"{where}{what}{detail.rstrip('.')}.")
    output.say("Keep the file and compare it with a backup: what stands before is as written.")
    return Exit.CORRUPT


def _row(verdict: Verdict) -> tuple[dict[str, object], dict[str, object]]:
    stream = request_id(verdict.stream) if verdict.stream else None
    fields: dict[str, object] = {
        "checked": verdict.checked,
        "verified_to": verdict.verified_to,
        "fault": verdict.fault,
        "position": verdict.position,
        "request": stream,
        "detail": verdict.detail,
    }
    cells: dict[str, object] = {
        "checked": str(verdict.checked),
        "verified to": str(verdict.verified_to),
        "fault": verdict.fault or "none",
    }
    return fields, cells


COMMAND = Command(
    "verify",
    "check that nothing recorded was altered",
    """Check the log from end to end: every row carries a hash over the row before it and its own
content. Prints how many rows were checked and up to which position all is well; ends with 5
(corrupt) and the first row at fault otherwise.

examples:
  timescape verify
  timescape verify --from 100000 --to 200000
""",
    _declare,
    verify,
    (Exit.NOT_FOUND, Exit.CORRUPT, Exit.INTERRUPTED),
)
