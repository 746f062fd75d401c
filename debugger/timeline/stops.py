"""Where a step stops (TM-2), told from the facts alone."""

from collections.abc import Sequence
from typing import Literal

from eventstore import Event
from runtime.facts import ResponseSent

StepKind = Literal["event", "mutation", "hook", "effect", "phase", "failure", "line"]
Plain = Literal["event", "mutation", "hook", "effect", "phase", "failure"]
"""Kinds whose stops are told from a fact alone."""

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


def is_stop(event: Event, kind: Plain) -> bool:
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


def stops(events: Sequence[Event], kind: Plain) -> list[int]:
    """Return the revisions at which steps of *kind* stop, rising.

    By event the moment before the first fact is a stop too: forward then back is
    the identity (TM-3).
    """
    found = [0] if kind == "event" else []
    found.extend(n for n, event in enumerate(events, 1) if is_stop(event, kind))
    return found


def lines(events: Sequence[Event]) -> list[int]:
    """Return the revisions of facts that came from another line than the one before, rising.

    Facts that came from no line, such as those of the runtime, are passed by.
    """
    found: list[int] = []
    last: str | None = None
    for revision, event in enumerate(events, 1):
        if event.site is not None and event.site != last:
            found.append(revision)
            last = event.site
    return found


class Spans:
    """Which hook or handler each moment lies in, for steps over and out."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._start: list[int] = [0] * (len(events) + 1)
        """Of each moment, the fact that opened the span it lies in; 0: in none."""
        self._end: dict[int, int] = {}
        opened: list[int] = []
        for revision, event in enumerate(events, 1):
            subject, _, what = event.type.partition(".")
            if subject in ("hook", "handler"):
                if what == "started":
                    opened.append(revision)
                elif what in ("ended", "failed") and opened:
                    self._end[opened.pop()] = revision
            self._start[revision] = opened[-1] if opened else 0

    def over(self, revision: int, *, forward: bool) -> int | None:
        """Return the nearest moment beyond, outside of spans opened after the cursor.

        Back, those that were closed after it. None: there is none.
        """
        last = len(self._start) - 1
        if not forward:
            closed = {end: start for start, end in self._end.items()}
            target = closed.get(revision, revision) - 1
            return target if target >= 0 else None
        target = revision + 1
        target = self._end.get(target, target)
        return target if target <= last else None

    def out(self, revision: int, *, forward: bool) -> int | None:
        """Return the end of the span the moment lies in, or back its start; None: in none."""
        start = self._start[revision]
        if not start:
            return None
        if forward:
            return self._end.get(start)
        return start if start < revision else None
