"""The plain linear form: one sentence a fact, no boxes, no colour (AC-2).

`#31 of 40. The handler place_order set /total from 118.00 to 121.50.`
"""

from collections.abc import Callable, Mapping
from typing import Any

from debugger.timeline.gate_sentences import GATE_TELLERS
from debugger.timeline.module_sentences import MODULE_TELLERS
from debugger.timeline.pointers import join, readable
from debugger.timeline.printable import printable
from debugger.timeline.shown import shown
from debugger.timeline.timeline import Timeline
from eventstore import Event, UnknownEvent
from runtime import facts
from runtime.policy_facts import PolicyDecided
from runtime.transform_facts import TransformApplied, VersionPlaced
from runtime.undo_facts import CompensationRetried

_CELLS = 60
"""Of a value in a sentence."""


def subject(event: Event) -> str:
    """Return what a fact is about, as lists show it: a path, a hook, a topic; printable."""
    return printable(place(event))


def place(event: Event) -> str:
    """Return what a fact is about as it was recorded: a path of user state, or its key."""
    match event.data:
        case facts.ContextSet() | facts.ContextDeleted():
            return join((event.key or "",))
        case facts.ContextEdited(patch=patch, created=created):
            return join(_common(event.key or "", () if created else patch))
        case _:
            return event.key or ""


def _common(key: str, patch: tuple[facts.Change, ...]) -> tuple[str, ...]:
    """Return the deepest place that holds all that an edit changed."""
    paths = [readable((key, *op.path)) for op in patch] or [(key,)]
    shortest = min(map(len, paths))
    depth = 0
    while depth < shortest and len({path[: depth + 1] for path in paths}) == 1:
        depth += 1
    return paths[0][:depth] or (key,)


def sentence(timeline: Timeline, revision: int) -> str:
    """Tell the fact at *revision* in one printable sentence."""
    event = timeline.fact(revision)
    # Every word may be a caller's; done twice is done once.
    return printable(f"#{revision} of {timeline.last}. {_told(timeline, revision, event)}")


def _told(timeline: Timeline, revision: int, event: Event) -> str:
    if event.type.startswith("context.") and not isinstance(event.data, UnknownEvent):
        return _context(timeline, revision, event)
    teller = _TELLERS.get(type(event.data))
    if teller is None:
        about = f" {printable(event.key)}" if event.key else ""
        return f"{event.type}{about}."
    return teller(event.data, printable(event.key or ""))


def _context(timeline: Timeline, revision: int, event: Event) -> str:
    who = _editor(event.data) or _who(timeline, revision)
    key = printable(event.key or "")
    match event.data:
        case facts.ContextSnapshotted():
            return f"{who} took the snapshot {key}."
        case facts.ContextRestored(revision=back, origin="fork", by=by):
            return f"{printable(by or 'Somebody')} restored the moment #{back} as a fork."
        case facts.ContextCleaned():
            return f"{who} removed all keys."
        case facts.ContextRestored(revision=back):
            return f"{who} restored the moment #{back}."
        case facts.ContextDeleted():
            return f"{who} deleted {subject(event)}."
        case _:
            return f"{who} {_changed(timeline, revision, event)}."


def _changed(timeline: Timeline, revision: int, event: Event) -> str:
    """Tell the first of the changes a fact made, and how many there are."""
    changes = timeline.diff(revision - 1, revision)
    if not changes:
        return f"set {subject(event)} to the value it had"
    first = changes[0]
    path, before, after = printable(first.path), first.before, first.after
    more = f", and {len(changes) - 1} more" if len(changes) > 1 else ""
    match first.sign:
        case "+":
            return f"set {path} to {shown(after, _CELLS)}{more}"
        case "-":
            return f"removed {path}, which was {shown(before, _CELLS)}{more}"
        case _:
            return f"set {path} from {shown(before, _CELLS)} to {shown(after, _CELLS)}{more}"


def _editor(fact: object) -> str:
    """Return who edited at a gate, `` where nobody did."""
    if isinstance(fact, facts.ContextEdited) and fact.origin == "gate":
        return f"{printable(fact.by or 'Somebody')}, at a gate,"
    return ""


def _who(timeline: Timeline, revision: int) -> str:
    span = timeline.state_at(revision).span
    if span is None:
        return "The runtime"
    what = "The handler" if span.kind == "handler" else f"The {span.kind} hook"
    return f"{what} {printable(span.id)}"


def _received(fact: facts.RequestReceived, key: str) -> str:
    route = f" for the route {printable(fact.route)}" if fact.route else ", which no route fits"
    return f"The request {printable(fact.method)} {printable(fact.path)} came{route}."


def _resolved(fact: facts.VersionResolved, key: str) -> str:
    if fact.error:
        return f"No version was found: {printable(fact.error)}."
    edition = f", edition {printable(fact.edition)}" if fact.edition else ""
    spoken = f", for callers of {printable(fact.contract)}" if fact.contract else ""
    return f"The version {key}{edition} was chosen by {printable(fact.source)}{spoken}."


