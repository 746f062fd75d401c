"""`timescape search`: facts anywhere in the log (CL-8)."""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from debugger.cli import auditing
from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.log import payload
from debugger.cli.moments import clock_time, iso
from debugger.cli.output import Column, Output, counted
from debugger.cli.requests import positive
from debugger.errors import BadInputError
from debugger.session import request_id, short_id
from debugger.session.searching import search as find
from debugger.timeline import Unknown, data_text, subject
from eventstore import Row

COLUMNS = (
    Column("position", right=True),
    Column("time"),
    Column("request"),
    Column("#", right=True),
    Column("match", cut=True),
)


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "filter", nargs="*", default=[], metavar="FILTER", help="which facts; see above"
    )
    parser.add_argument("--audit", action="store_true", help="who did what to what")
    parser.add_argument("--who", metavar="NAME", help="with --audit: by whom")
    parser.add_argument("--what", metavar="TYPE", help="with --audit: which fact, version.*")
    parser.add_argument("--since", metavar="TIME", help="with --audit: not before")
    parser.add_argument("--until", metavar="TIME", help="with --audit: not after")
    parser.add_argument(
        "--limit", type=positive, default=1000, metavar="N", help="at most so many (default: 1000)"
    )


def search(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Print the facts of all requests that match a filter, oldest first."""
    if arguments.audit:
        return auditing.search(arguments, output, stores)
    _require_filter(arguments)
    with stores.session(arguments.store) as session:
        passed: list[Unknown] = []
        where = " ".join(arguments.filter)
        found = find(session, where, limit=arguments.limit, unknown=passed.append)
        count = output.table("match", COLUMNS, _rows(found))
    if passed:
        output.say(f"{counted(len(passed), 'fact')} passed, unknown: {passed[0].reason}.")
    if count == arguments.limit:
        output.say(f"The first {count}; --limit gives more.")
    elif not count:
        output.say("No fact matches.")
    return Exit.OK


def _require_filter(arguments: argparse.Namespace) -> None:
    if not arguments.filter:
        problem = "No FILTER says what to search for."
        raise BadInputError(
            problem, "Write a word, or FIELD:VALUE; `timescape search --help` shows both."
        )
    if any(getattr(arguments, name) is not None for name in auditing.OPTIONS):
        problem = "--who, --what, --since and --until are of --audit."
        raise BadInputError(problem, "Add it, or write since:15m into the filter.")


def _rows(
    found: Iterable[tuple[Row, int]],
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for row, index in found:
        event = row.events[index]
        fields = {
            "position": event.position,
            "time": iso(event.at_us),
            "request": request_id(row.stream),
            "revision": event.revision,
            "type": event.type,
            "key": event.key,
            "line": event.site,
            "data": payload(event),
        }
        cells = {
            "position": str(event.position),
            "time": clock_time(event.at_us),
            "request": short_id(row.stream),
            "#": str(event.revision),
            "match": f"{event.type} {subject(event)} {data_text(event)[:4096]}",
        }
        yield fields, cells


COMMAND = Command(
    "search",
    "find facts in the whole log",
    """Find facts of all requests, oldest first. A lone word is looked for in type, key, line and
data; fields are kind, key, line, since, dur, and of the request status, route, outcome and the
others of `timescape requests`. A place such as state.total is what it is after the fact, old.total
before it: each fact at which it holds is found, with changed( ) those that changed it.

With --audit it tells who did what to what, before and after, under which version, and whether
that was allowed, denied or failed: requests, and what was done to versions, tags, traffic and the
log itself. Its fields are who, what, subject, outcome, version, request, since and until.

examples:
  timescape search atlas                            every fact that mentions it
  timescape search 'kind:handler.failed since:1d'
  timescape search 'kind:context.set key:total principal:ann'
  timescape search 'state.total > 400 changed(state.total)'
  timescape search --audit --who ann --since 1d
  timescape search --audit 'what:version.tagged subject:stable'
""",
    _declare,
    search,
)
