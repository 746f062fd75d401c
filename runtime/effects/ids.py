"""Ids and unguessable bytes from the operating system."""

import os
import threading
from array import array
from uuid import UUID, SafeUUID

from eventstore.forks import Process

_POOL_BYTES = 4096
_TOKEN_BYTES = 16
_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_LOW_BITS = 62
_LOW_MASK = (1 << _LOW_BITS) - 1
_number = int.from_bytes
_new_uuid = UUID.__new__
_set_int = UUID.__dict__["int"].__set__
_set_is_safe = UUID.__dict__["is_safe"].__set__
_UNKNOWN = SafeUUID.unknown


class SystemIds:
    """Ids for production. Safe to call from any thread.

    Random bytes are taken from the operating system 4 KiB at a time: a call of
    `os.urandom` costs ten times the rest of an id.
    """

    __slots__ = ("_at_ms", "_generation", "_high", "_lock", "_low", "_steps", "_tokens")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_ms = -1
        self._high = 0
        """Of the last id: time, version, 12 random bits, variant."""
        self._low = 0
        """The other 62 bits of it."""
        self._begin()

    def _begin(self) -> None:
        # A forked child must not hand out what its parent does.
        self._generation = Process.generation
        self._steps: list[int] = []
        self._tokens: list[bytes] = []

    def uuid7(self, at_us: int) -> UUID:
        """Return a UUIDv7 for *at_us*, greater than every one given before.

        Within a millisecond, or when the clock steps back, the last one's lower bits
        are raised by a random step, so the next id cannot be guessed from the last.

        Source: RFC 9562, sections 5.7 and 6.2 (method 2); ES-1.
        """
        at_ms = at_us // 1_000
        with self._lock:
            if self._generation != Process.generation:
                self._begin()
            if not self._steps:
                self._steps = array("I", os.urandom(_POOL_BYTES)).tolist()
            low = self._low + 1 + self._steps.pop()
            if at_ms > self._at_ms or low > _LOW_MASK:
                low = self._start(max(at_ms, self._at_ms + 1))
            self._low = low
            number = self._high | low
        # `UUID(int=…)` looks at all its other arguments first: three times as long.
        made = _new_uuid(UUID)
        _set_int(made, number)
        _set_is_safe(made, _UNKNOWN)
        return made

    def _start(self, at_ms: int) -> int:
        """Begin a millisecond; return the lower bits of its first id, with room above them."""
        chance = _number(self.token(_TOKEN_BYTES), "big")
        self._at_ms = at_ms
        self._high = at_ms << 80 | _VERSION | (chance >> _LOW_BITS & 0xFFF) << 64 | _VARIANT
        return (chance & _LOW_MASK) >> 1

    def token(self, size: int) -> bytes:
        """Return *size* unguessable bytes."""
        if size != _TOKEN_BYTES:
            return self._joined(size)
        if self._generation != Process.generation:
            self._begin()
        try:
            return self._tokens.pop()
        except IndexError:
            return self._refill()

    def _refill(self) -> bytes:
        pool = os.urandom(_POOL_BYTES)
        cut = range(_TOKEN_BYTES, _POOL_BYTES, _TOKEN_BYTES)
        # Another thread may do so meanwhile: both pools are used.
        self._tokens += [pool[start : start + _TOKEN_BYTES] for start in cut]
        return pool[:_TOKEN_BYTES]

    def _joined(self, size: int) -> bytes:
        if size > _POOL_BYTES:
            return os.urandom(size)
        return b"".join([self.token(_TOKEN_BYTES) for _ in range(0, size, _TOKEN_BYTES)])[:size]
