"""Requests as a list shows them."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from debugger.timeline.stops import is_failure
from eventstore import Event, Row, StreamId
from runtime import facts
from runtime.gate_facts import GateHit, GateReleased


class RequestSummary(msgspec.Struct, frozen=True):
    """One request in a list."""

    stream: StreamId
    request_id: str
    """`req-`, or what its app has ids begin with, and 32 hex digits."""
    position: int
    """Of its first event; what lists are ordered and paged by."""
    started_us: int
    method: str
    path: str
    route: str
    handler: str
    edition: str | None
    status: int | None
    """None: still running, aborted or torn."""
    outcome: str
    """`200`, `500 KeyError`, `400 validation-failed`, `running`, `paused: tax`,
    `aborted: crash`, `fork @31`."""
    failed: bool
    """Status 500 and above, timed out, or aborted."""
    duration_us: int
    facts: int
    principal: str
    parent: StreamId | None = None
    """Of a fork: the stream it goes on from."""
    name: str = ""
    version: str | None = None
    last_position: int = 0
    """Of its last event; the largest of a list is the next `after` of `Session.newer`."""
    rhythm: tuple[int, ...] = ()
    """How many facts stand in each tenth of its time, in one with a failure below 0. Empty: a
    fork, or so long that a list does not read all of it."""

    @property
    def short_id(self) -> str:
        """The same with the last 6 digits: what a person types."""
        return f"{self.request_id.partition('-')[0]}-{self.stream.hex[-6:]}"


class RequestList(msgspec.Struct, frozen=True):
    """A page of requests, newest first."""

    requests: Sequence[RequestSummary]
    older: int | None
    """Pass as `before` for the next page; None: there is no more."""
    scanned: int
    """Requests looked at to fill the page."""


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_NAMED = re.compile(r"(?:[a-z]{1,12}-|req)?([0-9a-f-]{4,40})", re.ASCII)
_DIGITS = re.compile(r"[0-9a-f]{4,32}", re.ASCII)


def digits_of(text: str) -> str | None:
    """Return the digits of an id as people write it, whatever it begins with; None: it is none."""
    text = text.strip().lower()
    found = None if _UUID.fullmatch(text) else _NAMED.fullmatch(text)
    digits = (text if found is None else found[1]).replace("-", "")
    return digits if _DIGITS.fullmatch(digits) else None


def is_named(text: str) -> bool:
    """Say whether *text* is an id of a request, and with its beginning can be nothing else."""
    start, dash, _ = text.partition("-")
    return bool(dash) and start.isalpha() and digits_of(text) is not None


def request_id(stream: StreamId) -> str:
    """Return `req-` and 32 hex digits: any app's request is found by that."""
    return f"req-{stream.hex}"


def short_id(stream: StreamId) -> str:
    """Return `req-` and the last 6 digits."""
    return f"req-{stream.hex[-6:]}"


