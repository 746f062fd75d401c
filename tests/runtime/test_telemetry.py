"""What a runtime says of itself: figures, log lines, traces."""

import asyncio
import gzip
import json
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from runtime import App, GlobalContext, HttpError, LocalContext
from runtime.app.admin import Admin
from runtime.app.logs import log_lines
from runtime.effects import system_clock
from runtime.secrets import Found, Scrubber
from runtime.telemetry import Metrics
from runtime.telemetry.lines import MAX_LINE, JsonLines
from runtime.telemetry.otlp import Collector
from runtime.telemetry.spans import Span
from runtime.telemetry.tracing import Buffer, Traces
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Controlled
from tests.faces.asgi import ask, memory_store

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


BUILT_IN = {
    "http_server_request_duration_seconds", "http_server_active_requests",
    "http_server_request_body_size_bytes", "http_server_response_body_size_bytes",
    "timescape_version_requests", "timescape_version_duration_seconds", "timescape_versions",
    "timescape_transforms", "timescape_transform_duration_seconds",
    "timescape_log_append_duration_seconds", "timescape_log_position",
    "timescape_log_queue_commits", "timescape_module_calls", "timescape_module_duration_seconds",
    "timescape_module_restarts", "timescape_secret_reads", "timescape_queue_depth",
    "timescape_queue_messages", "timescape_refusals", "timescape_abandoned_tasks",
    "timescape_validation_disagreements",
}  # fmt: skip
"""Of OB-3; the parser leaves out the `_total` of counters."""


class Stock:
    async def left(self, sku: str) -> int:
        if sku == "none":
            raise LookupError
        return 3


class Vault:
    async def get(self, name: str) -> Found | None:
        return Found("hunter2-canary")


def shop() -> App:
    app = App("shop", secrets=Vault())
    app.module("stock", Stock())

    @app.before
    async def look(lctx: LocalContext) -> None:
        lctx.set("looked", "yes")

    @app.handler("GET /left/{sku}")
    async def left(gctx: GlobalContext, lctx: LocalContext, req: Any) -> int:
        lctx.log("asked", sku=req.path.sku)
        gctx.metrics.counter("asked").add(1, sku=req.path.sku)
        await gctx.secrets.get("token")
        await gctx.secrets.get("token")
        found: int = await gctx.modules.stock.left(req.path.sku)
        return found

    @app.handler("GET /gone")
    async def gone() -> None:
        raise HttpError(410, "gone", "It was here.")

    return app


@pytest.mark.proves("OB-3", "OB-4", "OB-1")
def test_figures_are_a_projection_of_what_was_recorded() -> None:
    async def scenario() -> Metrics:
        app, store = shop(), memory_store()
        app.start(store)
        admin = Admin(app, store, system_clock)
        metrics = app.controller.surroundings.gctx.metrics
        for target in ("/left/a", "/left/b", "/left/none", "/gone", "/nowhere"):
            await ask(app, "GET", target)
        await ask(app, "BREW", "/nowhere")
        text = (await admin("GET", "/metrics", {})).body.decode()
        await app.stop()
        assert 'timescape_versions{status="active"} 2.0' in text
        assert 'timescape_queue_messages_total{outcome="refused"} 0.0' in text
        assert {each.name for each in text_string_to_metric_families(text)} >= BUILT_IN
        assert "req-" not in text
        assert "/left/a" not in text
        return metrics

    metrics = asyncio.run(scenario())
    duration = metrics.histogram("http.server.request.duration")
    route: dict[str, Any] = {"http_request_method": "GET", "http_route": "/left/{sku}"}
    failed: dict[str, Any] = {"http_response_status_code": 500, "error_type": "handler-error"}

    assert duration.read(**route, http_response_status_code=200)[0] == 2
    assert duration.read(**route, **failed)[0] == 1
    by_method = [dict(labels)["http_request_method"] for labels in duration.values]
    assert sorted(set(by_method)) == ["GET", "_OTHER"]
    refused = metrics.counter("timescape_refusals_total")
    assert (refused.read(code="route-not-found"), refused.read(code="method-unknown")) == (1, 1)
    calls = metrics.counter("timescape_module_calls_total")
    assert calls.read(method="stock.left", outcome="returned") == 2
    assert calls.read(method="stock.left", outcome="failed") == 1
    reads = metrics.counter("timescape_secret_reads_total")
    assert [reads.read(outcome=how) for how in ("read", "cached", "failed")] == [1, 5, 0]
    assert metrics.counter("asked").read(sku="a") == 1
    assert all(each.about and each.unit for each in metrics.all() if each.name != "asked")


@pytest.mark.proves("OB-1", "OB-8")
def test_an_app_that_nobody_asks_for_figures_measures_nothing_of_itself() -> None:
    async def handle(gctx: GlobalContext) -> None:
        gctx.metrics.counter("mine").add(2)

    harness = Controlled(version_of(handle), replayed=True)
    run_virtual(harness.send())
    harness.controller.close()

    # It was run again, and counted once.
    assert [(each.name, each.values) for each in harness.gctx.metrics.all()] == [("mine", {(): 2})]  # type: ignore[attr-defined]


# --- log lines ---


def line_of(message: str, *args: Any, scrubber: Scrubber | None = None, **extra: Any) -> str:
    lines = JsonLines()
    lines.scrubber = scrubber or Scrubber()
    record = logging.LogRecord("shop", logging.INFO, "shop.py", 1, message, args, None)
    vars(record).update(extra)
    return lines.format(record)


