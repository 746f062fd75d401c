"""A message on its way from one log to another, and the bytes it is then. Pure."""

import re
from typing import Final
from uuid import UUID

import msgspec

from runtime.queue import Message
from runtime.relay_facts import MessageArrived
from runtime.trace_context import traceparent

PREFIX: Final = "timescape"
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]+")
_decode = msgspec.json.Decoder().decode


class Parcel(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message, for a log that does not have it."""

    id: str
    topic: str
    payload: msgspec.Raw
    published_us: int
    key: str | None = None
    priority: int = 5
    ttl_us: int | None = None
    request: str = ""
    handler: str = ""
    version: str = ""
    traceparent: str = ""

    def fact(self) -> MessageArrived:
        """Return what the other log is told."""
        return MessageArrived(
            _decode(self.payload), self.id, self.published_us, self.key, self.priority,
            None if self.ttl_us is None else self.ttl_us / 1_000_000,
            self.request, self.handler, self.version, self.traceparent,
        )  # fmt: skip


to_bytes = msgspec.json.Encoder().encode
from_bytes = msgspec.json.Decoder(Parcel).decode
"""Reads one; raises `msgspec.DecodeError` for what is none."""


def parcel_of(message: Message, ratio: float = 1.0) -> Parcel:
    """Return *message* as another log gets it.

    Args:
        message: that is deliverable here.
        ratio: of the traces that are exported, where no caller decides.
    """
    return Parcel(
        message.id, message.topic, msgspec.Raw(message.payload), message.published_us,
        message.key, message.priority, message.ttl_us, message.request, message.handler,
        message.version,
        traceparent(message.trace_id, message.span_id, sampled=message.is_sampled(ratio)),
    )  # fmt: skip


def subject_of(topic: str) -> str:
    """Return under what a topic's messages are sent: the same for all who share it."""
    return f"{PREFIX}.{topic}"


def consumer_of(app: str, log: UUID, topic: str) -> str:
    """Name the place up to which *app* took messages of *topic* into *log*: each log gets all."""
    return f"{_ODD.sub('_', app)[:64]}-{log.hex[:16]}-{topic.replace('.', '-')}"
