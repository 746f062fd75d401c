"""P22: every span says what it belongs to; a trace is a projection of the stream."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from eventstore import Event, NewEvent
from runtime import facts
from runtime.facts import RequestReceived
from runtime.telemetry.spans import spans_of
from runtime.trace_context import is_sampled
from tests.strategies import as_events

STEPS = ["hook", "handler", "end", "fail", "ask", "answer", "refuse", "set"]
FAILED = {"hook.failed", "handler.failed", "effect.failed"}
STARTS = {"hook.started", "handler.started", "effect.requested"}


def stream_of(steps: list[str], status: int) -> list[Event]:
    """Make a stream of what steps say; ends without a start are left out."""
    told: list[tuple[facts.Fact, str | None]] = [
        (RequestReceived("GET", "GET /a/{b}", "get-a-b", "/a/1", "0" * 32,
                         trace_id="ab" * 16, span_id="cd" * 8, parent_span_id="ef" * 8), None),
        (facts.VersionResolved(), "tsv:1-get-a-b-1"),
    ]  # fmt: skip
    inside: list[str] = []
    asked: list[int] = []
    for number, step in enumerate(steps, 1):
        failure = facts.Failure(f"Error{number}")
        if step == "hook":
            inside.append(step)
            told.append((facts.HookStarted("before", "route"), "h"))
        elif step == "handler":
            inside.append(step)
            told.append((facts.HandlerStarted(), "get-a-b"))
        elif step in {"end", "fail"} and inside:
            told.append((_end(inside.pop(), failure if step == "fail" else None), "h"))
        elif step == "ask":
            asked.append(number)
            told.append((facts.EffectRequested(number, "module"), "stock.left"))
        elif step in {"answer", "refuse"} and asked:
            n = asked.pop(0)
            fact = facts.EffectReturned(n) if step == "answer" else facts.EffectFailed(n, failure)
            told.append((fact, "stock.left"))
        elif step == "set":
            told.append((facts.ContextSet(1), "k"))
    told.append((facts.ResponseSent(status), str(status)))
    return as_events(
        [NewEvent(fact.type, fact, key, 1_000 + i) for i, (fact, key) in enumerate(told)]
    )


def _end(what: str, failure: facts.Failure | None) -> facts.Fact:
    if what == "hook":
        return facts.HookFailed("before", failure) if failure else facts.HookEnded("before")
    return facts.HandlerFailed(failure) if failure else facts.HandlerEnded()


def _common(of: Any) -> tuple[Any, ...]:
    return tuple(
        of.attributes.get(f"timescape.{name}")
        for name in ("request_id", "handler", "version", "manifest")
    )


@pytest.mark.proves("P22", "OB-5")
@given(st.lists(st.sampled_from(STEPS), max_size=16), st.sampled_from([200, 404, 500, 504]))
def test_p22_one_tree_per_request_with_the_streams_ids(steps: list[str], status: int) -> None:
    """Seen to fail with request and version on the first span alone."""
    events = stream_of(steps, status)
    first = events[0].data
    versions = {e.key for e in events if e.type == "version.resolved" and e.key}

    spans = spans_of(events, {str(version): "digest" for version in versions})

    assert spans == spans_of(events, {str(version): "digest" for version in versions})
    root, *rest = spans
    assert (root.trace_id, root.span_id) == (first.trace_id, first.span_id)
    assert root.parent_id == first.parent_span_id
    ids = {span.span_id for span in spans}
    assert len(ids) == len(spans)
    assert {span.parent_id for span in rest} <= ids
    assert {_common(span) for span in spans} == {_common(root)}
    assert _common(root)[0] == f"req-{events[0].stream.hex}"
    assert len(rest) == sum(each.type in STARTS for each in events)
    assert (root.error is not None) == (status >= 500)
    assert (root.start_us, root.end_us) == (events[0].at_us, events[-1].at_us)
    event(f"failures: {min(sum(e.type in FAILED for e in events), 3)}")
    _ends_fit(events, rest)


def _ends_fit(events: list[Event], spans: list[Any]) -> None:
    """Each failure fact is one span's error, and no span has another."""
    failures = Counter(each.data.failure.error for each in events if each.type in FAILED)
    errors = Counter(span.error for span in spans if span.error not in {None, "unended"})
    assert errors <= failures
    ended = sum(each.type.endswith((".ended", ".returned")) for each in events)
    assert sum(span.error is None for span in spans) <= ended
    times = {each.revision: each.at_us for each in events}
    for span in spans:
        assert times[span.attributes["timescape.revision"]] == span.start_us


@pytest.mark.proves("P22", "OB-5")
def test_a_call_of_the_handler_that_failed_stands_below_the_handler() -> None:
    events = stream_of(["hook", "end", "handler", "ask", "refuse", "end"], 502)

    root, *rest = spans_of(events, {"tsv:1-get-a-b-1": "sha256:0"})

    assert (root.name, root.kind, root.error) == ("GET /a/{b}", "server", "502")
    names = {span.span_id: span.name for span in (root, *rest)}
    assert [(span.name, names[span.parent_id or ""], span.error) for span in rest] == [
        ("before h", "GET /a/{b}", None),
        ("stock.left", "handler get-a-b", "Error5"),
        ("handler get-a-b", "GET /a/{b}", None),
    ]
    assert {span.attributes["timescape.version"] for span in rest} == {"tsv:1-get-a-b-1"}


@pytest.mark.proves("OB-5")
def test_the_caller_decides_whether_a_trace_is_kept_else_its_id() -> None:
    def first(trace_id: str, flags: str | None = None) -> RequestReceived:
        parent = f"00-{trace_id}-{'1' * 16}-{flags}"
        return RequestReceived(
            "GET", "", "", "/", "0" * 32, trace_id=trace_id,
            headers=() if flags is None else (("traceparent", parent),),
            parent_span_id=None if flags is None else "1" * 16,
        )  # fmt: skip

    low, high = "f" * 16 + "0" * 15 + "1", "0" * 16 + "f" * 16
    assert [is_sampled(first(each), 0.5) for each in (low, high)] == [True, False]
    assert [is_sampled(first(each), 1.0) for each in (low, high)] == [True, True]
    assert [is_sampled(first(each), 0.0) for each in (low, high)] == [False, False]
    assert [is_sampled(first(high, flags), 0.5) for flags in ("01", "00", "03")] == [
        True, False, True,
    ]  # fmt: skip
