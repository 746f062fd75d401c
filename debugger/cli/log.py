"""`timescape log`: the facts of one request, in order (CL-4)."""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.moments import iso, moment, ms
from debugger.cli.output import Column, Output
from debugger.session import Session
from debugger.timeline import Timeline, sentence, subject
from eventstore import Event, UnknownEvent

COLUMNS = (
    Column("#", right=True),
    Column("+ms", right=True),
    Column("type"),
    Column("subject", cut=True),
    Column("line", cut=True),
)


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request", metavar="REQUEST", help="id, or its last 4 digits or more")
    parser.add_argument(
        "filter", nargs="*", default=[], metavar="FILTER", help="which facts; see above"
    )
    parser.add_argument("--from", dest="first", metavar="M", help="first moment shown")
    parser.add_argument("--to", dest="last", metavar="M", help="last moment shown")
    parser.add_argument("--plain", action="store_true", help="a sentence a fact")
    parser.add_argument("--follow", action="store_true", help="go on until it ends, or ctrl+c")


def log(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Print the facts of one request."""
    with stores.session(arguments.store) as session:
        timeline = session.timeline(session.find(arguments.request))
        first = moment(timeline, arguments.first, 0, output) if arguments.first else 1
        last = moment(timeline, arguments.last, first, output) if arguments.last else timeline.last
        where = " ".join(arguments.filter)
        wanted = session.facts(timeline, where)
        shown = [revision for revision in wanted if max(first, 1) <= revision <= last]
        if not shown:
            output.say(f"None of the {timeline.last} facts match.")
        _print(timeline, shown, output, plain=arguments.plain)
        if arguments.follow:
            _follow(session, timeline, where, output, plain=arguments.plain)
    return Exit.OK


def _print(
    timeline: Timeline,
    revisions: Iterable[int],
    output: Output,
    *,
    plain: bool,
    header: bool = True,
) -> None:
    if plain and not output.as_json:
        for revision in revisions:
            output.line(sentence(timeline, revision))
        return
    output.table("fact", COLUMNS, _rows(timeline, revisions, plain=plain), header=header)


def _follow(
    session: Session, timeline: Timeline, where: str, output: Output, *, plain: bool
) -> None:
    """Print facts as they come, until the request ends."""
    output.say("Following; ctrl+c ends it.")
    output.flush()
    growing = session.growing(timeline)
    while not timeline.state_at(timeline.last).terminal:
        known, timeline = timeline.last, next(growing)
        new = [revision for revision in session.facts(timeline, where) if revision > known]
        _print(timeline, new, output, plain=plain, header=False)
        output.flush()


def _rows(
    timeline: Timeline, revisions: Iterable[int], *, plain: bool
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    started = timeline.fact(1).at_us
    for revision in revisions:
        event = timeline.fact(revision)
        passed = event.at_us - started
        fields = {
            "revision": revision,
            "at": iso(event.at_us),
            "ms": passed / 1000,
            "type": event.type,
            "subject": subject(event),
            "key": event.key,
            "line": event.site,
            "data": payload(event),
        }
        if plain:
            fields["sentence"] = sentence(timeline, revision)
        cells = {
            "#": str(revision),
            "+ms": ms(passed),
            "type": event.type,
            "subject": subject(event),
            "line": event.site or "",
        }
        yield fields, cells


def payload(event: Event) -> Any:
    """Return what a fact holds, as plain JSON data."""
    data = event.data.data if isinstance(event.data, UnknownEvent) else event.data
    return msgspec.to_builtins(data)


COMMAND = Command(
    "log",
    "print the facts of one request",
    """Print the facts of one request in order: number, milliseconds since it came, type, what
it is about, and the line of your code that caused it.

A filter has the fields kind, key, line, dur and since, and those of `timescape requests`; a lone
word is looked for in all of a fact. A moment M is a number, +50, -20, 50%, 401ms, 12:03:04.3,
start, end, failure, `hook NAME`, FILE:LINE, or the name of a snapshot.

examples:
  timescape log 9f31c2
  timescape log 9f31c2 'kind:context.* key:total'
  timescape log 9f31c2 --from failure --plain
  timescape log 9f31c2 --follow            while it runs
""",
    _declare,
    log,
    (Exit.NOT_FOUND, Exit.INTERRUPTED),
)
