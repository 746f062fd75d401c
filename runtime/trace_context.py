"""W3C trace context: what calls and messages carry, so that a trace goes on where they go. Pure.

Whoever follows the log later derives the same ids and decisions from the same facts (OB-5).
"""

import hashlib

from runtime.facts import RequestReceived

HEADER = "traceparent"


class Sampling:
    """Which traces are exported whose callers do not decide; of a runtime, set when it starts."""

    __slots__ = ("ratio",)

    def __init__(self, ratio: float = 1.0) -> None:
        self.ratio = ratio


def decided_by_caller(first: RequestReceived) -> bool | None:
    """Say whether its caller wants a request's trace exported; None: no caller says."""
    if first.parent_span_id is not None:
        for name, value in first.headers:
            if name == HEADER:
                return bool(int(value[53:55], 16) & 1)
    return None


def falls_within(trace_id: str, ratio: float) -> bool:
    """Say whether a trace is of the share *ratio*, 0 to 1; the same wherever it is asked."""
    return int(trace_id[16:] or "0", 16) < ratio * 2**64


def is_sampled(first: RequestReceived, ratio: float) -> bool:
    """Say whether a request's trace is exported: as its caller says, else by its trace id."""
    decided = decided_by_caller(first)
    return falls_within(first.trace_id, ratio) if decided is None else decided


def traceparent(trace_id: str, span_id: str, *, sampled: bool) -> str:
    """Return the header that makes a span the parent of what comes; `` if there is no trace."""
    return f"00-{trace_id}-{span_id}-{int(sampled):02x}" if trace_id and span_id else ""


def span_id_of(first: RequestReceived, revision: int) -> str:
    """Return the id of the span that begins with the fact of *revision* of a request."""
    of = f"{first.trace_id}:{first.span_id}:{revision}"
    return hashlib.sha256(of.encode()).hexdigest()[:16]
