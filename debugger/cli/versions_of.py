"""What the commands about versions share: their options, and how they tell of versions."""

import argparse
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import to_builtins

from debugger.cli.moments import iso
from debugger.cli.output import Column, Output, json_line
from debugger.cli.restore import user
from debugger.errors import BadInputError
from debugger.timeline import printable
from runtime.control import Changed
from runtime.timescape import HandlerRoutes, Version
from runtime.timescape.instants import parse_instant

COLUMNS = (
    Column("version"),
    Column("edition"),
    Column("since"),
    Column("state"),
    Column("tags", cut=True),
    Column("traffic", right=True),
)
_FACTS = (Column("fact"), Column("of", cut=True), Column("data", cut=True))


def add_change_options(parser: argparse.ArgumentParser) -> None:
    """Add what every change of versions takes."""
    parser.add_argument("--by", default="", metavar="NAME", help="who asks (default: your login)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be, append nothing")


def who(arguments: argparse.Namespace) -> str:
    """Return who changes something."""
    return arguments.by or user()


def moment_of(text: str | None) -> dict[str, int]:
    """Read `--at`: a position of the log, or a time; nothing: now.

    Raises:
        BadInputError: it is neither.
    """
    if text is None:
        return {}
    if text.isascii() and text.isdecimal():
        return {"position": int(text)}
    return {"at_us": time_of(text, "a position such as 31337, ")}


def time_of(text: str, besides: str = "") -> int:
    """Read a time; *besides*: what else may stand in its place.

    Raises:
        BadInputError: it is none.
    """
    full = f"{text}T00:00:00Z" if len(text) == len("2026-10-01") else text
    at_us = parse_instant(full)
    if at_us is None:
        problem = f"{text[:80]!r} is no time{' and no position' if besides else ''}."
        forms = "2026-10-01, 2026-10-01T12:00:00Z or @<unix seconds>"
        raise BadInputError(problem, f"Write {besides}{forms}.")
    return at_us


def tell(changed: Changed, output: Output, *, dry_run: bool, nothing: str) -> None:
    """Print the facts of a change, or say that there was nothing to do."""
    if not changed:
        output.say(nothing)
        return
    rows = []
    for event in changed.events:
        data = plain(event.data)
        fields = {
            "position": None if dry_run else event.position,
            "time": iso(event.at_us),
            "type": event.type,
            "key": event.key,
            "data": data,
            "dry_run": dry_run,
        }
        shown = " ".join(f"{name}={_text(value)}" for name, value in data.items())
        rows.append((fields, {"fact": event.type, "of": event.key, "data": shown}))
    output.table("fact", _FACTS, rows)
    if dry_run:
        output.say("Nothing was appended.")


def _text(value: Any) -> str:
    return printable(value) if isinstance(value, str) else json_line(value)


def plain(fact: Any) -> dict[str, Any]:
    """Return the fields of a fact that say something."""
    data: dict[str, Any] = to_builtins(fact)
    return data


def version_rows(
    routes: HandlerRoutes, now_us: int
) -> Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Give a handler's versions as JSON fields and as cells, in the order of its line."""
    for version in routes.line:
        yield version_row(routes, version, now_us)


def version_row(
    routes: HandlerRoutes, version: Version, now_us: int
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return a version as JSON fields and as cells."""
    name = str(version.id)
    retirement = routes.retirement(name)
    state = state_of(routes, version, now_us)
    share = routes.share(name)
    fields = {
        "handler": routes.handler,
        "route": routes.route,
        "version": name,
        "edition": version.edition,
        "effective": iso(version.effective_us),
        "activation": version.activation,
        "state": state,
        "current": routes.current(now_us) == version,
        "tags": routes.tags_of(name),
        "traffic": share or None,
        "deprecated": None if retirement.deprecated_us is None else iso(retirement.deprecated_us),
        "sunset": None if retirement.sunset_us is None else iso(retirement.sunset_us),
        "fingerprint": version.fingerprint,
    }
    cells = {
        "version": name,
        "edition": version.edition or "",
        "since": iso(version.effective_us)[:19] + "Z",
        "state": state,
        "tags": " ".join(routes.tags_of(name)),
        "traffic": f"{share / 100:g}%" if share else "",
    }
    return fields, cells


def state_of(routes: HandlerRoutes, version: Version, now_us: int) -> str:
    """Say in a word or two what a version is."""
    retirement = routes.retirement(str(version.id))
    if retirement.deactivated is not None:
        return "stopped" if retirement.deactivated == "security" else "deactivated"
    if retirement.sunset_us is not None and retirement.sunset_us <= now_us:
        return "ended"
    if version.effective_us > now_us:
        return "scheduled"
    current = "current" if routes.current(now_us) == version else "active"
    return f"{current}, deprecated" if retirement.deprecated_us is not None else current
