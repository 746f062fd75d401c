"""`timescape blame`: who wrote a value (CL-7)."""

import argparse
from collections.abc import Mapping
from typing import Any

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.moments import moment, written_path
from debugger.cli.output import Column, Output
from debugger.errors import NotFoundError
from debugger.session import Session
from debugger.session.watches import breakpoint_of, turned_true
from debugger.timeline import Timeline, Write, shown

COLUMNS = (
    Column("#", right=True),
    Column("type"),
    Column("before", cut=True),
    Column("after", cut=True),
    Column("by", cut=True),
    Column("line", cut=True),
)


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request", metavar="REQUEST", help="id, or its last 4 digits or more")
    parser.add_argument("key", metavar="KEY", help="a key, or a path such as /items/0/net")
    parser.add_argument("--all", action="store_true", help="every write, also of equal values")
    parser.add_argument(
        "--became", metavar="FILTER", help="the write by which this last turned true: state.total>9"
    )
    parser.add_argument("--at", default="end", metavar="M", help="look back from here")


def blame(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Print the last change of a key or path, or all its writes."""
    with stores.session(arguments.store) as session:
        timeline = session.timeline(session.find(arguments.request))
        at = moment(timeline, arguments.at, timeline.last, output)
        path = written_path(timeline, arguments.key)
        if arguments.became is not None:
            at = _turn(session, timeline, arguments.became, at, output)
        writes = _writes(timeline, path, at, every=arguments.all)
        if not writes:
            problem = f"{path} was not yet written at #{at}."
            raise NotFoundError(
                problem, f"Its first write is #{timeline.writes(path)[0].revision}."
            )
        output.table("write", COLUMNS, (_row(path, write) for write in writes))
    return Exit.OK


def _turn(session: Session, timeline: Timeline, text: str, at: int, output: Output) -> int:
    """Return the moment at which a filter last turned true, and say what nobody can tell."""
    hit = turned_true(session, timeline, breakpoint_of(text).predicate, at)
    passed = f"{hit.unknown} moments are unknown: {hit.reason}." if hit.unknown else ""
    if hit.revision is None:
        problem = f"That did not turn true up to #{at}."
        raise NotFoundError(problem, passed or "Give a later moment with --at.")
    output.say(f"It turned true at #{hit.revision}. {passed}".strip())
    return hit.revision


def _writes(timeline: Timeline, path: str, at: int, *, every: bool) -> list[Write]:
    if every:
        return [write for write in timeline.writes(path) if write.revision <= at]
    last = timeline.last_change(path, at)
    return [last] if last else []


def _row(path: str, write: Write) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    fields = {
        "path": path,
        "revision": write.revision,
        "type": write.type,
        "before": write.before,
        "after": write.after,
        "by": write.by,
        "line": write.site,
        "changed": write.changed,
    }
    if hasattr(write.before, "items"):  # the whole state is a view
        fields["before"], fields["after"] = dict(write.before), dict(write.after)
    cells = {
        "#": str(write.revision),
        "type": write.type,
        "before": shown(write.before),
        "after": shown(write.after),
        "by": write.by,
        "line": write.site or "",
    }
    return fields, cells


COMMAND = Command(
    "blame",
    "say which line wrote a value",
    """Say when a value became what it is: the last fact that changed a key or a path, with the
value before and after, the hook or handler, and the line of your code. A write of something that
holds the path, or that the path holds, counts; so do deletes, cleans and restores.

examples:
  timescape blame 9f31c2 total
  timescape blame 9f31c2 /items/0/net --all
  timescape blame 9f31c2 total --at 1700    before the moment you are at
  timescape blame 9f31c2 total --became 'state.total > 400'
""",
    _declare,
    blame,
    (Exit.NOT_FOUND,),
)
