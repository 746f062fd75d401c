"""What a runtime measures of itself, out of the facts of requests that have ended (OB-3)."""

import logging
from collections.abc import Sequence
from typing import Final

from eventstore import NewEvent
from runtime.facts import (
    EffectFailed,
    EffectRequested,
    EffectReturned,
    RequestAborted,
    RequestReceived,
    ResponseSent,
    VersionResolved,
)
from runtime.telemetry.measuring import BYTES, Labels, Metrics, Tally

METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)
_KNOWN = 4_096
_log = logging.getLogger("timescape")


class Ended:
    """What is told of a request that has ended, besides its facts."""

    __slots__ = ("began_us", "ended_us", "received_us", "size", "status")

    def __init__(self, received_us: int, began_us: int) -> None:
        self.received_us = received_us
        self.began_us = began_us
        """When its last facts were handed to the log."""
        self.ended_us = began_us
        self.status = 0
        self.size = 0
        """Of the answer's body, in bytes."""


class RequestMetrics:
    """Measures requests; it raises nothing.

    Args:
        metrics: where to.
    """

    def __init__(self, metrics: Metrics) -> None:
        histogram, counter = metrics.histogram, metrics.counter
        self._duration = histogram(
            "http.server.request.duration", about="Time from a request's arrival to its answer."
        )
        self._taken = histogram(
            "http.server.request.body.size", "By", about="Size of requests' bodies.", buckets=BYTES
        )
        self._given = histogram(
            "http.server.response.body.size", "By", about="Size of answers' bodies.", buckets=BYTES
        )
        self._versions = counter(
            "timescape_version_requests_total", about="Requests by the version that ran."
        )
        self._version_s = histogram(
            "timescape_version_duration_seconds", about="Time that a version took."
        )
        self._append = histogram(
            "timescape_log_append_duration_seconds",
            about="Time until the log had the last facts of a request.",
        ).tally(())
        self._calls = counter("timescape_module_calls_total", about="Calls of modules' methods.")
        self._call_s = histogram(
            "timescape_module_duration_seconds", about="Time that calls of modules took."
        )
        self._secrets = counter("timescape_secret_reads_total", about="Reads of secrets.")
        self._refusals = counter(
            "timescape_refusals_total", about="Requests that no handler was run for, by code."
        )
        self._tallies: dict[tuple[str, str, int, str, str, str | None], _Tallies] = {}
        self.committing = 0
        """How many commits the log was handed and does not have yet."""

    def begin(self, received_us: int, now_us: int) -> Ended:
        """Note that the last facts of a request go to the log."""
        self.committing += 1
        return Ended(received_us, now_us)

    def end(self, ended: Ended, events: Sequence[NewEvent]) -> None:
        """Note that a request has ended."""
        self.committing -= 1
        try:
            self._note(ended, events)
        except Exception as error:  # noqa: BLE001 - figures fail no request (OB-8)
            _log.error("request not measured: error=%s", type(error).__name__)

    def passed_over(self, ended: Ended, first: RequestReceived, code: str) -> None:
        """Note a request that was refused and left no stream."""
        try:
            self._refusals.count(1, (("code", code),))
            self._count(ended, first, code, None)
        except Exception as error:  # noqa: BLE001 - figures fail no request (OB-8)
            _log.error("request not measured: error=%s", type(error).__name__)

    def _note(self, ended: Ended, events: Sequence[NewEvent]) -> None:
        first = events[0].data
        if not isinstance(first, RequestReceived):
            return
        code = _code(events[-1].data, ended.status)
        version = self._note_inside(events)
        if version is None:
            self._refusals.count(1, (("code", code),))
        self._append.note((ended.ended_us - ended.began_us) / 1_000_000)
        self._count(ended, first, code, version)

    def _count(self, ended: Ended, first: RequestReceived, code: str, version: str | None) -> None:
        took_s = (ended.ended_us - ended.received_us) / 1_000_000
        of = first.method, first.route, ended.status, code, first.handler, version
        tallies = self._tallies.get(of)
        if tallies is None:
            tallies = self._tallies_of(*of)
        tallies.duration.note(took_s)
        tallies.taken.note(first.body_size)
        tallies.given.note(ended.size)
        if tallies.version_s is not None:
            self._versions.count(1, tallies.version)
            tallies.version_s.note(took_s)

    def _tallies_of(
        self, method: str, route: str, status: int, code: str, handler: str, version: str | None
    ) -> "_Tallies":
        if len(self._tallies) >= _KNOWN:
            self._tallies.clear()
        of = _http(method, route, status, "")
        named = (("handler", handler), ("version", version or ""))
        made = self._tallies[method, route, status, code, handler, version] = _Tallies(
            self._duration.tally(_http(method, route, status, code)),
            self._taken.tally(of),
            self._given.tally(of),
            (named[0], ("status", str(status)), named[1]),
            None if version is None else self._version_s.tally(named),
        )
        return made

    def _note_inside(self, events: Sequence[NewEvent]) -> str | None:
        """Note the effects; return the version that ran."""
        version: str | None = None
        asked: dict[int, NewEvent] = {}
        for event in events:
            kind = type(event.data)
            if kind not in _LOOKED_AT:
                continue
            if kind is EffectRequested:
                asked[event.data.n] = event
            elif kind is VersionResolved:
                version = None if event.data.error else event.key
            else:
                self._note_effect(asked.get(event.data.n), event)
        return version

    def _note_effect(self, asked: NewEvent | None, answer: NewEvent) -> None:
        if asked is None:
            return
        failed = isinstance(answer.data, EffectFailed)
        name = asked.key or ""
        if asked.data.kind == "module":
            outcome = "failed" if failed else "returned"
            self._calls.count(1, (("method", name), ("outcome", outcome)))
            self._call_s.note((answer.at_us - asked.at_us) / 1_000_000, (("method", name),))
        elif asked.data.kind == "secret":
            value = None if failed else answer.data.value
            cached = isinstance(value, dict) and value.get("cached", False)
            outcome = "failed" if failed else "cached" if cached else "read"
            self._secrets.count(1, (("outcome", outcome),))


class _Tallies:
    """Where figures of requests of one kind are kept; looked up once a request."""

    __slots__ = ("duration", "given", "taken", "version", "version_s")

    def __init__(
        self, duration: Tally, taken: Tally, given: Tally, version: Labels, version_s: Tally | None
    ) -> None:
        self.duration = duration
        self.taken = taken
        self.given = given
        self.version = version
        self.version_s = version_s


_LOOKED_AT = frozenset({EffectRequested, EffectReturned, EffectFailed, VersionResolved})


def _code(last: object, status: int) -> str:
    if isinstance(last, RequestAborted):
        return "aborted"
    code = last.code if isinstance(last, ResponseSent) else None
    return code or (str(status) if status >= 500 else "")


def _http(method: str, route: str, status: int, code: str) -> Labels:
    """Return labels; *route* is a template, and what a caller made up is no label."""
    labels = {
        "http_request_method": method if method in METHODS else "_OTHER",
        "http_response_status_code": str(status),
        "http_route": route.partition(" ")[2],
        "error_type": code,
    }
    return tuple(sorted((name, value) for name, value in labels.items() if value))
