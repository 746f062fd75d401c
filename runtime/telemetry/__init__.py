"""Telemetry: metrics, log lines and traces. It never fails, delays or changes a request."""

from runtime.telemetry.exposition import CONTENT_TYPE, exposition
from runtime.telemetry.measuring import (
    SUPPRESSED,
    Counter,
    Gauge,
    Histogram,
    Metrics,
)
from runtime.telemetry.requests import RequestMetrics

__all__ = [
    "CONTENT_TYPE",
    "SUPPRESSED",
    "Counter",
    "Gauge",
    "Histogram",
    "Metrics",
    "RequestMetrics",
    "exposition",
]
