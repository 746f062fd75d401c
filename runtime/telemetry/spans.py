"""A trace is a projection of the log: facts of a request in, spans out (OB-5). Pure.

Ids come from the trace and from the numbers of facts, so whoever projects a stream again gets
the same spans.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from eventstore import Event
from runtime.facts import (
    EffectFailed,
    EffectRequested,
    EffectReturned,
    HandlerEnded,
    HandlerFailed,
    HandlerStarted,
    HookEnded,
    HookFailed,
    HookStarted,
    RequestAborted,
    RequestReceived,
    ResponseSent,
    VersionResolved,
)
from runtime.telemetry.requests import METHODS
from runtime.trace_context import span_id_of

Attribute: TypeAlias = str | int | bool
_TRANSFORM = "transform.applied"


class Span(msgspec.Struct, frozen=True):
    """A stretch of time in which something was done."""

    trace_id: str
    """32 hex digits."""
    span_id: str
    """16 hex digits."""
    parent_id: str | None
    """None: the trace begins with it."""
    name: str
    kind: Literal["server", "client", "internal"]
    start_us: int
    end_us: int
    attributes: Mapping[str, Attribute]
    error: str | None = None
    """What failed: an error's name or a code; None: nothing did."""


class Begun(msgspec.Struct):
    """A span of which the end has not been read yet."""

    span_id: str
    parent_id: str
    name: str
    kind: Literal["client", "internal"]
    start_us: int
    attributes: dict[str, Attribute]


def spans_of(events: Sequence[Event], manifests: Mapping[str, str]) -> list[Span]:
    """Return the spans of a request that has ended, its own first.

    Args:
        events: all facts of its stream.
        manifests: version id to the digest of its manifest.
    """
    first = events[0].data
    if not isinstance(first, RequestReceived):
        return []
    return _Projection(first, events[0], manifests).run(events)


class _Projection:
    def __init__(self, first: RequestReceived, event: Event, manifests: Mapping[str, str]) -> None:
        self._first = first
        self._manifests = manifests
        self._start_us = event.at_us
        self._common: dict[str, Attribute] = {
            "timescape.request_id": f"{first.prefix}-{event.stream.hex}",
            "timescape.handler": first.handler,
        }
        self._open: list[Begun] = []
        """Hooks and handler that run, the innermost last."""
        self._effects: dict[int, Begun] = {}
        self._spans: list[Span] = []

    def run(self, events: Sequence[Event]) -> list[Span]:
        for event in events:
            self._read(event)
        last = events[-1]
        for begun in (*reversed(self._open), *self._effects.values()):
            # Nobody wrote its end down: the process had gone.
            self._end(begun, last.at_us, "unended")
        return [self._root(last), *(self._whole(span) for span in self._spans)]

    def _read(self, event: Event) -> None:
        fact = event.data
        if isinstance(fact, HookStarted):
            of: dict[str, Attribute] = {"timescape.hook": fact.kind, "timescape.level": fact.level}
            self._open.append(self._begin(event, f"{fact.kind} {event.key}", "internal", of))
        elif isinstance(fact, HandlerStarted):
            self._open.append(self._begin(event, f"handler {event.key}", "internal", {}))
        elif isinstance(fact, HookEnded | HandlerEnded | HookFailed | HandlerFailed):
            failure = getattr(fact, "failure", None)
            if self._open:
                self._end(self._open.pop(), event.at_us, failure and failure.error)
        elif isinstance(fact, EffectRequested):
            name = event.key if fact.kind in {"module", event.key} else f"{fact.kind} {event.key}"
            begun = self._begin(event, str(name), "client", {"timescape.effect": fact.kind})
            self._effects[fact.n] = begun
        elif isinstance(fact, EffectReturned | EffectFailed):
            self._end_effect(fact, event.at_us)
        elif isinstance(fact, VersionResolved) and event.key:
            self._common["timescape.version"] = event.key
            self._common["timescape.manifest"] = self._manifests.get(event.key, "")
        elif event.type == _TRANSFORM:
            begun = self._begin(event, f"transform {event.key or ''}".rstrip(), "internal", {})
            self._end(begun, event.at_us, None)

    def _begin(
        self,
        event: Event,
        name: str,
        kind: Literal["client", "internal"],
        attributes: dict[str, Attribute],
    ) -> Begun:
        parent = self._open[-1].span_id if self._open else self._first.span_id
        attributes["timescape.revision"] = event.revision
        return Begun(
            span_id_of(self._first, event.revision), parent, name, kind, event.at_us, attributes
        )

    def _end_effect(self, fact: EffectReturned | EffectFailed, at_us: int) -> None:
        begun = self._effects.pop(fact.n, None)
        if begun is not None:
            error = fact.failure.error if isinstance(fact, EffectFailed) else None
            self._end(begun, at_us, error)

    def _end(self, begun: Begun, end_us: int, error: str | None) -> None:
        self._spans.append(
            Span(
                self._first.trace_id, begun.span_id, begun.parent_id, begun.name, begun.kind,
                begun.start_us, end_us, begun.attributes, error,
            )
        )  # fmt: skip

    def _whole(self, span: Span) -> Span:
        return msgspec.structs.replace(span, attributes={**self._common, **span.attributes})

    def _root(self, last: Event) -> Span:
        first = self._first
        method = first.method if first.method in METHODS else "_OTHER"
        route = first.route.partition(" ")[2]
        status = last.data.status if isinstance(last.data, ResponseSent) else None
        of: dict[str, Attribute] = {**self._common, "http.request.method": method}
        if route:
            of["http.route"] = route
        if status is not None:
            of["http.response.status_code"] = status
        error = _failure(last.data)
        if error is not None:
            of["error.type"] = error
        return Span(
            first.trace_id, first.span_id, first.parent_span_id, f"{method} {route}".rstrip(),
            "server", self._start_us, last.at_us, of, error,
        )  # fmt: skip


def _failure(last: object) -> str | None:
    """Say how a request failed; one that was refused for the caller's fault did not."""
    if isinstance(last, RequestAborted):
        return "aborted"
    if isinstance(last, ResponseSent) and last.status >= 500:
        return last.code or str(last.status)
    return None
