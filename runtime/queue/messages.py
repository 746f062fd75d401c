"""A message, and the envelope it comes in: headers of its delivery (QF-3)."""

from collections.abc import Mapping, Sequence

import msgspec

from runtime.trace_context import HEADER, falls_within, traceparent

METHOD = "MESSAGE"
"""Stands where a request of HTTP has its method."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message that can be delivered."""

    id: str
    """`<stream>@<revision>`, the stream as 32 hex digits."""
    topic: str
    payload: bytes
    """JSON."""
    position: int
    """Of the commit that made it deliverable."""
    since: int
    """Position from which on the log has to be read to find it."""
    published_us: int
    key: str | None = None
    priority: int = 5
    ttl_us: int | None = None
    durable: bool = True
    request: str = ""
    """Id of the request that published it; `` outside of one."""
    handler: str = ""
    version: str = ""
    trace_id: str = ""
    span_id: str = ""
    sampled: bool | None = None
    """Whether the publisher's caller wants the trace exported; None: nobody says."""
    reply_to: str = ""
    """`<request id>/<effect number>` of who waits for a result; ``: nobody does."""
    origin: str = ""
    """Its id in the log it was published in, if that is another one."""

    @property
    def size(self) -> int:
        """What it counts in bytes."""
        return len(self.payload)

    def is_expired(self, now_us: int) -> bool:
        """Say whether its time is over."""
        return self.ttl_us is not None and now_us >= self.published_us + self.ttl_us

    def is_sampled(self, ratio: float) -> bool:
        """Say whether its trace is exported, of the other traces this share."""
        return falls_within(self.trace_id, ratio) if self.sampled is None else self.sampled


def envelope(
    message: Message, subscriber: str, attempt: int, attempts: int, ratio: float = 1.0
) -> tuple[tuple[str, str], ...]:
    """Return the headers of a delivery.

    Args:
        message: that is delivered.
        subscriber: to whom.
        attempt: its number, from 1.
        attempts: how many there are at most.
        ratio: of the traces that are exported, where no caller decides.
    """
    ttl_us = message.ttl_us
    told = {
        "message-id": message.id,
        "message-topic": message.topic,
        "message-subscriber": subscriber,
        "message-attempt": str(attempt),
        "message-attempts": str(attempts),
        "message-key": message.key,
        "message-priority": str(message.priority),
        "message-published": str(message.published_us),
        "message-ttl": None if ttl_us is None else str(ttl_us),
        "message-request": message.request,
        "message-handler": message.handler,
        "message-version": message.version,
        "message-reply-to": message.reply_to,
        "message-origin": message.origin,
        HEADER: traceparent(message.trace_id, message.span_id, sampled=message.is_sampled(ratio)),
    }
    return tuple((name, value) for name, value in told.items() if value)


def envelope_of_many(
    messages: Sequence[Message], subscriber: str, attempt: int, attempts: int
) -> tuple[tuple[str, str], ...]:
    """Return the headers of a delivery of several messages of one topic; see `envelope`."""
    return (
        ("message-ids", ",".join(each.id for each in messages)),
        ("message-topic", messages[0].topic),
        ("message-subscriber", subscriber),
        ("message-attempt", str(attempt)),
        ("message-attempts", str(attempts)),
    )


class Delivery(msgspec.Struct, frozen=True):
    """What a delivery's headers say."""

    ids: tuple[str, ...]
    subscriber: str
    attempt: int
    attempts: int


def delivery_of(headers: Mapping[str, str]) -> Delivery:
    """Read the headers of a delivery."""
    several = headers.get("message-ids")
    return Delivery(
        (headers["message-id"],) if several is None else tuple(several.split(",")),
        headers["message-subscriber"],
        int(headers["message-attempt"]),
        int(headers["message-attempts"]),
    )
