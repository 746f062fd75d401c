"""Metrics as Prometheus reads them (OB-2)."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from runtime.telemetry.measuring import Counter, Gauge, Histogram, Metric, Metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposition(metrics: Metrics) -> bytes:
    """Return all metrics as text, in the order of their names."""
    return generate_latest(_Shown(metrics))


class _Shown(CollectorRegistry, Collector):
    """Gives what there is now; kept nowhere else."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__(auto_describe=False)
        self._metrics = metrics

    def collect(self) -> Iterable[Family]:
        return [family_of(each) for each in self._metrics.all()]


def family_of(metric: Metric) -> Family:
    """Return a metric with all its samples."""
    about = metric.about or metric.name
    family = Family(metric.shown, about, metric.kind)
    if isinstance(metric, Counter):
        for labels, value in tuple(metric.values.items()):
            family.add_sample(f"{metric.shown}_total", dict(labels), value)
    elif isinstance(metric, Gauge):
        for labels, value in tuple(metric.values.items()):
            family.add_sample(metric.shown, dict(labels), value)
    elif isinstance(metric, Histogram):
        for name, of, value in _of_histogram(metric):
            family.add_sample(name, of, value)
    return family


def _of_histogram(metric: Histogram) -> Iterator[tuple[str, dict[str, str], float]]:
    for labels, tally in tuple(metric.values.items()):
        counts, total = tuple(tally.counts), 0
        for bound, count in zip((*metric.bounds, float("inf")), counts, strict=True):
            total += count
            of = {**dict(labels), "le": _bound(bound)}
            yield f"{metric.shown}_bucket", of, total
        yield f"{metric.shown}_sum", dict(labels), tally.sum
        yield f"{metric.shown}_count", dict(labels), total


def _bound(bound: float) -> str:
    return "+Inf" if bound == float("inf") else repr(bound)
