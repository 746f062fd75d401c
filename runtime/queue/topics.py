"""What an app declares: topics, and who subscribes to them."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import msgspec

from runtime.errors import UnknownTopicError
from runtime.queue.messages import Message

WhenFull: TypeAlias = Literal["reject", "wait", "drop_oldest"]


class Topic(msgspec.Struct, frozen=True):
    """A topic of an app."""

    name: str
    encode: Callable[[object], bytes]
    """Writes a payload as JSON; raises `MessageTypeError` if it is not of the topic's type."""
    depth: int = 10_000
    """Messages of it that a subscriber may have before it."""
    size: int = 64 * 1024 * 1024
    """Of those, in bytes."""
    ttl_s: float | None = None
    attempts: int = 3
    priority: int = 5
    full: WhenFull = "reject"
    durable: bool = True
    shared: bool = False
    """Whether other logs get its messages, too, and it theirs."""


class Offer(msgspec.Struct, frozen=True):
    """A message for which a place is asked, or several of one topic together."""

    topic: Topic
    size: int
    """In bytes, of all of them."""
    lasting: bool = False
    """Whether it is delivered even if its request fails."""
    count: int = 1
    """How many messages."""


class Subscriber(msgspec.Struct, frozen=True):
    """A subscriber as declared."""

    name: str
    topic: str
    """Name or pattern."""
    lane_of: Callable[[Message], str | None]
    """Says which messages are taken one after the other; never raises."""
    concurrency: int = 16
    depth: int | None = None
    """Messages of all topics it may have before it; None: no bound of its own."""
    size: int | None = None
    """Of those, in bytes."""
    batch: int = 1
    """Messages that it is handed together; more than 1: it takes lists of payloads."""


def find_topic(topics: Mapping[str, Topic], name: object) -> Topic:
    """Return the topic called *name*.

    Raises:
        UnknownTopicError: there is none; names those that are.
    """
    found = topics.get(name) if isinstance(name, str) else None
    if found is None:
        known = ", ".join(sorted(topics)) or "none"
        msg = f"There is no topic {name!r:.80}."
        raise UnknownTopicError(msg, f"Declare it with app.topic(…); there are: {known}.")
    return found
