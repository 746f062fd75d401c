"""What a hosted module is told of the request that calls it (MO-8, RPC-6)."""

from functools import partial

from runtime.effects.chance import seeded_random
from runtime.lifecycle.run import Run
from runtime.lifecycle.tracing import traceparent_of
from runtime.modules import CALL, About, HostedCall

_AFTER_S = 60.0
"""What undoes and cleans up has time limits of its own, after the request's."""


def hosted_call(run: Run, n: int) -> HostedCall:
    """Make the call of effect *n* known to whoever hosts the module; return it."""
    left_s = run.deadline_at - run.loop.time() if run.stage == "success" else _AFTER_S
    about = About(
        request_id=run.request_id,
        handler=run.version.handler,
        version=run.version.version,
        trace_id=run.arrival.trace_id,
        span_id=run.arrival.span_id,
        traceparent=traceparent_of(run, n),
        key=f"{run.request_id}/{n}",
        time_left_s=max(left_s, 0.0),
    )
    call = HostedCall(about, partial(seeded_random, run.arrival.seed, n))
    CALL.set(call)
    return call


def attempts_of(call: HostedCall | None) -> int:
    """Say how often it was tried."""
    return 1 if call is None else call.attempts
