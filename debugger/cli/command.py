"""What a command is: a name, words that teach it, its options, and what it does."""

import argparse
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from debugger.cli.exits import Exit
from debugger.cli.output import Output

if TYPE_CHECKING:  # a session is loaded by the commands that open one
    from debugger.session import Session


class Stores(Protocol):
    """Opens stores; the tests hand in another one."""

    def session(
        self, url: str, *, writable: bool = False, keyring: Path | None = None
    ) -> AbstractContextManager["Session"]:
        """Open *url* to be asked; *writable*: also for a restore; *keyring*: for an erasure."""
        ...


Run = Callable[[argparse.Namespace, Output, Stores], int]
"""Does the work and returns the exit status: an `Exit`, or that of a screen."""


class Command(msgspec.Struct, frozen=True):
    """One command of `timescape`."""

    name: str
    summary: str
    """One line, for the list of commands."""
    text: str
    """What it does and an example, for its `--help`."""
    declare: Callable[[argparse.ArgumentParser], None]
    """Adds its options and arguments; `--store` and `--json` are there."""
    run: Run
    exits: tuple[Exit, ...] = ()
    """Beyond ok, bad-input and unavailable."""
    default_store: str = "sqlite:///timescape.db"
    wants_app: bool = False
    """Whether it has an option `--app`, which TIMESCAPE_APP stands in for."""


def nothing(parser: argparse.ArgumentParser) -> None:
    """Add no options."""
