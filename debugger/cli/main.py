"""Read the arguments, run the command, turn what went wrong into words and a status."""

import argparse
import difflib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from debugger.cli import (
    archive,
    bisect,
    blame,
    bring_in,
    compare,
    db,
    debug,
    demo,
    diff,
    doctor,
    erase,
    export,
    fork,
    gate,
    generate,
    keys,
    log,
    manifest,
    modules,
    new,
    pin,
    queue,
    redact,
    replay,
    requests,
    resolve,
    restore,
    rewrap,
    routes,
    search,
    serve,
    snapshots,
    state,
    tag,
    traffic,
    verify,
    versions,
)
from debugger.cli.command import Command, Stores
from debugger.cli.config import read_config
from debugger.cli.exits import Exit, exit_of
from debugger.cli.keyrings import SETTING
from debugger.cli.opening import SqlStores
from debugger.cli.output import Output, standard_output
from debugger.errors import BadInputError, DebuggerError
from debugger.timeline.links import is_link, read_link
from eventstore import EventStoreError
from runtime.errors import TimescapeError

COMMANDS: Sequence[Command] = (
    demo.COMMAND, new.COMMAND, doctor.COMMAND, serve.COMMAND, debug.COMMAND, requests.COMMAND,
    log.COMMAND, state.COMMAND,
    diff.COMMAND, blame.COMMAND, search.COMMAND, replay.COMMAND, bisect.COMMAND,
    compare.COMMAND, fork.COMMAND, snapshots.COMMAND, restore.COMMAND, redact.COMMAND,
    erase.COMMAND, rewrap.COMMAND, routes.COMMAND, versions.COMMAND, modules.COMMAND,
    resolve.COMMAND, tag.COMMAND, tag.UNTAG, pin.COMMAND, pin.UNPIN,
    traffic.COMMAND, queue.COMMAND, gate.COMMAND, keys.COMMAND, manifest.COMMAND,
    generate.COMMAND,
    verify.COMMAND, archive.COMMAND,
    export.COMMAND, bring_in.COMMAND, db.COMMAND,
)  # fmt: skip
_ALWAYS = (Exit.OK, Exit.BAD_INPUT, Exit.UNAVAILABLE)


class _Parser(argparse.ArgumentParser):
    """Reports faults as our errors, and unknown names with the nearest known one."""

    def error(self, message: str) -> NoReturn:
        problem = f"{message[:1].upper()}{message[1:]}."
        raise BadInputError(problem, f"`{self.prog} --help` shows what it takes.")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `timescape`, with all commands."""
    parser = _Parser(
        prog="timescape",
        description="Look at what a Timescape runtime recorded, forwards and backwards.",
        epilog=_overview(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for command in COMMANDS:
        added = commands.add_parser(
            command.name,
            help=command.summary,
            description=command.text,
            epilog=_endings(command),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        command.declare(added)
        _add_common(added, command)
    return parser


def _add_common(parser: argparse.ArgumentParser, command: Command) -> None:
    parser.add_argument(
        "--store",
        default=None,
        metavar="URL",
        help=f"default: $TIMESCAPE_STORE, else {command.default_store}",
    )
    parser.add_argument("--json", action="store_true", help="an object a line instead of a table")


def _overview() -> str:
    return (
        "A REQUEST is an id, its last 4 digits or more, REQUEST/NAME of a fork, or a link. The\n"
        "store is --store, else that of the link, else TIMESCAPE_STORE, else\n"
        "sqlite:///timescape.db. Data goes to stdout, talk to stderr.\n\n"
        "example:\n  timescape demo               record a shop, look at it\n"
        "  timescape log --help         how to use one command"
    )


def _endings(command: Command) -> str:
    exits = sorted({*_ALWAYS, *command.exits})
    return "ends with: " + ", ".join(f"{each.value} {each.label}" for each in exits)


def main(
    arguments: Sequence[str] | None = None,
    *,
    output: Output | None = None,
    stores: Stores | None = None,
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Run `timescape` and return its exit status.

    Args:
        arguments: after the program's name; None: those of this process.
        output: where words go; None: stdout and stderr.
        stores: opens stores; None: SQL ones.
        environ: for TIMESCAPE_STORE and TIMESCAPE_KEYRING.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    out = output or standard_output(as_json="--json" in words)
    status: int
    try:
        status = _run(words, out, stores or SqlStores(), environ)
        out.flush()
    except (DebuggerError, EventStoreError, TimescapeError) as error:
        status = exit_of(error)
        _complain(out, error, status)
    except KeyboardInterrupt:
        status = Exit.INTERRUPTED
        out.say("Interrupted.")
    except BrokenPipeError:
        # Whoever read stdout has seen enough (`| head`). Python flushes it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = Exit.OK
    return int(status)


def _run(words: list[str], output: Output, stores: Stores, environ: Mapping[str, str]) -> int:
    parser = build_parser()
    _check_name(words)
    try:
        arguments = parser.parse_args(words)
    except SystemExit as done:  # --help
        return Exit(int(done.code or 0))
    if arguments.command is None:
        output.say(parser.format_help())
        return Exit.BAD_INPUT
    command = next(each for each in COMMANDS if each.name == arguments.command)
    arguments.store = (
        arguments.store
        or _store_of_link(words, environ)
        or environ.get("TIMESCAPE_STORE")
        or command.default_store
    )
    if getattr(arguments, "keyring", "") is None:
        arguments.keyring = environ.get(SETTING)
    if command.wants_app:
        arguments.app = arguments.app or environ.get("TIMESCAPE_APP")
    return command.run(arguments, output, stores)


def _store_of_link(words: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Return the address of the store that a link among *words* names by its reader's alias."""
    link = next((word for word in words if is_link(word)), None)
    return None if link is None else read_config(environ).stores.get(read_link(link).store)


def _check_name(words: Sequence[str]) -> None:
    """Refuse an unknown command with the nearest one.

    Raises:
        BadInputError: names it.
    """
    name = words[0] if words else "--help"
    names = [command.name for command in COMMANDS]
    if name in names or name in ("-h", "--help"):
        return
    if name.startswith("-"):
        problem = f"{name[:80]!r} stands before the command."
        raise BadInputError(problem, "Options follow it: timescape requests --store URL.")
    near = difflib.get_close_matches(name, names, 1)
    hint = f"Did you mean `{near[0]}`?" if near else f"Commands: {', '.join(names)}."
    problem = f"There is no command {name[:80]!r}."
    raise BadInputError(problem, hint)


def _complain(
    output: Output, error: DebuggerError | EventStoreError | TimescapeError, status: Exit
) -> None:
    problem = getattr(error, "problem", "") or str(error)
    output.say(f"timescape: {problem}")
    if error.remedy:
        output.say(error.remedy)
    if output.as_json:
        # On stderr: stdout holds data only, and a partial answer must stay parseable.
        output.say(f"[{error.code}, exit {status.value} {status.label}]")
