"""What a subscriber's own stream says: since when it subscribes, and how far it is. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from eventstore import Event, StreamId, named_stream
from runtime import queue_facts as facts
from runtime.queue.inbox import Counts

KIND = "queue"
"""Of the streams of subscribers and dead letters."""


def subscriber_stream(subscriber: str) -> StreamId:
    """Name the stream that tells of a subscriber."""
    return named_stream(KIND, f"subscriber:{subscriber}")


def dead_stream(topic: str, subscriber: str) -> StreamId:
    """Name the stream of what a subscriber gave up of a topic."""
    return named_stream(KIND, f"dead:{topic}:{subscriber}")


class Standing(msgspec.Struct, frozen=True):
    """What a subscriber's own stream says of it."""

    topic: str
    """Name or pattern."""
    after: int
    """Everything up to this position is settled, or was before its time."""
    counts: Counts = Counts()
    is_open: bool = True
    is_paused: bool = False
    revision: int = 0


def standing_of(events: Iterable[Event]) -> Standing | None:
    """Read a subscriber's own stream; None: it was never opened."""
    found: Standing | None = None
    for event in events:
        fact: Any = event.data
        match fact:
            case facts.SubscriptionOpened():
                was = found or Standing(fact.topic, event.position)
                after = was.after if was.is_open else event.position
                found = msgspec.structs.replace(was, topic=fact.topic, after=after, is_open=True)
            case facts.SubscriptionClosed() if found:
                found = msgspec.structs.replace(found, is_open=False)
            case facts.SubscriptionPaused() if found:
                found = msgspec.structs.replace(found, is_paused=True)
            case facts.SubscriptionResumed() if found:
                found = msgspec.structs.replace(found, is_paused=False)
            case facts.SubscriptionAdvanced() if found:
                counts = Counts(
                    fact.accepted, fact.acknowledged, fact.expired, fact.dead, fact.retried
                )
                found = msgspec.structs.replace(found, after=fact.position, counts=counts)
            case _:
                pass
        if found is not None:
            found = msgspec.structs.replace(found, revision=event.revision)
    return found
