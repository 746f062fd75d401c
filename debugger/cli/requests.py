"""`timescape requests`: what was asked, newest first (CL-3)."""

import argparse
from collections.abc import Mapping
from typing import Any

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.moments import clock_time, iso
from debugger.cli.output import Column, Output
from debugger.session import RequestSummary, Session, request_id, short_id

COLUMNS = (
    Column("started"),
    Column("request"),
    Column("route", cut=True),
    Column("version", cut=True),
    Column("outcome", cut=True),
    Column("ms", right=True),
    Column("facts", right=True),
    Column("principal", cut=True),
)


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "filter", nargs="*", default=[], metavar="FILTER", help="which requests; see above"
    )
    parser.add_argument(
        "--limit", type=positive, default=100, metavar="N", help="at most so many (default: 100)"
    )
    parser.add_argument(
        "--follow", action="store_true", help="go on with those that come, until ctrl+c"
    )


def whole(text: str, least: int = 0) -> int:
    """Read a whole number from *least*."""
    if not text.isascii() or not text.isdecimal() or int(text) < least:
        message = f"{text!r} is not a whole number from {least}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def positive(text: str) -> int:
    """Read a whole number from 1."""
    return whole(text, least=1)


def requests(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """List requests that match a filter."""
    where = " ".join(arguments.filter)
    with stores.session(arguments.store) as session:
        end = session.end()
        found, scanned = _newest(session, where, arguments.limit)
        if not found:
            output.say(f"None of {scanned} match." if scanned else "No requests are recorded yet.")
        if found or output.as_json or arguments.follow:
            output.table("request", COLUMNS, map(row_of, found))
        if arguments.follow:
            _follow(session, where, end, output)
    return Exit.OK


def _newest(session: Session, where: str, limit: int) -> tuple[list[RequestSummary], int]:
    found: list[RequestSummary] = []
    scanned, before = 0, None
    while len(found) < limit:
        page = session.requests(where, before=before, limit=min(limit - len(found), 256))
        found.extend(page.requests)
        scanned += page.scanned
        before = page.older
        if before is None:
            break
    return found, scanned


def _follow(session: Session, where: str, end: int, output: Output) -> None:
    newer = session.follow(end, where)
    output.say("Following; ctrl+c ends it.")
    output.flush()
    for found in newer:
        output.table("request", COLUMNS, map(row_of, found), header=False)
        output.flush()


def row_of(summary: RequestSummary) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return a request as JSON fields and as cells."""
    fields = {
        "started": iso(summary.started_us),
        "request": summary.request_id,
        "method": summary.method,
        "path": summary.path,
        "route": summary.route,
        "handler": summary.handler,
        "version": summary.version,
        "edition": summary.edition,
        "status": summary.status,
        "outcome": summary.outcome,
        "failed": summary.failed,
        "ms": summary.duration_us / 1000,
        "facts": summary.facts,
        "principal": summary.principal,
        "parent": request_id(summary.parent) if summary.parent else None,
        "position": summary.position,
    }
    fork = f" < {short_id(summary.parent)}" if summary.parent else ""
    cells = {
        "started": clock_time(summary.started_us),
        "request": summary.short_id,
        "route": (summary.route or f"{summary.method} {summary.path}") + fork,
        "version": summary.edition or summary.version or "",
        "outcome": summary.outcome,
        "ms": f"{summary.duration_us / 1000:.1f}",
        "facts": str(summary.facts),
        "principal": summary.principal,
    }
    return fields, cells


COMMAND = Command(
    "requests",
    "list recorded requests, newest first",
    """List recorded requests, newest first. Blanks in a filter mean `and`; a lone word is looked
for in route, path, id, outcome and principal.

  fields   status route handler version outcome method path principal id since dur facts
  tests    field:value  field:one,other  field:>=value  with * and ?
  joined   !term  not term  a or b  (a or b) c

examples:
  timescape requests                            the last hundred
  timescape requests 'status:500 since:15m'     what failed in the last quarter of an hour
  timescape requests 'route:*orders* dur:>100ms !principal:ann'
  timescape requests --follow --json | jq .status
""",
    _declare,
    requests,
    (Exit.INTERRUPTED,),
)
