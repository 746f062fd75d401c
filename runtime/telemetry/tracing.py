"""Follows the log, makes spans of what has ended, and hands them on (OB-5, OB-8).

Two threads, apart from all requests. One reads: it waits for nobody but the log. One
hands on what was read; while its receiver does not take it the newest 10 000 spans are kept.
"""

import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

from eventstore import EventStoreError, Row, Store
from eventstore.subscription import Subscription
from runtime.facts import RequestReceived
from runtime.telemetry.measuring import Metrics
from runtime.telemetry.spans import Span, spans_of
from runtime.trace_context import is_sampled
from runtime.version_facts import HandlerDeployed

KEPT_SPANS = 10_000
BATCH = 512
_STOP_S = 5.0
_NAME = "timescape-traces"
_log = logging.getLogger("timescape")


class Receiver(Protocol):
    """Takes spans. May block; whether it does changes nothing for requests."""

    def take(self, spans: Sequence[Span]) -> bool:
        """Take them; say whether they arrived. Those that did not are lost, and counted."""
        ...

    def close(self) -> None:
        """Take no more."""
        ...


class Buffer:
    """Spans on their way; the oldest go when there are too many. Thread-safe."""

    def __init__(self, kept: int = KEPT_SPANS) -> None:
        self._spans: deque[Span] = deque(maxlen=kept)
        self._changed = threading.Condition()
        self._closed = False
        self.dropped = 0

    def put(self, spans: Sequence[Span]) -> None:
        """Add them; never waits."""
        with self._changed:
            over = len(self._spans) + len(spans) - (self._spans.maxlen or 0)
            self.dropped += max(over, 0)
            self._spans.extend(spans)
            self._changed.notify()

    def take(self) -> list[Span]:
        """Wait for some, and take them; none once it is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._spans or self._closed)
            return [self._spans.popleft() for _ in range(min(BATCH, len(self._spans)))]

    def close(self) -> None:
        """Let who waits go, once there are no more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


class Traces:
    """Exports the traces of requests that end from now on.

    Args:
        store: the log.
        receiver: gets the spans.
        metrics: counts what was exported, and what was lost.
        ratio: of the traces whose callers do not decide, from 0 to 1.
        manifests: version id to the digest of its manifest, as far as known.
    """

    def __init__(
        self,
        store: Store,
        receiver: Receiver,
        metrics: Metrics,
        *,
        ratio: float = 1.0,
        manifests: Mapping[str, str] | None = None,
    ) -> None:
        self._store = store
        self._receiver = receiver
        self._ratio = ratio
        self._manifests = dict(manifests or {})
        self._buffer = Buffer()
        self._sent = metrics.counter(
            "timescape_spans_total", about="Spans, by what became of them."
        )
        self._subscription = self._subscribe()
        self._threads = [
            threading.Thread(target=self._follow, name="timescape-traces", daemon=True),
            threading.Thread(target=self._hand_on, name="timescape-export", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _subscribe(self) -> Subscription:
        after = self._store.cursor_at()
        return self._store.subscribe(_NAME, after=after, kinds=["request", "control"])

    def close(self) -> None:
        """Export what has ended, for at most 5 s; before the log is closed."""
        cursor = self._subscription
        cursor.close()
        self._threads[0].join(_STOP_S)
        rest = self._store.subscribe(_NAME, after=cursor.cursor, kinds=["request", "control"])
        while (page := rest.poll()) is not None:
            self._read(page.rows)
        self._buffer.close()
        self._threads[1].join(_STOP_S)
        self._receiver.close()

    def _follow(self) -> None:
        try:
            for page in self._subscription:
                self._read(page.rows)
        except EventStoreError as error:
            _log.warning("traces end: code=%s", error.code)

    def _read(self, rows: Sequence[Row]) -> None:
        for row in rows:
            try:
                self._read_row(row)
            except Exception as error:  # noqa: BLE001 - one request's spans are lost, no more
                _log.warning("no spans of a stream: error=%s", type(error).__name__)

    def _read_row(self, row: Row) -> None:
        if row.kind == "control":
            self._deployed(row)
            return
        # A fork tells again what its parent told.
        if not row.closes or row.parent is not None:
            return
        events = row.events if row.first == 1 else list(self._store.read(row.stream))
        first = events[0].data
        if isinstance(first, RequestReceived) and is_sampled(first, self._ratio):
            self._put(spans_of(events, self._manifests))

    def _put(self, spans: Sequence[Span]) -> None:
        before = self._buffer.dropped
        self._buffer.put(spans)
        if self._buffer.dropped > before:
            self._sent.add(self._buffer.dropped - before, outcome="dropped")

    def _deployed(self, row: Row) -> None:
        for event in row.events:
            if isinstance(event.data, HandlerDeployed):
                self._manifests[event.key or ""] = event.data.manifest

    def _hand_on(self) -> None:
        while spans := self._buffer.take():
            try:
                arrived = self._receiver.take(spans)
            except Exception as error:  # noqa: BLE001 - whatever it is, requests do not care
                _log.warning("spans not exported: error=%s", type(error).__name__)
                arrived = False
            self._sent.add(len(spans), outcome="exported" if arrived else "failed")
