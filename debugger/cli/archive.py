"""`timescape archive`: move ended requests out of the store's file, or drop them (AR-1)."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.cli.restore import user
from debugger.errors import BadInputError
from debugger.session import Session
from debugger.timeline import span_us
from eventstore import StreamId

COLUMNS = (
    Column("requests", right=True), Column("rows", right=True), Column("bytes", right=True),
    Column("file"),
)  # fmt: skip
DROPPED = (Column("requests", right=True), Column("rows", right=True), Column("told at"))
_WORD = "drop"


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "requests",
        nargs="*",
        default=[],
        metavar="REQUEST",
        help="just these, with all their forks",
    )
    parser.add_argument(
        "--older-than", type=age, metavar="AGE", help="all that ended as long ago: 90d, 12h"
    )
    parser.add_argument("--drop", action="store_true", help="drop them for good instead")
    parser.add_argument("--reason", default="", metavar="TEXT", help="of --drop: kept in the log")
    parser.add_argument("--by", default="", metavar="NAME", help="who asks (default: your login)")
    parser.add_argument("--yes", action="store_true", help="of --drop: do not ask")


def age(text: str) -> timedelta:
    """Read a duration such as `90d`."""
    span = span_us(text)
    if span is None:
        message = f"{text!r} is no duration, such as 90d or 12h"
        raise argparse.ArgumentTypeError(message)
    return timedelta(microseconds=span)


def archive(
    arguments: argparse.Namespace,
    output: Output,
    stores: Stores,
    *,
    answer: Callable[[], str | None] = lambda: sys.stdin.readline() if sys.stdin.isatty() else None,
) -> Exit:
    """Move or drop requests that have ended."""
    if bool(arguments.requests) == (arguments.older_than is not None):
        problem = "Which requests? Name some, or give an age with --older-than, not both."
        raise BadInputError(problem, "For example: timescape archive --older-than 90d.")
    if arguments.drop and not arguments.reason:
        problem = "What is dropped is gone for good, and the log keeps why."
        raise BadInputError(problem, "Add --reason TEXT.")
    with stores.session(arguments.store, writable=True) as session:
        streams = [session.find(text) for text in arguments.requests]
        if not arguments.drop:
            return _archive(session, streams, arguments, output)
        if not arguments.yes and not _confirmed(output, answer):
            output.say("Nothing was dropped.")
            return Exit.WRITE_REFUSED
        return _drop(session, streams, arguments, output)


def _archive(
    session: Session, streams: Sequence[StreamId], arguments: argparse.Namespace, output: Output
) -> Exit:
    done = session.archive(
        streams, arguments.older_than, lambda at, of: output.progress("archive", at, of)
    )
    fields = {
        "requests": done.streams, "rows": done.rows, "bytes": done.size, "files": list(done.files),
    }  # fmt: skip
    cells = {
        "requests": str(done.streams), "rows": str(done.rows), "bytes": str(done.size),
        "file": " ".join(done.files),
    }  # fmt: skip
    output.table("archived", COLUMNS, [(fields, cells)])
    if done.streams:
        output.say("They are read as before. Keep the files beside the store, and back them up.")
    else:
        output.say("There was nothing to archive: only what has ended and is sealed can go.")
    return Exit.OK


def _drop(
    session: Session, streams: Sequence[StreamId], arguments: argparse.Namespace, output: Output
) -> Exit:
    done = session.prune(
        streams, arguments.older_than, lambda at, of: output.progress("drop", at, of),
        by=arguments.by or user(), reason=arguments.reason,
    )  # fmt: skip
    fields = {"requests": done.streams, "rows": done.rows, "positions": list(done.positions)}
    cells = {
        "requests": str(done.streams), "rows": str(done.rows),
        "told at": " ".join(map(str, done.positions)),
    }  # fmt: skip
    output.table("dropped", DROPPED, [(fields, cells)])
    if done.streams:
        output.say("They are gone. Their hashes stay, so the log still verifies.")
    else:
        output.say("There was nothing to drop: only what has ended and is sealed can go.")
    return Exit.OK


def _confirmed(output: Output, answer: Callable[[], str | None]) -> bool:
    output.say("This cannot be undone: nothing but hashes stays of what is dropped.")
    output.say(f"Type `{_WORD}` to go on:")
    said = answer()
    if said is None:
        problem = "There is no terminal to confirm this on."
        raise BadInputError(problem, "Add --yes if it is meant.")
    return said.strip() == _WORD


COMMAND = Command(
    "archive",
    "move requests that have ended out of the store's file, or drop them",
    """Keep the store's file small. Requests that have ended move into files in <store>.segments,
whole and with all their forks; every command reads them there as before, as long as the files stay
beside the store. Deployments and configuration stay. It works while a server writes the store, and
goes on where it was stopped; only what is sealed can go: a server seals each minute and when it
stops. With --drop they are dropped for good, and only their hashes stay, so that the log still
verifies; that they were, by whom and why, is itself in the log. It asks first; without a terminal
it needs --yes. What is archived is not dropped. A store in PostgreSQL has no file beside it: there
TIMESCAPE_SEGMENTS names the folder, for all who read the store.

examples:
  timescape archive --older-than 90d
  timescape archive 9f31c2 5b0f11
  timescape archive --older-than 365d --drop --reason "kept for a year" --yes
""",
    _declare,
    archive,
    (Exit.NOT_FOUND, Exit.CORRUPT, Exit.WRITE_REFUSED),
)