class _Told:
    """What the facts seen so far say of a request."""

    def __init__(self) -> None:
        self.received = facts.RequestReceived("", "", "", "", "")
        self.principal = "anonymous"
        self.edition: str | None = None
        self.version: str | None = None
        self.failure: facts.Failure | None = None
        self.timed_out = False
        self.aborted: str | None = None
        self.held = ""
        """By which point a gate holds it, as far as was heard."""
        self.sent: facts.ResponseSent | None = None

    def hear(self, events: Iterable[Event]) -> None:
        # Most say nothing here, and a list asks thousands of requests.
        for event in (each for each in events if type(each.data) in _TELLING):
            match event.data:
                case facts.RequestReceived():
                    self.received = event.data
                case facts.PrincipalEstablished():
                    self.principal = event.key or "anonymous"
                case facts.VersionResolved(edition=edition):
                    self.version, self.edition = event.key or None, edition
                case facts.HookFailed(will_retry=True):
                    pass
                case facts.HookFailed(failure=failure) | facts.HandlerFailed(failure=failure):
                    self.failure = self.failure or failure
                case facts.RequestTimedOut():
                    self.timed_out = True
                case facts.RequestAborted():
                    self.aborted = event.key or "unknown"
                case facts.ResponseSent():
                    self.sent = event.data
                case _:
                    self._hear_of_gate(event.data)

    def _hear_of_gate(self, fact: object) -> None:
        if isinstance(fact, GateReleased):
            self.held = ""
        elif isinstance(fact, GateHit) and fact.paused:
            self.held = fact.point

    def outcome(self, forked_at: int | None) -> str:
        if self.aborted is not None:
            return f"aborted: {self.aborted}"
        if self.sent is not None:
            return f"{self.sent.status} {self._reason()}".rstrip()
        if forked_at is not None:
            return f"fork @{forked_at}"
        return f"paused: {self._held_at()}" if self.held else "running"

    def _held_at(self) -> str:
        """Name the hook, handler or effect: of an effect the module, too, which tells most."""
        kind, _, name = self.held.partition(" ")
        return name if kind.startswith("effect") else name.rpartition(".")[2]

    def _reason(self) -> str:
        if self.sent is None or self.sent.status < 400:
            return ""
        # `handler-error` says nothing; the class of the error does.
        if self.failure is not None and self.sent.code in (None, "", "handler-error"):
            return self.failure.error
        return self.sent.code or ""


_TELLING = frozenset({
    facts.RequestReceived, facts.PrincipalEstablished, facts.VersionResolved, facts.HookFailed,
    facts.HandlerFailed, facts.RequestTimedOut, facts.RequestAborted, facts.ResponseSent,
    GateReleased, GateHit,
})  # fmt: skip
TENTHS = 10


def rhythm_of(events: Sequence[Event], *, failures: bool) -> tuple[int, ...]:
    """Count the facts of each tenth of the time; where *failures* are looked for, below 0."""
    started = events[0].at_us
    total = max(events[-1].at_us - started, 0) + 1
    counts = [0] * TENTHS
    bad: set[int] = set()
    for event in events:
        tenth = min(max((event.at_us - started) * TENTHS // total, 0), TENTHS - 1)
        counts[tenth] += 1
        if failures and is_failure(event):
            bad.add(tenth)
    return tuple(-count if tenth in bad else count for tenth, count in enumerate(counts))


def summarize(
    row: Row, last: Row, *, prefix: Sequence[Event] = (), middle: Sequence[Event] = ()
) -> RequestSummary:
    """Say in a line what a request did, from its first and its last row (may be the same).

    Args:
        row: its first.
        last: its last.
        prefix: of a fork, the first facts it shares with its parent.
        middle: what stands between the rows, if that was read.
    """
    told = _Told()
    told.hear(event for event in prefix if not isinstance(event.data, facts.ResponseSent))
    told.hear(row.events)
    told.hear(middle)
    if last is not row:
        told.hear(last.events)
    received, sent = told.received, told.sent
    started = row.events[0].at_us
    failed = told.aborted is not None or told.timed_out or (sent is not None and sent.status >= 500)
    whole = row.events if last is row else (*row.events, *middle, *last.events)
    known = row.parent is None and len(whole) == last.last
    return RequestSummary(
        stream=row.stream,
        request_id=f"{received.prefix}-{row.stream.hex}",
        position=row.position,
        started_us=started,
        method=received.method,
        path=received.path,
        route=received.route,
        handler=received.handler,
        edition=told.edition,
        status=sent.status if sent else None,
        outcome=told.outcome(row.parent_revision if row.parent else None),
        failed=failed,
        duration_us=max(last.events[-1].at_us - started, 0),
        facts=last.last,
        principal=told.principal,
        parent=row.parent,
        version=told.version,
        last_position=last.position + len(last.events) - 1,
        rhythm=rhythm_of(whole, failures=failed) if known else (),
    )
