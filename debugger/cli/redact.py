"""`timescape redact`: take a recorded value out of the log, for good (CH-6)."""

import argparse
from collections.abc import Callable
from typing import Any

import msgspec

from debugger.cli.command import Command, Stores
from debugger.cli.confirming import confirmed, typed_line
from debugger.cli.exits import Exit
from debugger.cli.moments import moment
from debugger.cli.output import Column, Output
from debugger.cli.restore import user
from debugger.errors import NoSuchMomentError
from debugger.session import request_id
from debugger.timeline import ABSENT, Timeline, shown
from eventstore import Redaction, UnknownEvent

COLUMNS = (
    Column("request"), Column("#", right=True), Column("redacted", cut=True),
    Column("told at", right=True),
)  # fmt: skip
_WORD = "redact"


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request", metavar="REQUEST", help="id, or its last 4 digits or more")
    parser.add_argument("--at", required=True, metavar="M", help="the fact that holds the value")
    parser.add_argument(
        "--path", dest="paths", action="append", required=True, metavar="P",
        help="where in the fact's data, such as /value/card; may be given again",
    )  # fmt: skip
    parser.add_argument("--reason", required=True, metavar="TEXT", help="kept in the log")
    parser.add_argument("--by", default="", metavar="NAME", help="who asks (default: your login)")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def redact(
    arguments: argparse.Namespace,
    output: Output,
    stores: Stores,
    *,
    answer: Callable[[], str | None] = typed_line,
) -> Exit:
    """Take values out of a fact, once it is confirmed."""
    with stores.session(arguments.store, writable=True) as session:
        stream = session.find(arguments.request)
        timeline = session.timeline(stream)
        at = moment(timeline, arguments.at, timeline.last, output)
        if at == 0:
            problem = "Before the first fact there is nothing to redact."
            raise NoSuchMomentError(problem, f"Give a moment from 1 to {timeline.last}.")
        _tell(timeline, at, arguments.paths, output)
        if not arguments.yes and not confirmed(_WORD, output, answer):
            output.say("Nothing was redacted.")
            return Exit.WRITE_REFUSED
        by = arguments.by or user()
        done = session.redact(stream, at, arguments.paths, by=by, reason=arguments.reason)
    fields = {
        "request": request_id(stream), "revision": at, "paths": arguments.paths,
        "position": done.position, "keyframes": done.keyframes, "gone": done.gone,
        "duplicate": done.duplicate,
    }  # fmt: skip
    cells = {
        "request": timeline.request_id, "#": str(at), "redacted": " ".join(arguments.paths),
        "told at": str(done.position),
    }  # fmt: skip
    output.table("redaction", COLUMNS, [(fields, cells)])
    _say_done(done, output)
    return Exit.OK


def _tell(timeline: Timeline, at: int, paths: list[str], output: Output) -> None:
    """Show what is about to go."""
    fact = timeline.fact(at)
    output.say(f"Fact #{at} of {timeline.request_id}, {fact.type} {fact.key or ''}:".rstrip(" "))
    data = fact.data.data if isinstance(fact.data, UnknownEvent) else fact.data
    for path in paths:
        output.say(f"  {path}  {shown(_value(data, path), 60)}")
    output.say("This cannot be undone: after it no file of the store holds these values.")


def _value(data: object, pointer: str) -> Any:
    """Return what stands there in the stored fact; the store itself refuses what does not."""
    value = msgspec.to_builtins(data, str_keys=True)
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(name, ABSENT)
        elif isinstance(value, list | tuple) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return ABSENT
    return value


def _say_done(done: Redaction, output: Output) -> None:
    if done.duplicate:
        output.say("It was taken out before, for this reason: nothing was written.")
    if done.gone:
        output.say("No file of the store holds it any more. Backups and exports still may.")
    else:
        output.say(
            "It is out of the log. The old page leaves the files when no reader looks at it any"
            " more, at the next checkpoint; in PostgreSQL by VACUUM, and as the server uses its"
            " write-ahead log again."
        )


COMMAND = Command(
    "redact",
    "take a recorded value out of the log, for good",
    """Take values out of one fact. In their place stands <redacted>; chain and seals still verify,
and that it was done, by whom and why, is itself in the log. It works while a server writes the
store. The same value may stand in other facts too (what came in, what a module answered, what was
sent): look for it with `timescape log REQUEST --json`, and redact each. Keys, names and paths of
the log itself stay. It asks first; without a terminal it needs --yes.

examples:
  timescape redact 9f31c2 --at 14 --path /value/card --reason "asked for by the customer"
  timescape redact 9f31c2 --at 3 --path /body/card --path /body/name --reason "erasure 12" --yes
""",
    _declare,
    redact,
    (Exit.NOT_FOUND, Exit.WRITE_REFUSED),
)
