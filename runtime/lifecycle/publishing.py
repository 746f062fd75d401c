"""Publish a message on a topic of the app: an effect, and a fact of the request (QF-2)."""

from runtime.effects.failures import failure_of
from runtime.facts import EffectFailed, EffectRequested, EffectReturned
from runtime.lifecycle.points import in_effect
from runtime.lifecycle.run import Lease, Run
from runtime.queue import Offer, Options, find_topic, publication


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
    """
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
