"""`timescape search --audit`: who did what to what (CL-8, AD-11, OB-7)."""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from debugger.cli.command import Stores
from debugger.cli.exits import Exit
from debugger.cli.moments import clock_time, iso
from debugger.cli.output import Column, Output
from debugger.session.auditing import audit
from debugger.timeline import ABSENT, shown
from debugger.timeline.auditing import AuditRow
from debugger.timeline.values import quoted

OPTIONS = ("who", "what", "since", "until")
"""Fields of the filter that are options, too."""
COLUMNS = (
    Column("time"), Column("who", cut=True), Column("what"), Column("subject", cut=True),
    Column("before", cut=True), Column("after", cut=True), Column("version", cut=True),
    Column("outcome"), Column("request"), Column("position", right=True),
)  # fmt: skip
_CELLS = 60


def search(arguments: argparse.Namespace, output: Output, stores: Stores) -> Exit:
    """Print the deeds that match a filter, oldest first."""
    with stores.session(arguments.store) as session:
        found = audit(session, _where(arguments), limit=arguments.limit)
        count = output.table("deed", COLUMNS, _rows(found))
    if count == arguments.limit:
        output.say(f"The first {count}; --limit gives more.")
    elif not count:
        output.say("Nobody did that.")
    return Exit.OK


def _where(arguments: argparse.Namespace) -> str:
    """Return the filter with the options in it."""
    asked = ((name, getattr(arguments, name)) for name in OPTIONS)
    fields = [f"{name}:{quoted(text)}" for name, text in asked if text is not None]
    given = " ".join(arguments.filter)
    return " ".join([*([f"({given})"] if given else []), *fields])


def _rows(found: Iterable[AuditRow]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    for row in found:
        fields = {**msgspec.structs.asdict(row), "time": iso(row.at_us)}
        del fields["at_us"]
        cells = {
            "time": clock_time(row.at_us),
            "who": row.who,
            "what": row.what,
            "subject": row.subject,
            "before": _cell(row.before),
            "after": _cell(row.after),
            "version": row.version,
            "outcome": row.outcome,
            "request": row.request[:4] + row.request[-6:] if row.request else "",
            "position": str(row.position),
        }
        yield fields, cells


def _cell(value: Any) -> str:
    return "" if value is ABSENT else shown(value, _CELLS)
