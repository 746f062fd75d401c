"""`timescape resolve`: which version a request would get, and why (TR-3 to TR-8)."""

import argparse
from collections.abc import Iterator

import msgspec

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.output import Column, Output, counted
from debugger.cli.versions_of import moment_of
from debugger.errors import BadInputError
from debugger.session.routing import apps, routed
from runtime.timescape import HandlerRoutes, Refusal, Selector, resolve
from runtime.timescape.instants import rfc3339
from runtime.timescape.pins import KINDS, pinned
from runtime.timescape.resolve import default_of, meaning
from runtime.timescape.splits import bucket_of, subject_of

COLUMNS = (Column("step"), Column("says", cut=True))


class Asked(msgspec.Struct, frozen=True):
    """A request as the command describes it."""

    selectors: tuple[Selector, ...]
    who: str | None
    """By what it is placed where traffic is split: a principal, or an address."""
    now_us: int


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("method", metavar="METHOD", help="such as POST")
    parser.add_argument("path", metavar="PATH", help="such as /orders; no query")
    parser.add_argument(
        "--select", action="append", default=[], metavar="S", help="as in ?version=S; repeatable"
    )
    parser.add_argument("--client", metavar="ADDRESS", help="who asks, where traffic is split")
    parser.add_argument(
        "--as", dest="caller", metavar="CALLER", help="who asks: ann, tenant:acme or credential:ID"
    )
    parser.add_argument("--at", metavar="T|P", help="as of a time, or a position of the log")


def resolve_request(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Say step by step which version a request would get."""
    then = moment_of(arguments.at)
    if "?" in arguments.path:
        problem = f"{arguments.path[:80]!r} has a query, and routes have none."
        raise BadInputError(problem, "Leave it out; what ?version=S selects is --select S.")
    with stores.session(arguments.store) as session:
        known = apps(session, **then)
        app, routes, params = routed(known, arguments.method.upper(), arguments.path)
        now_us = then.get("at_us", session.sources[0]())
    if "position" in then:
        now_us = app.table.at_us
    selectors = tuple(
        Selector("query", f"select {number}", text)
        for number, text in enumerate(arguments.select, 1)
    )
    subjects = _subjects(arguments.caller)
    if app.table.pins and not selectors:
        selectors = pinned(app.table, routes.handler, subjects)
    client = None if arguments.client is None else subject_of(arguments.client)
    asked = Asked(selectors, subjects[1] or client, now_us)
    rows = [("route", f"{routes.route}, handler {routes.handler}")]
    if params:
        rows.append(("path", ", ".join(f"{name}={text}" for name, text in params.items())))
    rows.append(("table", f"position {app.table.position}, {rfc3339(now_us)}"))
    found, steps = decide(routes, asked)
    rows += steps
    output.table("step", COLUMNS, [(_fields(row), _fields(row)) for row in rows])
    if isinstance(found, Refusal):
        output.say(found.remedy)
        return Exit.NOT_FOUND
    return Exit.OK


def _subjects(caller: str | None) -> tuple[str | None, ...]:
    """Return what a caller is known by: credential, principal, tenant."""
    kind, colon, subject = (caller or "").partition(":")
    if not colon or kind not in KINDS:
        kind, subject = "principal", caller or ""
    return tuple(subject or None if each == kind else None for each in KINDS)


def decide(routes: HandlerRoutes, asked: Asked) -> tuple[object, list[tuple[str, str]]]:
    """Return what a request gets, and the steps of that decision."""
    bucket = None
    if routes.split is not None and asked.who is not None and not asked.selectors:
        bucket = bucket_of(routes.split.salt, asked.who)
    answer = resolve(routes, asked.selectors, now_us=asked.now_us, bucket=bucket)
    steps = list(_steps(routes, asked, bucket))
    if isinstance(answer, Refusal):
        steps.append(("answer", f"{answer.status} {answer.code}: {answer.detail}"))
    else:
        edition = f", edition {answer.version.edition}" if answer.version.edition else ""
        steps.append(("answer", f"{answer.version.id}{edition}, by {answer.source}"))
        if answer.chain.steps:
            hops = counted(len(answer.chain.hops), "transformer")
            steps.append(("runs", f"{answer.runs.id}, by {hops}"))
    return answer, steps


def _steps(routes: HandlerRoutes, asked: Asked, bucket: int | None) -> Iterator[tuple[str, str]]:
    for selector in asked.selectors:
        meant = meaning(routes, selector, asked.now_us)
        said = meant.code if isinstance(meant, Refusal) else f"means {meant.version.id}"
        yield selector.name, f"{selector.text} {said}"
    if asked.selectors:
        return
    yield "named", "nothing"
    if routes.split is not None:
        shares = ", ".join(f"{version} {part / 100:g}%" for version, part in routes.split.parts)
        where = (
            "give --as or --client to see where a caller stands"
            if bucket is None
            else f"bucket {bucket}"
        )
        yield "split", f"{shares}; {where}"
        if bucket is not None:
            return
    default = default_of(routes, asked.now_us)
    yield "default", f"the tag points to {default.id}" if default else "there is no such tag"
    if default is None:
        current = routes.current(asked.now_us)
        yield "current", str(current.id) if current else "nothing was yet"


def _fields(row: tuple[str, str]) -> dict[str, str]:
    return {"step": row[0], "says": row[1]}


COMMAND = Command(
    "resolve",
    "say which version a request would get, and why",
    """Resolve a request without sending it, and print each step: the route, what each selector
means, the caller's pin, split, default tag, the current version. It ends with 3 if it would be
refused.

examples:
  timescape resolve POST /orders
  timescape resolve POST /orders --select 2026-03-01
  timescape resolve POST /orders --as ann
  timescape resolve POST /orders --client 192.0.2.7
  timescape resolve GET /products --at 2026-10-01T12:00:00Z --json
""",
    _declare,
    resolve_request,
    (Exit.NOT_FOUND,),
)
