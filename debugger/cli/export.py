"""`timescape export`: requests, or the whole log, in one file that verifies by itself (CL-15)."""

import argparse

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.errors import BadInputError, NotFoundError
from debugger.session import Session
from eventstore import StreamId

COLUMNS = (
    Column("requests", right=True), Column("facts", right=True), Column("redacted", right=True),
    Column("sealed to", right=True), Column("bytes", right=True), Column("file"),
)  # fmt: skip


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("requests", nargs="*", metavar="REQUEST", help="none: the whole log")
    parser.add_argument("--where", default="", metavar="FILTER", help="all requests that match")
    parser.add_argument("--out", required=True, metavar="FILE", help="to be written")


def export(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Write an export."""
    if arguments.requests and arguments.where:
        problem = "Requests by name and by --where are two ways to say which."
        raise BadInputError(problem, "Give one of them.")
    with stores.session(arguments.store) as session:
        streams = _streams(session, arguments)
        done = session.export(
            arguments.out, streams, lambda at, of: output.progress("export", at, of)
        )
    fields = {
        "file": done.file, "requests": done.streams, "rows": done.rows, "facts": done.events,
        "redacted": done.redacted, "sealed_to": done.sealed_to, "bytes": done.size,
        "sha256": done.sha256.hex(),
    }  # fmt: skip
    cells = {
        "requests": str(done.streams), "facts": str(done.events), "redacted": str(done.redacted),
        "sealed to": str(done.sealed_to), "bytes": str(done.size), "file": done.file,
    }  # fmt: skip
    output.table("exported", COLUMNS, [(fields, cells)])
    output.say(f"SHA-256 {done.sha256.hex()}")
    output.say("Whoever gets it can check it with `timescape import --check FILE`.")
    return Exit.OK


def _streams(session: Session, arguments: argparse.Namespace) -> list[StreamId]:
    if not arguments.where:
        return [session.find(text) for text in arguments.requests]
    found = session.matching(arguments.where)
    if not found:
        problem = f"No request matches {arguments.where[:80]!r}."
        raise NotFoundError(problem, "`timescape requests FILTER` shows what does.")
    return found


COMMAND = Command(
    "export",
    "write requests, or the whole log, to one file that verifies by itself",
    """Write one file, readable by you only: the facts of some requests (with what they are forks
of), or of the whole log, also archived ones, with the hashes and seals that prove them. What was
redacted stays so. Whoever gets the file can verify it without the store, read it with sqlite3 (the
view is `events`), or bring it into another store with `timescape import`. It works while a server
writes the store. A file that is there is not written over.

examples:
  timescape export --out shop-2026.tsx                         the whole log
  timescape export 9f31c2 --out case-7.tsx
  timescape export --where 'status:5xx since:1d' --out failures.tsx
""",
    _declare,
    export,
    (Exit.NOT_FOUND, Exit.CORRUPT, Exit.WRITE_REFUSED),
)
