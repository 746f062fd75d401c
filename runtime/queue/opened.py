"""A stream as far as its messages go: who publishes, and what. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from eventstore import Event
from runtime.facts import RequestReceived, VersionResolved
from runtime.queue.messages import Message
from runtime.queue_facts import MessagePublished

_encode = msgspec.json.Encoder().encode


class Opened(msgspec.Struct):
    """What is known of a stream that has not ended yet."""

    first: int
    """Position of its first event."""
    request: str = ""
    handler: str = ""
    version: str = ""
    trace_id: str = ""
    span_id: str = ""
    is_fork: bool = False
    """Whether it is a copy made to look at: nothing in it counts."""
    published: list[Event] = []

    def note(self, event: Event) -> None:
        """Learn from a fact that tells who publishes, or what."""
        fact: Any = event.data
        match fact:
            case MessagePublished():
                self.published.append(event)
            case RequestReceived():
                self.request = f"req-{event.stream.hex}"
                self.handler = fact.handler
                self.trace_id, self.span_id = fact.trace_id, fact.span_id
                self.is_fork = self.is_fork or fact.parent is not None
            case VersionResolved():
                self.version = event.key or ""
            case _:
                pass

    def message(self, event: Event, position: int) -> Message:
        """Return what was published by *event*, deliverable from *position* on."""
        fact: MessagePublished = event.data
        return Message(
            id=f"{event.stream.hex}@{event.revision}",
            topic=event.key or "",
            payload=_encode(fact.payload),
            position=position,
            since=self.first,
            published_us=event.at_us,
            key=fact.key,
            priority=fact.priority,
            ttl_us=None if fact.ttl_s is None else round(fact.ttl_s * 1_000_000),
            durable=fact.durable,
            request=self.request,
            handler=self.handler,
            version=self.version,
            trace_id=self.trace_id,
            span_id=self.span_id,
        )


NOTED = frozenset({MessagePublished.type, RequestReceived.type, VersionResolved.type})
"""Names of the facts that `note` learns from."""


def message_of(events: Sequence[Event]) -> Message:
    """Return the message that the last of *events*, a stream's from its first on, publishes."""
    opened = Opened(events[0].position)
    for event in events:
        if event.type in NOTED:
            opened.note(event)
    return opened.message(events[-1], events[-1].position)
