"""`timescape resolve`: which version a request would get, and why (TR-3 to TR-8)."""

import argparse
from collections.abc import Iterator

import msgspec

from debugger.cli.command import Command, Stores
from debugger.cli.exits import Exit
from debugger.cli.moments import iso
from debugger.cli.output import Column, Output, counted
from debugger.cli.versions_of import moment_of
from debugger.errors import BadInputError
from debugger.session.resolved import Resolved, resolved
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
    parser.add_argument(
        "words", nargs="+", metavar="METHOD PATH | REQUEST",
        help="such as POST /orders, without a query; or the id of a request",
    )  # fmt: skip
    parser.add_argument(
        "--select", action="append", default=[], metavar="S", help="as in ?version=S; repeatable"
    )
    parser.add_argument("--client", metavar="ADDRESS", help="who asks, where traffic is split")
    parser.add_argument(
        "--as", dest="caller", metavar="CALLER", help="who asks: ann, tenant:acme or credential:ID"
    )
    parser.add_argument("--at", metavar="T|P", help="as of a time, or a position of the log")


def resolve_request(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Say step by step which version a request would get, or got."""
    method, path = _asked(arguments.words)
    if method is None:
        return _recorded(path, arguments, output, stores)
    then = moment_of(arguments.at)
    with stores.session(arguments.store) as session:
        known = apps(session, **then)
        app, routes, params = routed(known, method, path)
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


def _asked(words: list[str]) -> tuple[str | None, str]:
    """Return method and path; of a request that was no method, and its id."""
    *method, path = words
    if len(method) > 1 or (not method and path.startswith("/")):
        problem = f"{' '.join(words)[:80]!r} is neither METHOD PATH nor the id of a request."
        raise BadInputError(problem, "Write `timescape resolve POST /orders`, or an id.")
    if method and "?" in path:
        problem = f"{path[:80]!r} has a query, and routes have none."
        raise BadInputError(problem, "Leave it out; what ?version=S selects is --select S.")
    return (method[0].upper() if method else None), path


def _recorded(name: str, arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Say why a request got its version, as its record has it: nothing is resolved again."""
    if arguments.select or arguments.client or arguments.caller or arguments.at:
        problem = "A request that was sent has got its version."
        raise BadInputError(problem, "Leave --select, --client, --as and --at out.")
    with stores.session(arguments.store) as session:
        timeline = session.timeline(session.find(name))
        found = resolved(session, timeline)
    if found is None:
        output.say(f"{timeline.request_id} ended before a version was looked for.")
        return Exit.NOT_FOUND
    fields = {"request": timeline.request_id, **told(found)}
    if output.as_json:
        output.record("version", fields)
        return Exit.OK
    rows = [(key, ", ".join(value) if isinstance(value, list) else str(value))
            for key, value in fields.items() if value not in (None, [], {})]  # fmt: skip
    output.table("step", COLUMNS, [(_fields(row), _fields(row)) for row in rows])
    return Exit.OK


def told(found: Resolved) -> dict[str, object]:
    """Return how a version was found, as JSON."""
    return {
        "source": found.source, "asked": found.asked, "error": found.error,
        "version": found.version, "edition": found.edition, "runs": found.runs,
        "chain": list(found.chain), "bucket": found.bucket,
        "evaluated_at": iso(found.evaluated_us), "table": found.table or None,
        "manifests": [f"{version} {digest}" for version, digest in found.manifests.items()],
    }  # fmt: skip


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
    "say which version a request would get, or got, and why",
    """Resolve a request without sending it, and print each step: the route, what each selector
means, the caller's pin, split, default tag, the current version. It ends with 3 if it would be
refused. Of a request that was recorded it says how that got its version: what it asked for, by
which table, when, and the manifests of what it spoke and what ran; nothing is resolved again.

examples:
  timescape resolve POST /orders
  timescape resolve POST /orders --select 2026-03-01
  timescape resolve POST /orders --as ann
  timescape resolve POST /orders --client 192.0.2.7
  timescape resolve 9f31c2
  timescape resolve GET /products --at 2026-10-01T12:00:00Z --json
""",
    _declare,
    resolve_request,
    (Exit.NOT_FOUND,),
)
