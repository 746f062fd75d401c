"""`timescape diff`: what changed between two moments of a request (CL-6)."""

import argparse
from collections.abc import Mapping
from typing import Any

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.moments import moment
from debugger.cli.output import Column, Output, counted
from debugger.timeline import ABSENT, Change, shown

COLUMNS = (
    Column(""),
    Column("path", cut=True),
    Column("before", cut=True),
    Column("after", cut=True),
)


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request", metavar="REQUEST", help="id, or its last 4 digits or more")
    parser.add_argument("a", metavar="M", help="the first moment")
    parser.add_argument("b", metavar="M", help="the second moment; +1 counts from the first")


def diff(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Print what changed in user state from one moment to another."""
    with stores.session(arguments.store) as session:
        timeline = session.timeline(session.find(arguments.request))
        a = moment(timeline, arguments.a, timeline.last, output)
        b = moment(timeline, arguments.b, a, output)
        changes = timeline.diff(a, b)
        if not changes:
            output.say(f"#{a} and #{b} hold the same.")
            return Exit.OK
        output.say(f"{counted(len(changes), 'difference')} from #{a} to #{b}.")
        output.table("change", COLUMNS, map(row_of, changes))
    return Exit.DIFFERENT


def row_of(change: Change) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return a difference as JSON fields and as cells."""
    before = ABSENT if change.sign == "+" else change.before
    after = ABSENT if change.sign == "-" else change.after
    fields = {"sign": change.sign, "path": change.path, "before": before, "after": after}
    cells = {
        "": change.sign,
        "path": change.path,
        "before": "" if before is ABSENT else shown(before),
        "after": "" if after is ABSENT else shown(after),
    }
    return fields, cells


COMMAND = Command(
    "diff",
    "print what changed between two moments",
    """Print what changed in a request's state between two moments: `+` added, `-` removed,
`~` changed. It ends with 1 (different) if anything did.

examples:
  timescape diff 9f31c2 start end       all that the request did to its state
  timescape diff 9f31c2 1728 +1         what fact 1729 did
  timescape diff 9f31c2 priced failure  from a snapshot to the failure
""",
    _declare,
    diff,
    (Exit.DIFFERENT, Exit.NOT_FOUND),
)
