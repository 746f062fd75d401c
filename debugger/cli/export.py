"""`timescape export`: requests, or the whole log, in one file that verifies by itself (CL-15)."""

import argparse
from pathlib import Path

from debugger.cli import exporting
from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output
from debugger.errors import BadInputError, NotFoundError
from debugger.session import Session
from eventstore import StreamId

FORMS = ("jsonl", "bundle", "html", "pytest", "corpus")
COLUMNS = (
    Column("requests", right=True), Column("facts", right=True), Column("redacted", right=True),
    Column("sealed to", right=True), Column("bytes", right=True), Column("file"),
)  # fmt: skip


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "requests", nargs="*", default=[], metavar="REQUEST", help="none: the whole log"
    )
    parser.add_argument("--where", default="", metavar="FILTER", help="all requests that match")
    parser.add_argument("--out", required=True, metavar="FILE", help="to be written")
    parser.add_argument(
        "--as", dest="form", choices=FORMS, help="the form (default: of the store's own)"
    )
    parser.add_argument(
        "--redact", action="append", default=[], metavar="PATH",
        help="leave out a path of state, /card, or a part of facts, request.received:/body/card",
    )  # fmt: skip
    parser.add_argument(
        "--source", action="append", type=Path, metavar="DIR",
        help="where the source lies that facts came from (html: default here; bundle: none)",
    )  # fmt: skip
    parser.add_argument("--app", metavar="MODULE:APP", help="of pytest: whose code answers")
    parser.add_argument("--force", action="store_true", help="write over a file that is there")


def export(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Write an export."""
    if arguments.requests and arguments.where:
        problem = "Requests by name and by --where are two ways to say which."
        raise BadInputError(problem, "Give one of them.")
    with stores.session(arguments.store) as session:
        streams = _streams(session, arguments)
        if arguments.form is not None:
            _require(streams)
            exporting.write(session, streams, arguments, output)
            return Exit.OK
        _refuse_options(arguments)
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


def _require(streams: list[StreamId]) -> None:
    if not streams:
        problem = "That form holds some requests, and none is named."
        raise BadInputError(problem, "Name them, or choose them with --where FILTER.")


def _refuse_options(arguments: argparse.Namespace) -> None:
    if arguments.redact:
        problem = "The store's own form proves its facts by their hashes: nothing can be left out."
        remedy = "Take it out of the store with `timescape redact`, or export --as jsonl or html."
        raise BadInputError(problem, remedy)
    if arguments.force:
        Path(arguments.out).unlink(missing_ok=True)


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
    "write requests to one file: to verify, to read, to step through, to test",
    """Write one file, readable by you only: the facts of some requests (with what they are forks
of), or of the whole log, also archived ones, with the hashes and seals that prove them. What was
redacted stays so. Whoever gets the file can verify it without the store, read it with sqlite3 (the
view is `events`), or bring it into another store with `timescape import`. It works while a server
writes the store. A file that is there is not written over.

--as gives other forms, each of some requests, each saying what of them is redacted:
  jsonl    a header, a fact a line, a digest
  html     one page that steps through them in a browser, without server or network
  bundle   one .timescape file that opens in place: timescape debug case.timescape
  pytest   a test that runs them again by the code of --app
  corpus   a folder, a file a request, for pytest --timescape-corpus; what is there stays

examples:
  timescape export --out shop-2026.tsx                         the whole log
  timescape export 9f31c2 --out case-7.tsx
  timescape export --where 'status:5xx since:1d' --out failures.tsx
  timescape export 9f31c2 --as html --out case-7.html
  timescape export 9f31c2 --as bundle --source ~/shop --out case-7.timescape
  timescape export 9f31c2 --as pytest --app shop:app --out test_case_7.py
  timescape export --where 'route:*orders* since:1d' --as corpus --out tests/corpus
""",
    _declare,
    export,
    (Exit.NOT_FOUND, Exit.CORRUPT, Exit.WRITE_REFUSED),
    wants_app=True,
)
