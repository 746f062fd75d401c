"""Read the arguments, run the command, turn what went wrong into words and a status."""

import argparse
import itertools
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit, exit_of
from debugger.cli.index import INDEX, Entry
from debugger.cli.keyrings import SETTING
from debugger.cli.opening import SqlStores, named_store, url_of_file
from debugger.cli.output import Output, standard_output
from debugger.errors import BadInputError, DebuggerError
from debugger.timeline.links import is_link, read_link
from eventstore import EventStoreError
from runtime.errors import TimescapeError

_STREAM = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_ALWAYS = (Exit.OK, Exit.BAD_INPUT, Exit.UNAVAILABLE)


class _Parser(argparse.ArgumentParser):
    """Reports faults as our errors, and unknown names with the nearest known one."""

    def error(self, message: str) -> NoReturn:
        problem = f"{message[:1].upper()}{message[1:]}."
        raise BadInputError(problem, f"`{self.prog} --help` shows what it takes.")


_WIDEST = 98
"""Characters of a line of help, however wide the terminal is."""


class _Help(argparse.RawDescriptionHelpFormatter):
    """Fills paragraphs to the terminal's width; leaves what is indented, as tables are, alone."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        import textwrap  # noqa: PLC0415 - only help wraps

        filled: list[str] = []
        for is_paragraph, run in itertools.groupby(text.splitlines(), _is_paragraph):
            lines = list(run)
            if is_paragraph:
                lines = textwrap.wrap(" ".join(lines), min(width, _WIDEST))
            filled += lines
        return "\n".join(filled)


def _is_paragraph(line: str) -> bool:
    return bool(line.strip()) and not line[0].isspace()


def build_parser(loaded: Sequence[Entry] = INDEX) -> argparse.ArgumentParser:
    """Return the parser of `timescape`, which can read the commands that are *loaded*.

    Of the others it knows the name, and what they are for.
    """
    parser = _Parser(
        prog="timescape",
        description="Look at what a Timescape runtime recorded, forwards and backwards.",
        epilog=_overview(),
        formatter_class=_Help,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for entry in INDEX:
        if entry in loaded:
            _add(commands, entry.load())
        else:
            commands.add_parser(entry.name, help=entry.summary, add_help=False)
    return parser


def _add(commands: "argparse._SubParsersAction[_Parser]", command: Command) -> None:
    added = commands.add_parser(
        command.name,
        help=command.summary,
        description=command.text,
        epilog=_endings(command),
        formatter_class=_Help,
        allow_abbrev=False,
    )
    command.declare(added)
    _add_common(added, command)


def _add_common(parser: argparse.ArgumentParser, command: Command) -> None:
    parser.add_argument(
        "--store",
        default=None,
        metavar="URL",
        help=f"or a file that is there (default: $TIMESCAPE_STORE, else {command.default_store})",
    )
    parser.add_argument("--json", action="store_true", help="an object a line instead of a table")


def _overview() -> str:
    return (
        "A REQUEST is an id, its last 4 digits or more, REQUEST/NAME of a fork, or a link. The\n"
        "store is --store, else that of the link, else TIMESCAPE_STORE, else\n"
        "sqlite:///timescape.db: sqlite:///FILE, postgresql://HOST/NAME, or a file that is there.\n"
        "Data goes to stdout, talk to stderr.\n\n"
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
    entry = _asked(words)
    if entry is None:
        overview = build_parser(())
        if words:
            overview.print_help()
            return Exit.OK
        output.say(overview.format_help())
        return Exit.BAD_INPUT
    parser = build_parser((entry,))
    try:
        arguments = parser.parse_args(words)
    except SystemExit as done:  # --help
        return Exit(int(done.code or 0))
    command = entry.load()
    arguments.store = url_of_file(
        arguments.store
        or _store_of_link(words, environ)
        or named_store(environ)
        or command.default_store
    )
    if getattr(arguments, "keyring", "") is None:
        arguments.keyring = environ.get(SETTING)
    if command.wants_app:
        arguments.app = arguments.app or environ.get("TIMESCAPE_APP")
    return command.run(arguments, output, stores)


def _store_of_link(words: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Return the address of the store that a link among *words* names by its reader's alias."""
    from debugger.cli.config import read_config  # noqa: PLC0415 - most commands have no link

    link = next((word for word in words if is_link(word)), None)
    return None if link is None else read_config(environ).stores.get(read_link(link).store)


def _asked(words: Sequence[str]) -> Entry | None:
    """Return the command that is asked for; None: the list of all.

    Raises:
        BadInputError: there is none of that name; it names the nearest.
    """
    name = words[0] if words else "--help"
    if name in ("-h", "--help"):
        return None
    entries = {entry.name: entry for entry in INDEX}
    if name in entries:
        return entries[name]
    if name.startswith("-"):
        problem = f"{name[:80]!r} stands before the command."
        raise BadInputError(problem, "Options follow it: timescape requests --store URL.")
    import difflib  # noqa: PLC0415 - who types well does not wait for it

    near = difflib.get_close_matches(name, entries, 1)
    hint = f"Did you mean `{near[0]}`?" if near else f"Commands: {', '.join(entries)}."
    problem = f"There is no command {name[:80]!r}."
    raise BadInputError(problem, hint)


def _complain(
    output: Output, error: DebuggerError | EventStoreError | TimescapeError, status: Exit
) -> None:
    problem = getattr(error, "problem", "") or str(error)
    if isinstance(error, EventStoreError):
        # The store tells of streams; a request has the same digits in another form.
        problem = _STREAM.sub(lambda stream: f"req-{stream[0].replace('-', '')}", problem)
    output.say(f"timescape: {problem}")
    if error.remedy:
        output.say(error.remedy)
    if output.as_json:
        # On stderr: stdout holds data only, and a partial answer must stay parseable.
        output.say(f"[{error.code}, exit {status.value} {status.label}]")
