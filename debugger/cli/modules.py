"""`timescape modules`: what became of modules, what they use, and how one is started anew."""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.log import payload
from debugger.cli.moments import iso
from debugger.cli.output import Column, Output
from debugger.errors import BadInputError, NotFoundError
from debugger.session import Session
from debugger.session.modules import module_events
from debugger.timeline.module_grants import grant_lines
from debugger.timeline.module_sentences import module_of, module_sentence
from eventstore import Event

COLUMNS = (Column("at"), Column("what", cut=True))
GRANTS = (
    Column("module"),
    Column("capability"),
    Column("pattern", cut=True),
    Column("in force"),
    Column("uses", right=True),
    Column("last"),
)
RELOADED = (Column("module"), Column("generation", right=True))
Row = tuple[Mapping[str, Any], Mapping[str, Any]]
_ACTIONS = ("grants", "reload")


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what",
        nargs="?",
        metavar="MODULE|ACTION",
        help=f"a module, or {', '.join(_ACTIONS)}; all modules without one",
    )
    parser.add_argument("of", nargs="?", metavar="OF", help="the action's module")
    parser.add_argument(
        "--admin", metavar="URL", help="admin listener of the server, for reload; see above"
    )
    parser.add_argument(
        "--force", action="store_true", help="reload it though handlers that run would break"
    )


def modules(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Print what the log says of modules, or have one started anew."""
    what, of = arguments.what, arguments.of
    if what not in _ACTIONS and of is not None:
        problem = f"{what[:80]!r} is no action."
        raise BadInputError(problem, f"There are: {', '.join(_ACTIONS)}.")
    if what == "reload":
        return _reload(arguments, output)
    with stores.session(arguments.store) as session:
        if what == "grants":
            _show_grants(_events(session, of), output)
        else:
            _show(_events(session, what), output)
    return Exit.OK


def _events(session: Session, name: str | None) -> list[Event]:
    events = module_events(session, name)
    if not events and name:
        names = {module_of(event) or "" for event in module_events(session)}
        known = ", ".join(sorted(names)) or "none"
        msg = f"The log has no module {name!r}."
        raise NotFoundError(msg, f"There are: {known}.")
    return events


def _show(events: Sequence[Event], output: Output) -> None:
    if not events:
        output.say("The log tells of no module.")
    output.table("module", COLUMNS, _rows(events))


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


def _show_grants(events: Sequence[Event], output: Output) -> None:
    rows: list[Row] = []
    for line in grant_lines(events):
        last = None if line.last_us is None else iso(line.last_us)
        fields = {**to_builtins(line), "last": last}
        fields.pop("last_us")
        cells = {**fields, "in force": "yes" if line.in_force else "no", "last": last or "never"}
        rows.append((fields, cells))
    if not rows:
        output.say("No module was granted anything.")
        return
    output.table("grant", GRANTS, rows)


# --- reload ---


def _reload(arguments: argparse.Namespace, output: Output) -> Exit:
    if arguments.of is None or arguments.admin is None:
        msg = "`modules reload` needs a module and --admin."
        raise BadInputError(msg, "Such as: modules reload stock --admin http://127.0.0.1:9090.")
    # Here, not above: what only reads a store needs no client and no runtime.
    from debugger.cli.asking_admin import reload_module  # noqa: PLC0415

    token = os.environ.get("TIMESCAPE_ADMIN_TOKEN")
    said = reload_module(arguments.admin, arguments.of, token, force=arguments.force)
    fields = {"module": said.module, "generation": said.generation}
    output.table("module", RELOADED, [(fields, fields)])
    return Exit.OK


COMMAND = Command(
    "modules",
    "say what became of modules and what they use; reload one",
    """Say what became of modules, a sentence each: registered with which capabilities, started,
failed and how, started again, granted more or less, denied something.

`modules grants` lists what each may use, how often it did, and what it never used. A server tells
of a first use at once and of later ones once a minute.

`modules reload` has a server that runs with --admin-port start a module anew from its file, beside
the one that runs: requests that run keep the old one. TIMESCAPE_ADMIN_TOKEN is shown where the
listener wants it. What handlers that run call must still be there; --force goes on without.

examples:
  timescape modules stock
  timescape modules grants
  timescape modules reload stock --admin http://127.0.0.1:9090""",
    _declare,
    modules,
    exits=(Exit.NOT_FOUND, Exit.UNAVAILABLE, Exit.WRITE_REFUSED),
)
