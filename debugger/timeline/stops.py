"""Where a step stops (TM-2), told from the facts alone."""

from collections.abc import Sequence
from typing import Literal

from eventstore import Event
from runtime.facts import ResponseSent

StepKind = Literal["event", "mutation", "hook", "effect", "phase", "failure"]

MUTATIONS = frozenset(
    {"context.set", "context.edited", "context.deleted", "context.cleaned", "context.restored"}
)
"""Types of facts that change user state."""

_SPANS = frozenset(
    {
        "hook.started", "hook.ended", "hook.failed",
        "handler.started", "handler.ended", "handler.failed",
    }
)  # fmt: skip
_PHASES = frozenset(
    {
        "request.received", "principal.established", "phase.changed", "handler.started",
        "response.sent", "request.aborted",
    }
)  # fmt: skip
_ENDED_BADLY = frozenset({"request.timed_out", "request.aborted"})


def is_failure(event: Event) -> bool:
    """Say whether *event* tells of a failure."""
    if event.type.endswith(".failed") or event.type in _ENDED_BADLY:
        return True
    return isinstance(event.data, ResponseSent) and event.data.status >= 400


def is_stop(event: Event, kind: StepKind) -> bool:
    """Say whether a step of *kind* stops right after *event*."""
    match kind:
        case "event":
            return True
        case "mutation":
            return event.type in MUTATIONS
        case "hook":
            return event.type in _SPANS
        case "effect":
            return event.type.startswith("effect.")
        case "phase":
            return event.type in _PHASES
        case "failure":
            return is_failure(event)


def stops(events: Sequence[Event], kind: StepKind) -> list[int]:
    """Return the revisions at which steps of *kind* stop, rising.

    By event the moment before the first fact is a stop too: forward then back is
    the identity (TM-3).
    """
    found = [0] if kind == "event" else []
    found.extend(n for n, event in enumerate(events, 1) if is_stop(event, kind))
    return found
