"""`timescape restore`: go on from an earlier moment, in a fork (CL-12, RS-11)."""

import argparse
import getpass

from debugger.cli.command import Command, Stores
from debugger.cli.diff import COLUMNS as CHANGE_COLUMNS
from debugger.cli.diff import row_of
from debugger.cli.exits import Exit
from debugger.cli.moments import moment
from debugger.cli.output import Column, Output, counted, layout
from debugger.errors import NoSuchMomentError
from debugger.session import request_id
from debugger.timeline import Timeline

COLUMNS = (Column("fork"), Column("at", right=True))


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request", metavar="REQUEST", help="id, or its last 4 digits or more")
    parser.add_argument("--at", required=True, metavar="M", help="the moment to restore")
    parser.add_argument("--reason", default="", metavar="TEXT", help="kept in the log")
    parser.add_argument("--by", default="", metavar="NAME", help="who asks (default: your login)")


def restore(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Make a fork of a request at a moment and say its id."""
    with stores.session(arguments.store, writable=True) as session:
        stream = session.find(arguments.request)
        timeline = session.timeline(stream)
        at = moment(timeline, arguments.at, timeline.last, output)
        if at == 0:
            problem = "Before the first fact there is nothing to restore."
            raise NoSuchMomentError(problem, f"Give a moment from 1 to {timeline.last}.")
        _tell(timeline, at, output)
        fork = session.restore(stream, at, by=arguments.by or user(), reason=arguments.reason)
    fields = {"fork": request_id(fork), "at": at, "request": request_id(stream)}
    cells = {"fork": request_id(fork), "at": f"#{at}"}
    output.table("fork", COLUMNS, [(fields, cells)])
    output.say("The request itself is as it was.")
    return Exit.OK


def _tell(timeline: Timeline, at: int, output: Output) -> None:
    """Show what becomes different, and what a restore cannot take back (RS-11)."""
    changes = timeline.diff(timeline.last, at)
    output.say(f"From the end to #{at}: {counted(len(changes), 'difference')}.")
    cells = [[row_of(change)[1][column.name] for column in CHANGE_COLUMNS] for change in changes]
    for text in layout(CHANGE_COLUMNS, cells, output.cells, header=False):
        output.say("  " + text)
    done = sorted({e.key or "" for e in timeline.events[at:] if e.type == "effect.returned"} - {""})
    if done:
        output.say(f"Not taken back, as it happened outside: {', '.join(done)}.")


def user() -> str:
    """Return who is logged in."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an id without a name, in a container
        return "unknown"


COMMAND = Command(
    "restore",
    "make a fork whose state is that of an earlier moment",
    """Make a fork of a request at a moment: a new request that shares its history up to there.
The request itself is not changed by a byte. It works while a server writes the store. What is
different from the end, and which effects a restore cannot take back, is told on stderr.

examples:
  timescape restore 9f31c2 --at priced
  timescape restore 9f31c2 --at 31 --reason "before the wrong total"
""",
    _declare,
    restore,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED),
)