@pytest.mark.proves("OB-6", "SE-8")
@given(
    message=st.text(max_size=50),
    value=st.text(max_size=20) | st.integers() | st.lists(st.text(max_size=5), max_size=3),
    times=st.sampled_from([1, 1, 1, 2_000]),
)
def test_a_line_is_one_json_object_and_harmless(message: str, value: Any, times: int) -> None:
    line = line_of("%s", message * times, fields={"value": value})

    assert len(line.encode()) <= MAX_LINE
    assert line.isascii()
    assert line.isprintable()
    told = json.loads(line)
    assert told["message"] == message * times or told["cut"]
    assert "cut" in told or told["fields"] == {"value": value}


@pytest.mark.proves("OB-6", "SE-8")
def test_lines_say_which_request_they_belong_to_and_hold_no_secret(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def handle(lctx: LocalContext, gctx: GlobalContext) -> None:
        token = await gctx.secrets.get("token")
        with token.reveal() as clear:
            lctx.log(f"sent {clear}", level="warning", header=f"Bearer {clear}")
            failed = RuntimeError(clear)
            logging.getLogger("shop").error("failed with %s", clear, exc_info=failed)

    gctx = GlobalContext(secrets=Vault())
    harness = Controlled(version_of(handle), gctx=gctx)
    with log_lines("json") as use:
        use(gctx.secrets.cache.scrubber)
        told = run_virtual(harness.send())
    apps_own = logging.StreamHandler()
    logging.getLogger().addHandler(apps_own)
    with log_lines("plain") as use:
        use(gctx.secrets.cache.scrubber)
        run_virtual(harness.send())
    logging.getLogger().removeHandler(apps_own)
    harness.controller.close()
    said = capsys.readouterr().err

    assert "hunter2" not in said
    first, second, *plain = said.splitlines()
    line = json.loads(first)
    of = told.facts[0].data
    assert (line["message"], line["fields"]) == ("sent ***", {"header": "Bearer ***"})
    assert (line["level"], line["logger"]) == ("warning", "timescape")
    assert line["request_id"] == f"req-{told.stream.hex}"
    assert (line["trace_id"], line["handler"]) == (of.trace_id, "post-orders")
    assert "RuntimeError: ***" in json.loads(second)["exception"]
    assert plain[:2] == ["sent ***", "failed with ***"]


# --- traces ---


class Gathering:
    """A receiver that keeps what it gets; it may be told to be stuck."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.spans: list[Span] = []
        self.go_on = threading.Event()
        if not stuck:
            self.go_on.set()

    def take(self, spans: Sequence[Span]) -> bool:
        self.go_on.wait()
        self.spans += spans
        return True

    def close(self) -> None:
        return None


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """A real receiver of OTLP over HTTP; gives its address and what it was sent."""
    got: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            got.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return None

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1/traces", got
        finally:
            server.shutdown()
            thread.join()


async def _asked(receiver: Any, *, ratio: float = 1.0, parent: str | None = None) -> Metrics:
    app, store, metrics = shop(), memory_store(), Metrics()
    app.start(store)
    traces = Traces(store, receiver, metrics, ratio=ratio)
    headers = () if parent is None else (("traceparent", parent),)
    for target in ("/left/a", "/left/none"):
        await ask(app, "GET", target, headers=headers)
    await app.stop()
    await asyncio.to_thread(traces.close)
    return metrics


@pytest.mark.proves("OB-5", "IN-14")
def test_a_collector_gets_the_trace_that_the_caller_began() -> None:
    with collector() as (endpoint, got):
        metrics = asyncio.run(_asked(Collector(endpoint, "shop"), parent=f"00-{TRACE}-{PARENT}-01"))

    sent = [
        span
        for request in got
        for of in request.resource_spans
        for scope in of.scope_spans
        for span in scope.spans
    ]
    assert {span.trace_id.hex() for span in sent} == {TRACE}
    roots = [span for span in sent if span.parent_span_id.hex() == PARENT]
    assert [span.name for span in roots] == ["GET /left/{sku}"] * 2
    assert [span.status.code for span in roots] == [0, 2]
    children = {span.name for span in sent if span.parent_span_id == roots[1].span_id}
    assert "handler get-left-sku" in children
    handler = next(span for span in sent if span.name.startswith("handler"))
    inside = {span.name for span in sent if span.parent_span_id == handler.span_id}
    assert inside == {"stock.left", "secret token"}
    keys = {attribute.key for attribute in roots[0].attributes}
    assert keys >= {"timescape.request_id", "timescape.version", "http.route"}
    assert "hunter2" not in str(got)
    assert metrics.counter("timescape_spans_total").read(outcome="exported") == len(sent)


@pytest.mark.proves("OB-8")
def test_a_receiver_that_is_stuck_or_gone_holds_up_no_request() -> None:
    async def scenario() -> None:
        stuck = Gathering(stuck=True)
        app, store, metrics = shop(), memory_store(), Metrics()
        app.start(store)
        traces = Traces(store, stuck, metrics)
        replies = [await ask(app, "GET", "/left/a") for _ in range(3)]
        assert [reply.status for reply in replies] == [200] * 3
        await app.stop()
        stuck.go_on.set()
        await asyncio.to_thread(traces.close)
        assert len([s for s in stuck.spans if s.kind == "server"]) == 3

    asyncio.run(scenario())
    gathering = Gathering()
    asyncio.run(_asked(gathering, ratio=0.0))
    assert gathering.spans == []


@pytest.mark.proves("OB-8")
def test_a_full_buffer_lets_the_oldest_go_and_counts_them() -> None:
    def span(n: int) -> Span:
        return Span("0" * 32, f"{n:016x}", None, "x", "internal", 0, 1, {})

    buffer = Buffer(3)
    buffer.put([span(n) for n in range(2)])
    buffer.put([span(n) for n in range(2, 5)])
    buffer.close()

    assert buffer.dropped == 2
    assert [int(each.span_id, 16) for each in buffer.take()] == [2, 3, 4]
    assert buffer.take() == []
