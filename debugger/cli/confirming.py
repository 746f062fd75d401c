"""Ask a person before something that cannot be undone."""

import sys
from collections.abc import Callable

from debugger.cli.output import Output
from debugger.errors import BadInputError


def typed_line() -> str | None:
    """Return what was typed on the terminal; None: there is none."""
    return sys.stdin.readline() if sys.stdin.isatty() else None


def confirmed(word: str, output: Output, answer: Callable[[], str | None]) -> bool:
    """Say whether *word* was typed.

    Raises:
        BadInputError: there is nobody to ask.
    """
    output.say(f"Type `{word}` to go on:")
    said = answer()
    if said is None:
        problem = "There is no terminal to confirm this on."
        raise BadInputError(problem, "Add --yes if it is meant.")
    return said.strip() == word
