"""What a request's calls and messages carry of its trace (OB-5)."""

from runtime.facts import EffectRequested
from runtime.lifecycle.run import Run
from runtime.trace_context import is_sampled, span_id_of, traceparent


def traceparent_of(run: Run, n: int) -> str:
    """Return the header that makes the span of effect *n*, just requested, a parent."""
    events = run.record.events
    # Threads of the request may have written since: it is among the last, not always the last.
    revision = next(at for at in range(len(events), 0, -1) if _is_request(events[at - 1].data, n))
    sampled = is_sampled(run.arrival, run.surroundings.sampling.ratio)
    span_id = span_id_of(run.arrival, revision)
    return traceparent(run.arrival.trace_id, span_id, sampled=sampled)


def _is_request(fact: object, n: int) -> bool:
    return isinstance(fact, EffectRequested) and fact.n == n
