"""`timescape compare`: what differs between two requests (RX-8)."""

import argparse
from collections.abc import Mapping
from typing import Any

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output, counted
from debugger.session import request_id
from debugger.timeline import ABSENT, shown
from runtime.replay import Difference
from runtime.replay import compare as differences_of

COLUMNS = (
    Column(""),
    Column("what"),
    Column("name", cut=True),
    Column("a", cut=True),
    Column("b", cut=True),
)


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", metavar="A", help="a request")
    parser.add_argument("b", metavar="B", help="another one, such as a fork of it")


def compare(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Print what differs between two requests."""
    with stores.session(arguments.store) as session:
        a, b = (session.timeline(session.find(text)) for text in (arguments.a, arguments.b))
    found = differences_of(a.events, b.events)
    names = f"{request_id(a.stream)} and {request_id(b.stream)}"
    if not found:
        output.say(f"{names} are equal.")
        return Exit.OK
    output.say(f"{counted(len(found), 'difference')} between {names}.")
    output.table("difference", COLUMNS, map(_row, found))
    return Exit.DIFFERENT


def _row(difference: Difference) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    a = ABSENT if difference.sign == "+" else difference.a
    b = ABSENT if difference.sign == "-" else difference.b
    fields = {
        "sign": difference.sign,
        "part": difference.part,
        "name": difference.name,
        "a": a,
        "b": b,
        "revisions": list(difference.revisions) if difference.part == "fact" else ABSENT,
    }
    cells = {
        "": difference.sign,
        "what": _what(difference),
        "name": "" if difference.name == difference.part else difference.name,
        "a": "" if a is ABSENT else shown(a),
        "b": "" if b is ABSENT else shown(b),
    }
    return fields, cells


def _what(difference: Difference) -> str:
    if difference.part != "fact":
        return difference.part
    at = " ".join(f"#{revision}" for revision in difference.revisions if revision)
    return f"fact {at}"


COMMAND = Command(
    "compare",
    "print what differs between two requests",
    """Print what differs between two requests, such as one and its fork: status, headers and body
of the answer, facts, and the state at the end. `+` only b has it, `-` only a, `~` it is
another. Ids, times, positions and lines are left out. It ends with 1 (different) if anything is.

examples:
  timescape compare 9f31c2 04be77
""",
    _declare,
    compare,
    (Exit.DIFFERENT, Exit.NOT_FOUND),
)
