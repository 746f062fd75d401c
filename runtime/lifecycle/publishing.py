"""Publish a message on a topic of the app: an effect, and a fact of the request (QF-2).

One whose result is waited for is no fact of the request: it is delivered before the request has
ended, and stands in the log by itself (QF-12).
"""

from typing import Any

from msgspec.structs import replace

from eventstore.values import encode
from runtime.effects.failures import failure_of
from runtime.errors import CapabilityDeniedError
from runtime.facts import CapabilityDenied, EffectFailed, EffectRequested, EffectReturned
from runtime.lifecycle.points import in_effect
from runtime.lifecycle.run import Lease, Run
from runtime.lifecycle.tracing import traceparent_of
from runtime.queue import Asked, Offer, Options, check_timeout, find_topic, publication
from runtime.queue_facts import Asker


async def publish(
    run: Run, lease: Lease, topic: str, payload: object, options: Options, site: str | None
) -> None:
    """Publish; whoever subscribes gets it when the request has ended well.

    The effect asks for room, which the outside gives or refuses. The message itself is a
    fact of the request like any other, and nobody has it before the request is committed.

    Raises:
        UnknownTopicError: there is no such topic.
        MessageTypeError: *payload* is not of the topic's type, or an option cannot be.
        QueueFullError: there is no room.
        CapabilityDeniedError: `publishes=` of the handler does not name it (CP-2).
    """
    if run.version.publishes is not None:
        _refuse_undeclared(run, lease, topic, site)
    declared = find_topic(run.surroundings.gctx.topics, topic)
    raw = declared.encode(payload)
    fact = publication(declared, raw, options)
    offer = Offer(declared, len(raw), lasting=fact.always)
    n = next(run.effects)
    run.record.add_for(lease, EffectRequested(n, "publish"), topic, site)
    run.desk = run.surroundings.gctx.desk
    try:
        if run.gates is not None:
            await in_effect(run)
        await run.surroundings.outside.publish(n, run.record.stream, offer)
    except BaseException as error:
        if lease.open:
            failed = EffectFailed(n, failure_of(error, run.surroundings.sites))
            run.record.add_for(lease, failed, topic)
            if run.gates is not None:
                await in_effect(run, error)
        raise
    run.record.add_for(lease, EffectReturned(n), topic)
    run.record.add_for(lease, fact, topic)
    if run.gates is not None:
        await in_effect(run)


async def ask(
    run: Run,
    lease: Lease,
    topic: str,
    payload: object,
    how: tuple[Options, float],
    site: str | None,
) -> Any:
    """Publish at once, and return what the first subscriber answers.

    Args:
        run: the request.
        lease: of who asks.
        topic: of the message.
        payload: of the topic's type.
        how: options of the message, and seconds to wait.
        site: where it is asked.

    Raises:
        ResultTimeoutError: nobody answered in time.
        UnknownTopicError, MessageTypeError, QueueFullError: as for `publish`.
    """
    options, timeout_s = how
    check_timeout(timeout_s)
    if run.version.publishes is not None:
        _refuse_undeclared(run, lease, topic, site)
    declared = find_topic(run.surroundings.gctx.topics, topic)
    raw = declared.encode(payload)
    fact = publication(declared, raw, options)
    n = next(run.effects)
    run.record.add_for(lease, EffectRequested(n, "request", encode(fact.payload)), topic, site)
    by = Asker(run.request_id, n, run.version.handler, run.version.version, traceparent_of(run, n))
    asked = Asked(Offer(declared, len(raw)), replace(fact, reply_to=by), timeout_s)
    try:
        if run.gates is not None:
            await in_effect(run)
        answer = await run.surroundings.outside.ask(n, asked)
    except BaseException as error:
        if lease.open:
            failed = EffectFailed(n, failure_of(error, run.surroundings.sites))
            run.record.add_for(lease, failed, topic)
            if run.gates is not None:
                await in_effect(run, error)
        raise
    tree = encode(answer)
    run.record.add_for(lease, EffectReturned(n, tree), topic)
    if run.gates is not None:
        await in_effect(run)
    return run.surroundings.viewer.thaw(tree)


def _refuse_undeclared(run: Run, lease: Lease, topic: str, site: str | None) -> None:
    if topic in (run.version.publishes or ()):
        return
    run.record.add_for(lease, CapabilityDenied("topics", "topic.publish", topic), topic, site)
    raise CapabilityDeniedError(
        problem=f"{run.version.route} may not publish on {topic}.",
        remedy="Name it in publishes= of the handler.",
    )
