"""P30: metrics export what was emitted, whatever the labels hold."""

import math
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from runtime.errors import MetricError
from runtime.telemetry import Metrics, exposition
from runtime.telemetry.measuring import MAX_SETS, OVERFLOW, SUPPRESSED

names = st.from_regex(r"[a-z][a-z0-9_.]{0,8}", fullmatch=True)
hostile = st.text(max_size=6) | st.sampled_from(
    ['"', "\\", "\n", '",x="y', "\ud800", "\u2028", "}"]
)
labels = st.dictionaries(
    st.sampled_from(["kind", "who", "a_b"]), hostile | st.integers(), max_size=2
)
amounts = st.integers(0, 10**6) | st.floats(0, 1e6)
emitted = st.lists(
    st.tuples(st.sampled_from(["counter", "gauge", "histogram"]), names, labels, amounts),
    max_size=12,
)


def _parsed(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = exposition(metrics).decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, "a sample stands twice"
            found[key] = sample.value
    return found


def _as_text(given_labels: dict[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (name, str(value).encode("utf-8", "replace").decode())
        for name, value in given_labels.items()
    )


@pytest.mark.proves("P30", "OB-1", "OB-2")
@given(emitted)
def test_p30_what_is_shown_parses_back_to_what_was_emitted(
    plan: list[tuple[str, str, dict[str, Any], float]],
) -> None:
    """Seen to fail with buckets that are not cumulative."""
    metrics = Metrics()
    sums: dict[Any, float] = defaultdict(float)
    bounds = (1.0, 100.0, 10_000.0)
    for kind, name, of, amount in plan:
        try:
            made: Any = (
                metrics.histogram(name, "1", buckets=bounds)
                if kind == "histogram"
                else getattr(metrics, kind)(name)
            )
        except MetricError:
            event("a name was taken")
            continue
        key, shown = _as_text(of), made.shown
        event(f"kind: {kind}")
        if kind == "counter":
            made.add(amount, **of)
            sums[f"{shown}_total", key] += amount
        elif kind == "gauge":
            made.set(amount, **of)
            sums[shown, key] = amount
        else:
            made.observe(amount, **of)
            sums[f"{shown}_sum", key] += amount
            sums[f"{shown}_count", key] += 1
            for bound in (*bounds, math.inf):
                le = ("le", "+Inf" if bound == math.inf else str(bound))
                sums[f"{shown}_bucket", key | {le}] += amount <= bound

    parsed = _parsed(metrics)

    assert parsed.keys() == sums.keys()
    assert all(math.isclose(parsed[key], value) for key, value in sums.items())


@pytest.mark.proves("P30", "OB-2")
def test_a_counter_a_gauge_and_a_histogram_are_shown_so() -> None:
    metrics = Metrics()
    metrics.counter("orders").add(2, kind='a "b"')
    metrics.gauge("open").set(3)
    took = metrics.histogram("took", "s", buckets=(1.0, 5.0))
    for seconds in (0.5, 0.75, 3.0, 9.0):
        took.observe(seconds)

    lines = [line for line in exposition(metrics).decode().splitlines() if not line.startswith("#")]

    assert lines == [
        "open 3.0",
        'orders_total{kind="a \\"b\\""} 2.0',
        'took_seconds_bucket{le="1.0"} 2.0',
        'took_seconds_bucket{le="5.0"} 3.0',
        'took_seconds_bucket{le="+Inf"} 4.0',
        "took_seconds_sum 13.25",
        "took_seconds_count 4.0",
    ]


@pytest.mark.proves("OB-1")
def test_a_metric_refuses_what_it_cannot_be() -> None:
    metrics = Metrics()
    orders = metrics.counter("orders.placed")

    assert metrics.counter("orders.placed") is orders
    for wrong in (
        lambda: metrics.gauge("orders.placed"),
        lambda: metrics.counter("orders.placed", "s"),
        lambda: metrics.counter("orders_placed"),
        lambda: metrics.gauge("orders.placed_total"),
        lambda: metrics.counter("Orders"),
        lambda: metrics.counter("x", "no unit"),
        lambda: orders.add(-1),
        lambda: orders.add(math.nan),
        lambda: orders.add(1, le="x"),
        lambda: orders.add(1, who=object()),  # type: ignore[arg-type]
        lambda: metrics.histogram("h").observe(math.nan),
    ):
        with pytest.raises(MetricError):
            wrong()
    assert metrics.histogram("wait", "s").shown == "wait_seconds"
    assert metrics.counter("sent", "By").shown == "sent_bytes"
    assert orders.read() == 0


@pytest.mark.proves("OB-4")
def test_more_sets_of_labels_than_fit_go_to_one_that_says_so() -> None:
    metrics = Metrics()
    counter, gauge, histogram = metrics.counter("c"), metrics.gauge("g"), metrics.histogram("h")
    for i in range(MAX_SETS + 5):
        counter.add(1, n=i)
        gauge.set(1, n=i)
        histogram.observe(1, n=i)
    counter.add(1, n=0)

    for metric in (counter, gauge, histogram):
        assert len(metric.values) == MAX_SETS + 1
        assert OVERFLOW in metric.values
    assert (counter.values[OVERFLOW], counter.read(n=0)) == (5, 2)
    assert 'otel_metric_overflow="true"' in exposition(metrics).decode()


@pytest.mark.proves("OB-1")
def test_code_that_runs_again_measures_nothing() -> None:
    metrics = Metrics()
    token = SUPPRESSED.set(True)
    metrics.counter("c").add(1)
    metrics.gauge("g").set(1)
    metrics.histogram("h").observe(1)
    SUPPRESSED.reset(token)

    assert [metrics.counter("c").read(), metrics.gauge("g").read()] == [0, None]
    assert metrics.histogram("h").read() == (0, 0.0)
