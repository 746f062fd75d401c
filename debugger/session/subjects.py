"""Requests and facts as filters see them."""

from collections.abc import Callable, Sequence

from debugger.session.requests import RequestSummary
from debugger.timeline import data_text, holds
from eventstore import Event


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
            case "kind":
                return self._event.type
            case "key":
                return self._event.key
            case "line":
                return self._event.site
            case "since" | "until":
                return self._event.at_us
            case "dur":
                return max(self._event.at_us - self._request().started_us, 0)
            case _:
                return _READ[name](self._request())

    def has(self, word: str) -> bool:
        """Say whether type, key, site or data hold *word*."""
        return holds(self._event, word)

    def columns(self) -> Sequence[str]:
        """Return type, key, site and data."""
        event = self._event
        return event.type, event.key or "", event.site or "", data_text(event)
