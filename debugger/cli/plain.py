"""`timescape debug --plain`: the debugger at a prompt, over any terminal, or a pipe (BY-2)."""

import sys
from collections.abc import Iterator

from debugger.cli.exits import Exit
from debugger.cli.output import Output
from debugger.errors import DebuggerError
from debugger.session import Session
from debugger.session.dialogue import Dialogue
from eventstore import EventStoreError

_PROMPT = "> "


def talk(session: Session, output: Output, *, wanted: str | None) -> Exit:
    """Answer commands until `quit`, or until there are no more.

    Args:
        session: of the store.
        output: sentences go to stdout; what cannot be done is said on stderr.
        wanted: a request or a link, opened at once; None: the newest are listed.
    """
    dialogue = Dialogue(session)
    _say(dialogue, f"open {wanted}" if wanted else "requests", output)
    for line in _typed():
        if line.strip() in ("quit", "q"):
            break
        _say(dialogue, line, output)
    return Exit.OK


def _say(dialogue: Dialogue, line: str, output: Output) -> None:
    try:
        for text in dialogue.answer(line):
            output.line(text)
    except (DebuggerError, EventStoreError) as error:
        output.say(f"{error.problem} {error.remedy or ''}".rstrip())
    output.flush()


def _typed() -> Iterator[str]:
    """Give what is typed, line by line; the prompt is for people, and no part of the data."""
    asks = sys.stdin.isatty()
    while True:
        if asks:
            sys.stderr.write(_PROMPT)
            sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            return
        yield line