def _applied(fact: TransformApplied, key: str) -> str:
    what = f"The {printable(fact.side)} of {printable(fact.source)}"
    if fact.error is not None:
        return f"{what} could not be made one of {key}: {_failure(fact.error)}."
    return f"{what} was made one of {key}."


def _decided(fact: PolicyDecided, key: str) -> str:
    names = ", ".join(map(printable, fact.policies)) or "no policy"
    why = f": {printable(fact.reason)}" if fact.reason else ""
    return f"The policies said {key or 'nothing'} by {names}{why}."


def _failure(failure: facts.Failure | None) -> str:
    if failure is None:
        return "no reason given"
    where = f" at {printable(failure.frames[-1])}" if failure.frames else ""
    return f"{printable(failure.error)}{where}"


def _invalid(fact: facts.ValidationFailed, key: str) -> str:
    places = ", ".join(printable(issue.path) or "/" for issue in fact.issues[:5])
    return f"The {key or 'request'} does not conform: {len(fact.issues)} faults, at {places}."


def _requested(fact: facts.EffectRequested, key: str) -> str:
    args = "" if fact.args is None else f" with {shown(fact.args, _CELLS)}"
    return f"Effect {fact.n}, {printable(fact.kind)} {key}, was asked for{args}."


def _attempts(attempts: int) -> str:
    return f" at attempt {attempts}" if attempts > 1 else ""


def _again(fact: facts.HookFailed | CompensationRetried) -> str:
    if isinstance(fact, facts.HookFailed) and not fact.will_retry:
        return ""
    return f", attempt {fact.attempt} of {fact.of}; the next follows after {fact.wait_s:g} s"


def _sent(fact: facts.ResponseSent, key: str) -> str:
    code = f" {printable(fact.code)}" if fact.code else ""
    gone = "" if fact.delivered else "; the caller was gone"
    return f"The answer {fact.status}{code} was sent{gone}."


_TELLERS: Mapping[type, Callable[[Any, str], str]] = {
    facts.RequestReceived: _received,
    facts.PrincipalEstablished: lambda fact, key: f"The caller is {key or 'anonymous'}.",
    facts.VersionResolved: _resolved,
    TransformApplied: _applied,
    VersionPlaced: lambda fact, key: f"The version {key} ran instead: {printable(fact.reason)}.",
    PolicyDecided: _decided,
    facts.PhaseChanged: lambda fact, key: f"The phase is now {key}.",
    facts.ValidationFailed: _invalid,
    facts.HookRegistered: lambda fact, key: f"A local {fact.kind} hook {key} was added.",
    facts.HookStarted: lambda fact, key: f"The {fact.level} {fact.kind} hook {key} started.",
    facts.HookEnded: lambda fact, key: f"The {fact.kind} hook {key} ended.",
    facts.HookFailed: lambda fact, key: (
        f"The {fact.kind} hook {key} failed with {_failure(fact.failure)}{_again(fact)}."
    ),
    facts.HandlerStarted: lambda fact, key: f"The handler {key} started.",
    facts.HandlerEnded: lambda fact, key: f"The handler {key} ended.",
    facts.HandlerFailed: lambda fact, key: (
        f"The handler {key} failed with {_failure(fact.failure)}."
    ),
    facts.ListenerFailed: lambda fact, key: (
        f"The {fact.kind} listener {key} failed with {_failure(fact.failure)}."
    ),
    facts.EffectRequested: _requested,
    facts.EffectReturned: lambda fact, key: (
        f"Effect {fact.n}, {key}, returned {shown(fact.value, _CELLS)}{_attempts(fact.attempts)}."
    ),
    facts.EffectFailed: lambda fact, key: (
        f"Effect {fact.n}, {key}, failed with {_failure(fact.failure)}{_attempts(fact.attempts)}."
    ),
    facts.EventPublished: lambda fact, key: f"On {key}: {shown(fact.payload, _CELLS)}.",
    facts.CompensationRegistered: lambda fact, key: (
        f"The compensation {key}, {printable(fact.name)}, was registered."
    ),
    CompensationRetried: lambda fact, key: (
        f"The compensation {key} failed with {_failure(fact.failure)}{_again(fact)}."
    ),
    facts.CompensationRan: lambda fact, key: f"The compensation {key} ran.",
    facts.CompensationFailed: lambda fact, key: (
        f"The compensation {key} failed with {_failure(fact.failure)}."
    ),
    facts.CompensationCancelled: lambda fact, key: f"The compensation {key} was dropped.",
    facts.CleanupRan: lambda fact, key: f"The cleanup {key} ran.",
    facts.CleanupFailed: lambda fact, key: (
        f"The cleanup {key} failed with {_failure(fact.failure)}."
    ),
    facts.RequestTimedOut: lambda fact, key: f"The deadline of {fact.timeout_s} s passed.",
    facts.RequestAborted: lambda fact, key: f"The request was aborted: {key}.",
    facts.ResponseSent: _sent,
    **MODULE_TELLERS,
    **GATE_TELLERS,
}
