"""The vocabulary, continued: messages on their way, and who takes them.

`message.published`, `.acknowledged` and `.failed` stand in requests' streams, in the commit
that ends them: what a request publishes, and what a subscriber did, counts with the request
or not at all. The others stand in streams of kind `queue`: one for each subscriber, one for
its dead letters of each topic. See `runtime.facts` for what holds of all facts.
"""

from typing import ClassVar

import msgspec

from runtime.facts import Fact, Json


class Asker(msgspec.Struct, frozen=True):
    """An effect of a request that waits for a message's result; the message is its own commit."""

    request: str
    effect: int
    """Its number in the request's stream."""
    handler: str = ""
    version: str = ""
    traceparent: str = ""
    """Of the effect's span."""


class MessagePublished(Fact, frozen=True, gc=False):
    """A message was published on a topic of the app. Key: the topic.

    Its id is `<stream>@<revision>` of this fact.
    """

    type: ClassVar[str] = "message.published"

    payload: Json
    """As JSON, written by the topic's type."""
    key: str | None = None
    """Messages of one key are taken one after the other."""
    priority: int = 5
    """0 to 10, higher first."""
    ttl_s: float | None = None
    """From its time on; None: for ever."""
    always: bool = False
    """Whether it is delivered even if its request fails."""
    durable: bool = True
    """Whether it outlives the process that delivers it."""
    reply_to: Asker | None = None
    """Who waits for its result: what the first subscriber answers that acknowledges it."""


class MessageAcknowledged(Fact, frozen=True, gc=False):
    """A subscriber has done with a message. Key: the message's id, of several the first's."""

    type: ClassVar[str] = "message.acknowledged"

    subscriber: str
    messages: tuple[str, ...] = ()
    """Ids of all, where it took several together."""


class MessageFailed(Fact, frozen=True, gc=False):
    """A subscriber failed at a message. Key: the message's id."""

    type: ClassVar[str] = "message.failed"

    subscriber: str
    attempt: int
    will_retry: bool
    """False: it becomes a dead letter."""
    reason: str = ""
    """Problem code of the failure, or crash."""
    error: str | None = None
    """Class of the error."""
    message: str | None = None
    """Of an error of ours, and what `Reject` was given."""
    counted: bool = True
    """Whether it used up an attempt; being stopped does not."""


class MessageClaimed(Fact, frozen=True, gc=False):
    """A subscriber is about to work on messages: each has used an attempt. Key: the subscriber."""

    type: ClassVar[str] = "message.claimed"

    messages: tuple[tuple[str, int], ...]
    """Id and number of the attempt, from 1; at most 256."""
    node: str = ""
    """That works on them, where several serve from the log."""


class MessageExpired(Fact, frozen=True, gc=False):
    """The time of messages was over before anybody took them. Key: the subscriber."""

    type: ClassVar[str] = "message.expired"

    messages: tuple[str, ...]
    """Ids."""


class MessageDeadLettered(Fact, frozen=True, gc=False):
    """A message was given up; its stream is the topic's and the subscriber's. Key: its id."""

    type: ClassVar[str] = "message.dead_lettered"

    topic: str
    subscriber: str
    attempts: int
    reason: str = ""
    """Problem code of the last failure; crash, displaced or dropped."""
    error: str | None = None
    message: str | None = None


class MessageRetried(Fact, frozen=True, gc=False):
    """Somebody asked that a dead letter be tried again, with fresh attempts. Key: its id."""

    type: ClassVar[str] = "message.retried"

    subscriber: str
    by: str = ""


class MessageDropped(Fact, frozen=True, gc=False):
    """Somebody took a message or a dead letter out of a queue. Key: its id."""

    type: ClassVar[str] = "message.dropped"

    subscriber: str
    by: str = ""


class SubscriptionOpened(Fact, frozen=True, gc=False):
    """From here on a subscriber gets what is published on its topics. Key: the subscriber."""

    type: ClassVar[str] = "subscription.opened"

    topic: str
    """Name, or pattern with `*` and `**`."""


class SubscriptionClosed(Fact, frozen=True, gc=False):
    """A subscriber gets no more messages; what it has not taken is left. Key: the subscriber."""

    type: ClassVar[str] = "subscription.closed"

    by: str = ""


class SubscriptionPaused(Fact, frozen=True, gc=False):
    """A subscriber takes no messages; they are kept for it. Key: the subscriber."""

    type: ClassVar[str] = "subscription.paused"

    by: str = ""


class SubscriptionResumed(Fact, frozen=True, gc=False):
    """A paused subscriber takes messages again. Key: the subscriber."""

    type: ClassVar[str] = "subscription.resumed"

    by: str = ""


class SubscriptionAdvanced(Fact, frozen=True, gc=False):
    """A subscriber has done with all up to a position; reading goes on there. Key: its name."""

    type: ClassVar[str] = "subscription.advanced"

    position: int
    """Of the log. All that it counts was settled, and was published up to there."""
    accepted: int = 0
    acknowledged: int = 0
    expired: int = 0
    dead: int = 0
    retried: int = 0


DELIVERY_FACTS: tuple[type[Fact], ...] = (MessagePublished, MessageAcknowledged, MessageFailed)
"""Those that may stand in a request's stream."""

QUEUE_FACTS: tuple[type[Fact], ...] = (
    MessageClaimed, MessageExpired, MessageDeadLettered, MessageRetried, MessageDropped,
    SubscriptionOpened, SubscriptionClosed, SubscriptionPaused, SubscriptionResumed,
    SubscriptionAdvanced,
)  # fmt: skip
"""Those that stand in streams of kind `queue`, besides `message.published` and `.failed`."""
