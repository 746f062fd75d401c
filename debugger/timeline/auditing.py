"""Who did what to what: facts as an auditor reads them (AD-11, OB-7). Pure.

Everything recorded is told but what only says how far a request is. A row names no more
than the log does: who changed a tag is who said so.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from debugger.timeline.pointers import ABSENT
from debugger.timeline.searching import data_text, holds
from debugger.timeline.sentences import place, subject
from debugger.timeline.stops import MUTATIONS, is_failure
from debugger.timeline.timeline import Timeline
from eventstore import Event, UnknownEvent
from runtime import facts, version_facts
from runtime.policy_facts import PolicyDecided

AUDIT_FIELDS: Mapping[str, str] = {
    "who": "text",
    "what": "text",
    "subject": "text",
    "outcome": "text",
    "version": "text",
    "request": "text",
    "since": "since",
    "until": "until",
}
"""What a filter of audit rows may ask for."""

_PROGRESS = frozenset(
    {
        "phase.changed", "hook.registered", "hook.started", "hook.ended", "handler.started",
        "handler.ended", "effect.returned", "compensation.registered", "context.snapshotted",
        "names.registered",
    }
)  # fmt: skip
"""Facts that are steps of the way, not deeds."""


class AuditRow(msgspec.Struct, frozen=True):
    """One deed."""

    position: int
    at_us: int
    who: str
    """Principal of the request, or who said that they did it; `` where nobody did."""
    what: str
    """Type of the fact."""
    subject: str
    before: Any = ABSENT
    after: Any = ABSENT
    version: str = ""
    """Id of the version that ran, or that is told of."""
    manifest: str = ""
    """Digest of its manifest; `` where the log does not have it."""
    outcome: str = "allowed"
    """allowed, denied or failed."""
    request: str = ""
    """`` of what no request did."""
    revision: int = 0
    chain: str = ""
    """Chain value of the row of the log that holds the fact, hex."""


class AuditSubject:
    """A row and its fact, as a filter sees them."""

    def __init__(self, row: AuditRow, event: Event) -> None:
        self._row = row
        self._event = event

    def field(self, name: str) -> str | int | None:
        """Return the value of a field of `AUDIT_FIELDS`."""
        if name in ("since", "until"):
            return self._row.at_us
        return str(getattr(self._row, name)) or None

    def has(self, word: str) -> bool:
        """Say whether a column shown, or the fact, holds *word*."""
        return any(word in each.casefold() for each in self._shown()) or holds(self._event, word)

    def columns(self) -> Sequence[str]:
        """Return the columns shown."""
        return (*self._shown(), data_text(self._event))

    def root(self, name: str) -> Any:
        """Return `ABSENT`: a deed knows no places."""
        del name
        return ABSENT

    def _shown(self) -> Sequence[str]:
        return self._row.who, self._row.what, self._row.subject, self._row.request


def is_deed(event: Event) -> bool:
    """Say whether an auditor is told of *event*."""
    return event.type not in _PROGRESS


# --- what requests did ---


def of_request(timeline: Timeline, revision: int) -> AuditRow:
    """Return the row of a fact of a request; *version* is what had been chosen by then."""
    event = timeline.fact(revision)
    state = timeline.state_at(revision)
    before, after = _values(timeline, revision, event)
    return AuditRow(
        position=event.position,
        at_us=event.at_us,
        who=getattr(event.data, "by", None) or state.principal,
        what=event.type,
        subject=_subject(event),
        before=before,
        after=after,
        version=state.version or "",
        outcome=outcome_of(event),
        request=timeline.request_id,
        revision=revision,
    )


def _subject(event: Event) -> str:
    if isinstance(event.data, facts.RequestReceived):
        return f"{event.data.method} {event.data.path}"
    return subject(event)


def _values(timeline: Timeline, revision: int, event: Event) -> tuple[Any, Any]:
    """Return what stood before and after a change of state at the place it is told of."""
    if event.type not in MUTATIONS or isinstance(event.data, UnknownEvent):
        return ABSENT, ABSENT
    if isinstance(event.data, facts.ContextCleaned | facts.ContextRestored):
        moments = (timeline.state_at(at).values for at in (revision - 1, revision))
        before, after = map(dict, moments)
        return before, after
    path = place(event)
    return timeline.value_at(revision - 1, path), timeline.value_at(revision, path)


def outcome_of(event: Event) -> str:
    """Say how a fact ended: allowed, denied or failed."""
    match event.data:
        case facts.ResponseSent(status=status):
            return "failed" if status >= 500 else "denied" if status >= 400 else "allowed"
        case facts.VersionResolved(error=error):
            return "denied" if error else "allowed"
        case facts.ValidationFailed():
            return "denied" if event.key == "request" else "failed"
        case PolicyDecided():
            return "denied" if event.key == "deny" else "allowed"
        case _:
            denied = event.type.endswith((".denied", ".refused"))
            return "denied" if denied else "failed" if is_failure(event) else "allowed"


# --- what was done to versions, and to the log ---


class Ledger:
    """What stood before each change of one control stream; hear its facts in order."""

    def __init__(self) -> None:
        self._newest: dict[str, str] = {}
        self._splits: dict[str, Any] = {}
        self._in_service: dict[str, Any] = {}

    def hear(self, event: Event) -> tuple[str, Any, Any]:
        """Return of a fact what it is about, and what stood before and after it."""
        teller = _TOLD.get(type(event.data))
        return teller(self, event.data, event.key or "") if teller else _untold(event)

    def deployed(self, fact: version_facts.HandlerDeployed, key: str) -> tuple[str, Any, Any]:
        before = self._newest.get(fact.handler, ABSENT)
        self._newest[fact.handler] = key
        return fact.handler, before, key

    def split(self, fact: version_facts.TrafficSplitChanged, key: str) -> tuple[str, Any, Any]:
        before = self._splits.get(key, ABSENT)
        after = self._splits[key] = {version: share / 100 for version, share in fact.parts}
        return key, before, after

    def service(self, state: str, key: str) -> tuple[str, Any, Any]:
        before = self._in_service.get(key, "active")
        self._in_service[key] = state
        return key, before, state


def _tag(handler_version: str, tag: str) -> str:
    """Return a tag and whose it is: the handler's name stands between the id's dashes."""
    handler = handler_version.partition(":")[2].partition("-")[2].rpartition("-")[0]
    return f"{tag} {handler}".rstrip()


_TOLD: Mapping[type, Callable[[Ledger, Any, str], tuple[str, Any, Any]]] = {
    version_facts.HandlerDeployed: Ledger.deployed,
    version_facts.TrafficSplitChanged: Ledger.split,
    version_facts.VersionTagged: lambda _, fact, key: (
        _tag(key, fact.tag), fact.previous or ABSENT, key
    ),
    version_facts.VersionUntagged: lambda _, fact, key: (_tag(key, fact.tag), key, ABSENT),
    version_facts.VersionDeactivated: lambda ledger, fact, key: ledger.service("deactivated", key),
    version_facts.VersionReactivated: lambda ledger, fact, key: ledger.service("active", key),
    version_facts.VersionDeprecated: lambda ledger, fact, key: ledger.service("deprecated", key),
}  # fmt: skip


def _untold(event: Event) -> tuple[str, Any, Any]:
    stream = getattr(event.data, "stream", None)
    return (f"req-{stream}" if isinstance(stream, str) else subject(event)), ABSENT, ABSENT


def of_log(event: Event, told: tuple[str, Any, Any]) -> AuditRow:
    """Return the row of a fact that stands in no request; *told* is the ledger's answer."""
    about, before, after = told
    key = event.key or ""
    return AuditRow(
        position=event.position,
        at_us=event.at_us,
        who=str(getattr(event.data, "by", "") or ""),
        what=event.type,
        subject=about,
        before=before,
        after=after,
        version=key if key.startswith("tsv:") else "",
        outcome=outcome_of(event),
        revision=event.revision,
    )
