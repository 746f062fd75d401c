"""Sends spans to a collector, OTLP over HTTP; needs the extra `otel`."""

from collections.abc import Sequence
from typing import Any

from runtime.errors import ServeError
from runtime.telemetry.spans import Span

_TIMEOUT_S = 5.0


class Collector:
    """A receiver of OpenTelemetry.

    Args:
        endpoint: `http://collector:4318/v1/traces`.
        service: name of the app.

    Raises:
        ServeError: OpenTelemetry is not installed.
    """

    def __init__(self, endpoint: str, service: str) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http import (  # noqa: PLC0415 - an extra
                Compression,
            )
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter,
            )
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        except ImportError as error:
            raise ServeError(
                problem="Traces need OpenTelemetry.",
                remedy="Install it: pip install 'timescape[otel]'.",
            ) from error
        self._resource = Resource({"service.name": service})
        self._exporter = OTLPSpanExporter(
            endpoint=endpoint, timeout=_TIMEOUT_S, compression=Compression.NoCompression
        )

    def take(self, spans: Sequence[Span]) -> bool:
        """Send them; tries again for 5 s."""
        result = self._exporter.export([readable(each, self._resource) for each in spans])
        return result.name == "SUCCESS"

    def close(self) -> None:
        """Let go of the connection."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]


def readable(span: Span, resource: Any) -> Any:
    """Return *span* as OpenTelemetry's own."""
    from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415

    failed = span.error is not None
    return ReadableSpan(
        name=span.name,
        context=_place(span.trace_id, span.span_id, is_remote=False),
        parent=None
        if span.parent_id is None
        else _place(span.trace_id, span.parent_id, is_remote=span.kind == "server"),
        resource=resource,
        attributes=dict(span.attributes),
        kind=SpanKind[span.kind.upper()],
        status=Status(StatusCode.ERROR, span.error) if failed else Status(),
        start_time=span.start_us * 1_000,
        end_time=span.end_us * 1_000,
        instrumentation_scope=InstrumentationScope("timescape"),
    )


def _place(trace_id: str, span_id: str, *, is_remote: bool) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415 - an extra

    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote, TraceFlags(1))
