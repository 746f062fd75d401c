"""Who changed what beside the requests: deployments, tags, splits, redactions (AD-11)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from debugger.session.session import Session
from debugger.session.subjects import json_of
from debugger.timeline import ABSENT, matches, parse, shown
from debugger.timeline.predicate import Fields
from eventstore import Event
from runtime.context import registry

AUDIT_FIELDS: Fields = {"who": "text", "what": "text", "subject": "text", "since": "since"}
_PAGE = 256
MOST = 4_096
"""Rows that are looked at."""


class AuditRow(msgspec.Struct, frozen=True):
    """One change."""

    position: int
    at_us: int
    who: str
    what: str
    """The type of the fact: `version.tagged`."""
    subject: str
    detail: str
    """What else the fact says."""
    data: Any


def audit(session: Session, where: str = "") -> list[AuditRow]:
    """Return changes that match the filter text, newest first.

    Raises:
        FilterError: the filter cannot be read.
    """
    wanted = parse(where, AUDIT_FIELDS)
    now_us = session.sources[0]()
    kinds = tuple(kind.name for kind in registry().kinds if kind.name != "request")
    found: list[AuditRow] = []
    before: int | None = None
    while len(found) < MOST:
        rows = session.store.read_log(before=before, limit=_PAGE, kinds=kinds, newest_first=True)
        if not rows:
            break
        before = rows[-1].position
        for row in rows:
            told = [_row(event) for event in reversed(row.events)]
            found += [r for r in told if matches(wanted, AuditSubject(r), AUDIT_FIELDS, now_us)]
    return found


def _row(event: Event) -> AuditRow:
    data = json_of(event.data)
    fields = data if isinstance(data, dict) else {"data": data}
    who = fields.get("by") or "runtime"
    rest = {name: value for name, value in fields.items() if name not in ("by", "manifest")}
    return AuditRow(
        event.position, event.at_us, str(who), event.type, event.key or "",
        shown(rest, 400) if rest else "", rest,
    )  # fmt: skip


class AuditSubject:
    """A change as filters see it."""

    def __init__(self, row: AuditRow) -> None:
        self._row = row

    def field(self, name: str) -> str | int | None:
        """Return the value of a field of `AUDIT_FIELDS`."""
        row = self._row
        values: dict[str, str | int] = {
            "who": row.who, "what": row.what, "subject": row.subject, "since": row.at_us,
        }  # fmt: skip
        return values[name]

    def has(self, word: str) -> bool:
        """Say whether a column shown holds *word*."""
        return any(word in column.casefold() for column in self.columns())

    def columns(self) -> Sequence[str]:
        """Return the columns shown."""
        row = self._row
        return row.who, row.what, row.subject, row.detail

    def root(self, name: str) -> Any:
        """Return `ABSENT`: a change knows no places."""
        del name
        return ABSENT
