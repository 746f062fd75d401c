"""`timescape state`: what a request knew at a moment (CL-5)."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.moments import moment
from debugger.cli.output import Column, Output
from debugger.errors import NotFoundError
from debugger.timeline import ABSENT, Timeline, shown
from debugger.timeline.pointers import join, lookup, parts, split
from runtime.context import RequestState

COLUMNS = (Column("path", cut=True), Column("value", cut=True), Column("last write", cut=True))


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("request", metavar="REQUEST", help="id, or its last 4 digits or more")
    parser.add_argument("--at", default="end", metavar="M", help="the moment (default: end)")
    parser.add_argument("--path", default="", metavar="P", help="only this part: /items/0")


def state(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Print user state at a moment, a row a key, or what one path holds."""
    with stores.session(arguments.store) as session:
        timeline = session.timeline(session.find(arguments.request))
        at = moment(timeline, arguments.at, timeline.last, output)
        rows = list(_rows(timeline, at, arguments.path))
        output.say(_headline(timeline, at))
        if not rows:
            output.say("No keys are set.")
        if rows or output.as_json:
            output.table("value", COLUMNS, rows)
    return Exit.OK


def _rows(
    timeline: Timeline, at: int, path: str
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    tokens = split(path)
    values = timeline.state_at(at).values
    value = lookup(values, tokens)
    if value is ABSENT:
        keys = ", ".join(list(values)[:10]) or "none"
        problem = f"{path[:80]!r} is not there at #{at}."
        raise NotFoundError(problem, f"Keys at that moment: {keys}.")
    inner = values if not tokens else parts(value)
    if isinstance(inner, list):
        children = [(join((*tokens, str(i))), item) for i, item in enumerate(inner)]
    elif isinstance(inner, Mapping):
        children = [(join((*tokens, key)), item) for key, item in inner.items()]
    else:
        children = [(join(tokens), value)]
    for place, item in children:
        yield _row(timeline, at, place, item)


def _row(
    timeline: Timeline, at: int, path: str, value: Any
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    write = timeline.last_write(path, at)
    revision, by, site = (write.revision, write.by, write.site) if write else (None, "", None)
    fields = {"path": path, "value": value, "revision": revision, "by": by, "line": site}
    last = " ".join(filter(None, (f"#{revision}" if revision else "never set", by, site)))
    return fields, {"path": path, "value": shown(value), "last write": last}


def _headline(timeline: Timeline, at: int) -> str:
    """Say what is so at the moment beside the values (SN-1)."""
    now: RequestState = timeline.state_at(at)
    parts_told = [f"{timeline.request_id} at #{at} of {timeline.last}"]
    if now.phase:
        parts_told.append(f"phase {now.phase}")
    if now.span is not None:
        parts_told.append(f"in the {now.span.kind} {now.span.id}")
    if now.pending:
        waiting = ", ".join(effect.name for effect in now.pending.values())
        parts_told.append(f"waiting for {waiting}")
    if now.compensations:
        parts_told.append(f"{len(now.compensations)} compensations")
    if now.failure is not None:
        parts_told.append(f"failed with {now.failure.error}")
    if now.status is not None:
        parts_told.append(f"answered {now.status}")
    return ", ".join(parts_told) + "."


COMMAND = Command(
    "state",
    "print a request's state at any moment",
    """Print what a request's context held at a moment: each key, its value, and who wrote it
last. A moment M is a number (0 is before the first fact), -20, 50%, 401ms, failure, `hook NAME`,
FILE:LINE, the name of a snapshot, or end.

examples:
  timescape state 9f31c2                    as it was at the end
  timescape state 9f31c2 --at failure       when it went wrong
  timescape state 9f31c2 --at 31 --path /items/0
""",
    _declare,
    state,
    (Exit.NOT_FOUND,),
)
