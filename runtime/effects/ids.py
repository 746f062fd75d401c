"""Ids and unguessable bytes from the operating system."""

import os
import threading
from uuid import UUID, SafeUUID

from eventstore.forks import Process

_POOL_BYTES = 4096
_LOW_BITS = 62
_RANDOM_BITS = 74
_RANDOM_MASK = (1 << _RANDOM_BITS) - 1
_LOW_MASK = (1 << _LOW_BITS) - 1
_VERSION_AND_VARIANT = 0x7 << 76 | 0x2 << 62
_number = int.from_bytes
_new_uuid = UUID.__new__
_set = object.__setattr__
_UNKNOWN = SafeUUID.unknown


class SystemIds:
    """Ids for production. Safe to call from any thread.

    Random bytes are taken from the operating system 4 KiB at a time: a call of
    `os.urandom` costs ten times the rest of an id.
    """

    __slots__ = ("_generation", "_last", "_lock", "_pool", "_used")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = b""
        self._used = _POOL_BYTES
        self._last = 0
        self._generation = Process.generation

    def uuid7(self, at_us: int) -> UUID:
        """Return a UUIDv7 for *at_us*, greater than every one given before.

        Within a millisecond, or when the clock steps back, the last one's 74 random bits
        are raised by a random step, so the next id cannot be guessed from the last.

        Source: RFC 9562, sections 5.7 and 6.2 (method 2); ES-1.
        """
        with self._lock:
            chance = _number(self._take(10), "big") & _RANDOM_MASK
            value = at_us // 1_000 << _RANDOM_BITS | chance >> 1
            if value >> _RANDOM_BITS <= self._last >> _RANDOM_BITS:
                value = self._last + 1 + (chance & 0xFFFF_FFFF)
            self._last = value
        high = value >> _RANDOM_BITS << 80 | (value >> _LOW_BITS & 0xFFF) << 64
        # `UUID(int=…)` looks at all its other arguments first: three times as long.
        made = _new_uuid(UUID)
        _set(made, "int", high | _VERSION_AND_VARIANT | value & _LOW_MASK)
        _set(made, "is_safe", _UNKNOWN)
        return made

    def token(self, size: int) -> bytes:
        """Return *size* unguessable bytes."""
        if size > _POOL_BYTES:
            return os.urandom(size)
        with self._lock:
            return self._take(size)

    def _take(self, size: int) -> bytes:
        start = self._used
        end = self._used = start + size
        # A forked child must not hand out what its parent does.
        if end > _POOL_BYTES or self._generation != Process.generation:
            self._pool, self._generation = os.urandom(_POOL_BYTES), Process.generation
            start, end = 0, size
            self._used = size
        return self._pool[start:end]
