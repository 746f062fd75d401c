"""A stream as far as its messages go: who publishes, and what. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from eventstore import Event
from runtime.facts import RequestReceived, VersionResolved
from runtime.queue.messages import Message
from runtime.queue_facts import Asker, MessagePublished
from runtime.relay_facts import MessageArrived
from runtime.trace_context import decided_by_caller

_encode = msgspec.json.Encoder().encode


class Opened(msgspec.Struct):
    """What is known of a stream that has not ended yet."""

    first: int
    """Position of its first event."""
    request: str = ""
    handler: str = ""
    version: str = ""
    received: RequestReceived | None = None
    """None: nobody is asked in it, messages apart."""
    is_fork: bool = False
    """Whether it is a copy made to look at: nothing in it counts."""
    published: list[Event] = []
    name: str = ""
    """Of the stream, once it is asked for."""

    def note(self, event: Event) -> None:
        """Learn from a fact that tells who publishes, or what."""
        fact: Any = event.data
        match fact:
            case MessagePublished() | MessageArrived():
                self.published.append(event)
            case RequestReceived():
                self.request = f"{fact.prefix}-{event.stream.hex}"
                self.handler = fact.handler
                self.received = fact
                self.is_fork = self.is_fork or fact.parent is not None
            case VersionResolved():
                self.version = event.key or ""
            case _:
                pass

    def message(self, event: Event, position: int) -> Message:
        """Return what was published by *event*, deliverable from *position* on."""
        return self.messages((event,), position)[0]

    def messages(self, published: Iterable[Event], position: int) -> list[Message]:
        """Return what was published by events, deliverable from *position* on."""
        made, received = [], self.received
        for event in published:
            fact: MessagePublished | MessageArrived = event.data
            if isinstance(fact, MessageArrived):
                made.append(_arrived(event, fact, position))
                continue
            message = self._published(event, fact, position)
            if fact.reply_to is not None:
                message = _asked(message, fact.reply_to)
            elif received is not None:
                message = _in_trace(message, received)
            made.append(message)
        return made

    def _published(self, event: Event, fact: MessagePublished, position: int) -> Message:
        name, ttl_s = self.name, fact.ttl_s
        if not name:
            name = self.name = event.stream.hex
        # Hot: by position, as each name costs; the fields are in the order of `Message`.
        return Message(
            f"{name}@{event.revision}", event.key or "", _encode(fact.payload), position,
            self.first, event.at_us, fact.key, fact.priority,
            None if ttl_s is None else round(ttl_s * 1_000_000), fact.durable,
            self.request, self.handler, self.version,
        )  # fmt: skip


def _in_trace(message: Message, of: RequestReceived) -> Message:
    return replace(message, trace_id=of.trace_id, span_id=of.span_id, sampled=decided_by_caller(of))


def _asked(message: Message, by: Asker) -> Message:
    """Return a message that is told of in no request's stream: it says itself who asks."""
    trace_id, span_id, sampled = _trace_of(by.traceparent)
    return replace(
        message,
        request=by.request,
        handler=by.handler,
        version=by.version,
        trace_id=trace_id,
        span_id=span_id,
        sampled=sampled,
        reply_to=f"{by.request}/{by.effect}",
    )


def _arrived(event: Event, fact: MessageArrived, position: int) -> Message:
    trace_id, span_id, sampled = _trace_of(fact.traceparent)
    return Message(
        id=f"{event.stream.hex}@{event.revision}",
        topic=event.key or "",
        payload=_encode(fact.payload),
        position=position,
        since=event.position,
        published_us=fact.published_us,
        key=fact.key,
        priority=fact.priority,
        ttl_us=None if fact.ttl_s is None else round(fact.ttl_s * 1_000_000),
        request=fact.request,
        handler=fact.handler,
        version=fact.version,
        trace_id=trace_id,
        span_id=span_id,
        sampled=sampled,
        origin=fact.origin,
    )


def _trace_of(traceparent: str) -> tuple[str, str, bool | None]:
    if not traceparent:
        return "", "", None
    _, trace_id, span_id, flags = traceparent.split("-")
    return trace_id, span_id, flags == "01"


PUBLISHING = frozenset({MessagePublished.type, MessageArrived.type})
"""Names of the facts that are messages."""
NOTED = PUBLISHING | {RequestReceived.type, VersionResolved.type}
"""Names of the facts that `note` learns from."""


def message_of(events: Sequence[Event]) -> Message:
    """Return the message that the last of *events*, a stream's from its first on, publishes."""
    opened = Opened(events[0].position)
    for event in events:
        if event.type in NOTED:
            opened.note(event)
    return opened.message(events[-1], events[-1].position)
