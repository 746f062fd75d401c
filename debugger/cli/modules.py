"""`timescape modules`: what became of modules, and what each of them may use."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.log import payload
from debugger.cli.moments import iso
from debugger.cli.output import Column, Output
from debugger.errors import NotFoundError
from debugger.session.modules import module_events
from debugger.timeline.module_sentences import module_of, module_sentence
from eventstore import Event

COLUMNS = (Column("at"), Column("what", cut=True))
Row = tuple[Mapping[str, Any], Mapping[str, Any]]


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("module", nargs="?", metavar="MODULE", help="its name; all without one")


def modules(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Print what the log says of modules."""
    with stores.session(arguments.store) as session:
        events = module_events(session, arguments.module)
        if not events and arguments.module:
            names = {module_of(event) or "" for event in module_events(session)}
            known = ", ".join(sorted(names)) or "none"
            msg = f"The log has no module {arguments.module!r}."
            raise NotFoundError(msg, f"There are: {known}.")
        if not events:
            output.say("The log tells of no module.")
        output.table("module", COLUMNS, _rows(events))
    return Exit.OK


def _rows(events: Sequence[Event]) -> Iterator[Row]:
    for event in events:
        sentence, at = module_sentence(event), iso(event.at_us)
        fields = {
            "position": event.position,
            "at": at,
            "module": module_of(event),
            "type": event.type,
            "sentence": sentence,
            "data": payload(event),
        }
        yield fields, {"at": at, "what": sentence}


COMMAND = Command(
    "modules",
    "say what became of modules",
    """Say what became of modules, a sentence each: registered with which capabilities, started,
failed and how, started again, granted more or less, denied something.

example:
  timescape modules stock""",
    _declare,
    modules,
    exits=(Exit.NOT_FOUND,),
)
