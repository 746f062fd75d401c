"""What a delivery came to, for its message: written in the commit that ends it (QF-9)."""

from runtime.facts import Failure, RequestAborted, ResponseSent
from runtime.lifecycle.run import Run
from runtime.queue import Delivery, delivery_of
from runtime.queue_facts import MessageAcknowledged, MessageFailed

_FINAL = frozenset({"validation-failed", "message-rejected"})
"""Failures that no further attempt changes: undecodable, or rejected (QF-10)."""
_STOPPED = "shutting-down"


def settle(run: Run, end: ResponseSent | RequestAborted) -> None:
    """Write down what became of the messages that *run* was about."""
    delivery = delivery_of(dict(run.received.headers))
    if isinstance(end, ResponseSent) and end.code is None:
        # One fact, however many they are: written, read and folded at the cost of one.
        several = delivery.ids if len(delivery.ids) > 1 else ()
        run.record.add(MessageAcknowledged(delivery.subscriber, several), delivery.ids[0])
        return
    reason = (end.code or "") if isinstance(end, ResponseSent) else (run.stop_reason or "cancelled")
    fact = failed(delivery, reason, run.record.state.failure)
    for id_ in delivery.ids:
        run.record.add(fact, id_)


def failed(delivery: Delivery, reason: str, failure: Failure | None) -> MessageFailed:
    """Return what a failure means for its message."""
    stopped = reason in {_STOPPED, "cancelled"}
    # Of several nobody knows which of them it was: the next time each is alone.
    is_final = reason in _FINAL and len(delivery.ids) == 1
    again = delivery.attempt < delivery.attempts and not is_final
    return MessageFailed(
        delivery.subscriber,
        delivery.attempt,
        again or stopped,
        reason,
        None if failure is None else failure.error,
        None if failure is None else failure.message,
        counted=not stopped,
    )
