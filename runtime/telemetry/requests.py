"""What a runtime measures of itself, out of the facts of requests that have ended (OB-3)."""

import logging
from collections.abc import Sequence
from functools import lru_cache
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
from runtime.telemetry.measuring import BYTES, Labels, Metrics

METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)
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
        )
        self._calls = counter("timescape_module_calls_total", about="Calls of modules' methods.")
        self._call_s = histogram(
            "timescape_module_duration_seconds", about="Time that calls of modules took."
        )
        self._secrets = counter("timescape_secret_reads_total", about="Reads of secrets.")
        self._refusals = counter(
            "timescape_refusals_total", about="Requests that no handler was run for, by code."
        )
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

    def _note(self, ended: Ended, events: Sequence[NewEvent]) -> None:
        first, last = events[0].data, events[-1].data
        if not isinstance(first, RequestReceived):
            return
        code = _code(last, ended.status)
        took_s = (ended.ended_us - ended.received_us) / 1_000_000
        self._duration.note(took_s, _http(first.method, first.route, ended.status, code))
        of = _http(first.method, first.route, ended.status, "")
        self._taken.note(first.body_size, of)
        self._given.note(ended.size, of)
        self._append.note((ended.ended_us - ended.began_us) / 1_000_000, ())
        self._note_inside(events, first.handler, ended.status, took_s, code)

    def _note_inside(
        self, events: Sequence[NewEvent], handler: str, status: int, took_s: float, code: str
    ) -> None:
        asked: dict[int, NewEvent] = {}
        ran = False
        for event in events:
            kind = type(event.data)
            if kind is EffectRequested:
                asked[event.data.n] = event
            elif kind is EffectReturned or kind is EffectFailed:
                self._note_effect(asked.get(event.data.n), event)
            elif kind is VersionResolved and event.data.error is None:
                ran = True
                self._versions.count(1, _version(handler, event.key or "", status))
                self._version_s.note(took_s, _version(handler, event.key or "", None))
        if not ran:
            self._refusals.count(1, (("code", code),))

    def _note_effect(self, asked: NewEvent | None, answer: NewEvent) -> None:
        if asked is None:
            return
        failed = isinstance(answer.data, EffectFailed)
        if asked.data.kind == "module":
            self._calls.count(1, _call(asked.key or "", failed=failed))
            took_s = (answer.at_us - asked.at_us) / 1_000_000
            self._call_s.note(took_s, (("method", asked.key or ""),))
        elif asked.data.kind == "secret":
            value = None if failed else answer.data.value
            cached = isinstance(value, dict) and value.get("cached", False)
            outcome = "failed" if failed else "cached" if cached else "read"
            self._secrets.count(1, (("outcome", outcome),))


def _code(last: object, status: int) -> str:
    if isinstance(last, RequestAborted):
        return "aborted"
    code = last.code if isinstance(last, ResponseSent) else None
    return code or (str(status) if status >= 500 else "")


@lru_cache(4096)
def _http(method: str, route: str, status: int, code: str) -> Labels:
    """Return labels; *route* is a template, and what a caller made up is no label."""
    labels = {
        "http_request_method": method if method in METHODS else "_OTHER",
        "http_response_status_code": str(status),
        "http_route": route.partition(" ")[2],
        "error_type": code,
    }
    return tuple(sorted((name, value) for name, value in labels.items() if value))


@lru_cache(4096)
def _version(handler: str, version: str, status: int | None) -> Labels:
    of = (("handler", handler), ("version", version))
    return of if status is None else (of[0], ("status", str(status)), of[1])


@lru_cache(4096)
def _call(method: str, *, failed: bool) -> Labels:
    return ("method", method), ("outcome", "failed" if failed else "returned")
