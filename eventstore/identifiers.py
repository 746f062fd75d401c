"""Names of things in the log, and how new ones are made.

Ids are UUIDs of version 7 (RFC 9562): rising in time, so that rows of one time
lie together. The source is handed in, because an id is an effect.
"""

import hashlib
from collections.abc import Callable
from typing import NewType, Protocol
from uuid import UUID

StreamId = NewType("StreamId", UUID)
"""One request, or one named control stream."""
Revision = NewType("Revision", int)
"""How far a stream is: 0 before its first event, n after its n-th."""
Position = NewType("Position", int)
"""Where in the log: 1 for its first event, without gaps."""

Clock = Callable[[], int]
"""Gives the time in microseconds since 1970, UTC."""


class Ids(Protocol):
    """A source of ids. Safe to call from any thread."""

    def uuid7(self, at_us: int) -> UUID:
        """Return a new UUIDv7 for *at_us*, greater than every one given before."""
        ...

    def token(self, size: int) -> bytes:
        """Return *size* unguessable bytes."""
        ...


def uuid7(at_ms: int, random: bytes) -> UUID:
    """Lay out a UUIDv7 from a time in ms and 10 random bytes.

    Source: RFC 9562, section 5.7.
    """
    value = (at_ms & (1 << 48) - 1) << 80 | int.from_bytes(random, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def named_stream(kind: str, name: str) -> StreamId:
    """Return the id of the stream *name* of *kind*: the same on every machine.

    Source: ES-1. Time 0 and 74 bits of SHA-256(kind, NUL, name).
    """
    digest = hashlib.sha256(f"{kind}\0{name}".encode()).digest()
    return StreamId(uuid7(0, digest[:10]))


LOG_STREAM = named_stream("log", "log")
"""The log's own stream, alike in every log."""
