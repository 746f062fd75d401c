"""Where the time of a request went: spans, one within the other, with their own time (UI-4)."""

from collections.abc import Iterable, Sequence

import msgspec

from eventstore import Event

_STARTS = frozenset({"hook.started", "handler.started", "effect.requested", "gate.hit"})
_ENDS = {
    "hook.ended": "hook", "hook.failed": "hook", "handler.ended": "handler",
    "handler.failed": "handler", "effect.returned": "effect", "effect.failed": "effect",
    "gate.released": "gate",
}  # fmt: skip
_POINTS = (
    "policy.", "transform.", "validation.", "compensation.ran", "compensation.failed",
    "compensation.retried", "cleanup.",
)  # fmt: skip


class Span(msgspec.Struct, frozen=True):
    """Something that took time, or a point at which something was done."""

    kind: str
    """request, hook, handler, effect, gate, wait, or the first word of a point's fact."""
    name: str
    start: int
    """Revision of the fact it began with."""
    end: int | None
    """Of the fact it ended with; None: it has not."""
    start_us: int
    """Since the request came."""
    end_us: int
    own_us: int
    """Of its time, what no span within it took."""
    depth: int
    note: str = ""
    """attempt 2, failed, open."""

    @property
    def waits(self) -> bool:
        """Whether nothing was worked at: a gate, a sleep, the pause before another attempt."""
        return self.kind in ("gate", "wait")


class _Open:
    """A span in the making."""

    def __init__(self, kind: str, name: str, start: int, start_us: int, depth: int) -> None:
        self.kind, self.name, self.start, self.start_us = kind, name, start, start_us
        self.depth = depth
        self.end: int | None = None
        self.end_us = start_us
        self.notes: list[str] = []
        self.inner: list[tuple[int, int]] = []

    def done(self) -> Span:
        own = self.end_us - self.start_us - _covered(self.inner)
        notes = [*self.notes] if self.end is not None else [*self.notes, "open"]
        return Span(
            self.kind, self.name, self.start, self.end, self.start_us, self.end_us, max(own, 0),
            self.depth, ", ".join(notes),
        )  # fmt: skip


def spans(events: Sequence[Event], *, now_us: int | None = None) -> list[Span]:
    """Return all spans of a request in the order in which they began; the first is all of it.

    Args:
        events: of the request.
        now_us: where spans end that are open still; None: at the last fact.
    """
    return _Spans(events, now_us).found() if events else []


class _Spans:
    def __init__(self, events: Sequence[Event], now_us: int | None) -> None:
        self._events = events
        self._began = events[0].at_us
        last = max(event.at_us for event in events)
        self._now = max(last, now_us or last) - self._began
        self._all: list[_Open] = []
        self._stack: list[_Open] = []
        self._effects: dict[int, _Open] = {}
        self._failed: dict[str, _Open] = {}

    def found(self) -> list[Span]:
        self._open("request", "request", 1, 0)
        for revision, event in enumerate(self._events, 1):
            self._hear(revision, event)
        terminal = self._events[-1].type in ("response.sent", "request.aborted")
        if terminal:
            self._close(self._all[0], len(self._events), self._at(self._events[-1]))
        for span in self._all:
            if span.end is None:
                span.end_us = self._now
        return [span.done() for span in self._all]

    def _at(self, event: Event) -> int:
        return max(event.at_us - self._began, 0)

    def _open(self, kind: str, name: str, revision: int, at: int) -> _Open:
        span = _Open(kind, name, revision, at, len(self._stack))
        self._all.append(span)
        if kind not in ("effect", "wait"):
            self._stack.append(span)
        return span

    def _hear(self, revision: int, event: Event) -> None:
        at = self._at(event)
        if event.type in _STARTS:
            self._start(revision, event, at)
        elif event.type in _ENDS:
            self._end(revision, event, at)
        elif event.type.startswith(_POINTS):
            kind = event.type.partition(".")[0]
            point = self._open(kind, event.key or kind, revision, at)
            self._stack.pop()
            point.end = revision
            if event.type.endswith((".failed", ".retried")):
                point.notes.append("failed")

    def _start(self, revision: int, event: Event, at: int) -> None:
        kind, name = event.type.partition(".")[0], event.key or ""
        if kind == "effect":
            sleeps = event.data.kind == "sleep"
            self._effects[event.data.n] = self._open(
                "wait" if sleeps else "effect", name or event.data.kind, revision, at
            )
            return
        if kind == "gate" and not getattr(event.data, "paused", False):
            return
        if (failed := self._failed.pop(name, None)) is not None and kind == "hook":
            pause = self._open("wait", f"before attempt {event.data.attempt}",
                               failed.end or revision, failed.end_us)  # fmt: skip
            self._close(pause, revision, at)
        span = self._open(kind, name, revision, at)
        if getattr(event.data, "attempt", 1) > 1:
            span.notes.append(f"attempt {event.data.attempt}")

    def _end(self, revision: int, event: Event, at: int) -> None:
        kind = _ENDS[event.type]
        if kind == "effect":
            span = self._effects.pop(event.data.n, None)
        else:
            span = self._stack.pop() if self._stack and self._stack[-1].kind == kind else None
        if span is None:
            return
        if event.type.endswith(".failed"):
            span.notes.append("failed")
            if getattr(event.data, "will_retry", False):
                self._failed[event.key or ""] = span
        self._close(span, revision, at)

    def _close(self, span: _Open, revision: int, at: int) -> None:
        span.end, span.end_us = revision, max(at, span.start_us)
        holders = [each for each in self._stack if each is not span]
        if holders:
            holders[-1].inner.append((span.start_us, span.end_us))


def _covered(parts: Iterable[tuple[int, int]]) -> int:
    """Return how much time the parts take together; where they overlap it counts once."""
    total, reached = 0, 0
    for start, end in sorted(parts):
        total += max(end - max(start, reached), 0)
        reached = max(reached, end)
    return total
