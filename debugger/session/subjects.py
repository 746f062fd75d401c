"""Requests and facts as filters see them."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from debugger.session.requests import RequestSummary
from debugger.timeline import ABSENT, FACT_ROOTS, Timeline, data_text, holds
from eventstore import Event, UnknownEvent
from runtime.facts import ResponseSent


class RequestSubject:
    """A request; lone words are looked for in route, path, id, outcome and principal."""

    def __init__(self, summary: RequestSummary) -> None:
        self._summary = summary

    def field(self, name: str) -> str | int | None:
        """Return the value of a field of `REQUEST_FIELDS`."""
        of = self._summary
        return _READ[name](of)

    def has(self, word: str) -> bool:
        """Say whether a column shown holds *word*."""
        return any(word in column.casefold() for column in self.columns())

    def columns(self) -> Sequence[str]:
        """Return the columns shown."""
        of = self._summary
        # People copy ids in both forms; the long one ends with the short one's digits.
        return (of.route, f"{of.method} {of.path}", of.path, of.request_id, of.short_id,
                of.outcome, of.principal)  # fmt: skip

    def root(self, name: str) -> Any:
        """Return `ABSENT`: a row of a list knows no places."""
        del name
        return ABSENT


_READ: dict[str, Callable[[RequestSummary], str | int | None]] = {
    "id": lambda of: of.request_id,
    "status": lambda of: of.status,
    "route": lambda of: of.route,
    "handler": lambda of: of.handler,
    "version": lambda of: " ".join(filter(None, (of.edition, of.version))) or None,
    "outcome": lambda of: of.outcome,
    "method": lambda of: of.method,
    "path": lambda of: of.path,
    "principal": lambda of: of.principal,
    "since": lambda of: of.started_us,
    "until": lambda of: of.started_us,
    "dur": lambda of: of.duration_us,
    "facts": lambda of: of.facts,
}


class FactSubject:
    """A fact, and the request it belongs to; lone words are looked for in all of the fact.

    Args:
        event: the fact.
        request: gives the request; only called when a filter asks for one of its fields.
    """

    def __init__(self, event: Event, request: Callable[[], RequestSummary]) -> None:
        self._event = event
        self._request = request

    def field(self, name: str) -> str | int | None:
        """Return the value of a field of `FACT_FIELDS`; `dur` counts from the request."""
        match name:
            case "since" | "until":
                return self._event.at_us
            case "dur":
                return max(self._event.at_us - self._request().started_us, 0)
            case _:
                own = _OF_FACT.get(name)
                return own(self._event) if own else _READ[name](self._request())

    def has(self, word: str) -> bool:
        """Say whether type, key, site or data hold *word*."""
        return holds(self._event, word)

    def columns(self) -> Sequence[str]:
        """Return type, key, site and data."""
        event = self._event
        return event.type, event.key or "", event.site or "", data_text(event)

    def root(self, name: str) -> Any:
        """Return what the fact carries, or the failure it tells of."""
        if name == "fact":
            return json_of(self._event.data)
        failure = getattr(self._event.data, "failure", None) if name == "error" else None
        return ABSENT if failure is None else json_of(failure)


class MomentSubject(FactSubject):
    """A fact at its place in a history: it knows the state before and after, and the request.

    Args:
        timeline: the history.
        revision: of the fact.
        request: as for any fact.
    """

    def __init__(
        self, timeline: Timeline, revision: int, request: Callable[[], RequestSummary]
    ) -> None:
        super().__init__(timeline.fact(revision), request)
        self._timeline = timeline
        self._revision = revision

    def root(self, name: str) -> Any:
        """Return the value of a root of `MOMENT_ROOTS`."""
        timeline, revision = self._timeline, self._revision
        match name:
            case "state" | "old":
                at = revision - (name == "old")
                return dict(timeline.state_at(at).values)
            case "request":
                return json_of(timeline.fact(1).data)
            case "response":
                data = self._event.data
                return json_of(data) if isinstance(data, ResponseSent) else ABSENT
            case _:
                return super().root(name)


class LoggedSubject(FactSubject):
    """A fact found in the log: its history is read only if a filter asks for a place in it.

    Args:
        event: the fact.
        request: as for any fact.
        timeline: gives the history, at least up to the fact.
    """

    def __init__(
        self,
        event: Event,
        request: Callable[[], RequestSummary],
        timeline: Callable[[], Timeline],
    ) -> None:
        super().__init__(event, request)
        self._timeline = timeline

    def root(self, name: str) -> Any:
        """Return the value of a root of `MOMENT_ROOTS`."""
        if name in FACT_ROOTS:
            return super().root(name)
        return MomentSubject(self._timeline(), self._event.revision, self._request).root(name)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def json_of(data: Any) -> Any:
    """Return what a fact carries as plain JSON."""
    return _decode(_encode(data.data if isinstance(data, UnknownEvent) else data))


def _error_of(event: Event) -> str | None:
    failure = getattr(event.data, "failure", None)
    return None if failure is None else str(failure.error)


def _key_of(kind: str) -> Callable[[Event], str | None]:
    def key(event: Event) -> str | None:
        if not event.type.startswith(kind) or event.key is None:
            return None
        # `hook:tax` means `shop.tax`: the last part is a word of its own.
        last = event.key.rpartition(".")[2]
        return event.key if last == event.key else f"{event.key} {last}"

    return key


_OF_FACT: dict[str, Callable[[Event], str | None]] = {
    "kind": lambda event: event.type,
    "key": lambda event: event.key,
    "line": lambda event: event.site,
    "hook": _key_of("hook."),
    "effect": _key_of("effect."),
    "phase": lambda event: event.key if event.type == "phase.changed" else None,
    "level": lambda event: getattr(event.data, "level", None),
    "error": _error_of,
    "stream": lambda event: f"req-{event.stream.hex}",
}
