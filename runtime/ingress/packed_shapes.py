"""What shape a msgpack body may have: the limits of JSON, on the bytes, before decoding (IN-4).

A walk over the first bytes of its values, which jumps over text and never recurses. What JSON
does not have is refused as well: NaN and infinities, keys that are neither text nor whole
numbers, extensions other than timestamps.

Source: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from enum import Enum
from math import isfinite
from struct import unpack_from
from typing import Final, NamedTuple

from runtime.gtype.depth import MAX_DEPTH
from runtime.ingress.shapes import MAX_VALUES, Shape, too_complex
from runtime.timescape import Refusal

_NOT_MSGPACK: Final = Refusal(
    400, "malformed-body", "The body is not one value of msgpack.", "Send it whole."
)
_NO_JSON: Final = Refusal(
    400,
    "malformed-body",
    "The body holds what JSON does not have.",
    "Leave out NaN, infinities, extensions, and keys that are neither text nor whole numbers.",
)


class _Kind(Enum):
    PLAIN = "nil or a boolean"
    INT = "int"
    FLOAT = "float"
    TEXT = "str"
    BYTES = "bin"
    ARRAY = "array"
    MAP = "map"
    EXTENSION = "ext"
    NONE = "never used"


class _First(NamedTuple):
    """What a first byte says."""

    kind: _Kind
    sized: int
    """Bytes that hold the length, or the count."""
    size: int = 0
    """The length in bytes, or the count, or what is added to it, where it is fixed."""


def _table() -> tuple[_First, ...]:
    found = {0xC0: _First(_Kind.PLAIN, 0), 0xC1: _First(_Kind.NONE, 0)}
    found |= {0xC2: found[0xC0], 0xC3: found[0xC0]}
    found |= {0xC4 + n: _First(_Kind.BYTES, 1 << n) for n in range(3)}
    found |= {0xC7 + n: _First(_Kind.EXTENSION, 1 << n, 1) for n in range(3)}
    found |= {0xCA + n: _First(_Kind.FLOAT, 0, 4 << n) for n in range(2)}
    found |= {first + n: _First(_Kind.INT, 0, 1 << n) for first in (0xCC, 0xD0) for n in range(4)}
    found |= {0xD4 + n: _First(_Kind.EXTENSION, 0, 1 + (1 << n)) for n in range(5)}
    found |= {0xD9 + n: _First(_Kind.TEXT, 1 << n) for n in range(3)}
    found |= {0xDC + n: _First(_Kind.ARRAY, 2 << n) for n in range(2)}
    found |= {0xDE + n: _First(_Kind.MAP, 2 << n) for n in range(2)}
    found |= {0x80 + n: _First(_Kind.MAP, 0, n) for n in range(16)}
    found |= {0x90 + n: _First(_Kind.ARRAY, 0, n) for n in range(16)}
    found |= {0xA0 + n: _First(_Kind.TEXT, 0, n) for n in range(32)}
    whole = _First(_Kind.INT, 0)
    return tuple(found.get(first, whole) for first in range(256))


_TABLE: Final = _table()
_TIMESTAMP: Final = 0xFF
_KEYS: Final = frozenset({_Kind.TEXT, _Kind.INT})


def refused_packed(raw: bytes, shape: Shape) -> Refusal | None:
    """Say why a body may not be decoded; None: it may."""
    at, values, end = 0, 0, len(raw)
    inside: list[list[int]] = []
    # Of each map or array around: what is still to come, and whether it has keys.
    while at < end:
        kind, sized, size = _TABLE[raw[at]]
        at += 1 + sized
        if sized:
            size += int.from_bytes(raw[at - sized : at])
        is_key = False
        if inside:
            around = inside[-1]
            is_key = bool(around[1]) and around[0] % 2 == 0
            around[0] -= 1
        if is_key and kind not in _KEYS:
            return _NO_JSON
        values += not is_key
        if kind is _Kind.ARRAY or kind is _Kind.MAP:
            inside.append([size, 0] if kind is _Kind.ARRAY else [2 * size, 1])
            refusal = _refused_many(kind, size, len(inside), shape)
        else:
            refusal = _refused_content(kind, raw, at, size)
            at += size
        if refusal is not None or values > MAX_VALUES:
            return refusal or too_complex("values", MAX_VALUES)
        while inside and inside[-1][0] == 0:
            inside.pop()
        if not inside:
            break
    return None if at == end and end and not inside else _NOT_MSGPACK


def _refused_many(kind: _Kind, count: int, depth: int, shape: Shape) -> Refusal | None:
    if depth > MAX_DEPTH:
        return too_complex("levels", MAX_DEPTH)
    if kind is _Kind.ARRAY and count > shape.items:
        return too_complex("items in an array", shape.items)
    if kind is _Kind.MAP and count > shape.members:
        return too_complex("members of an object", shape.members)
    return None


def _refused_content(kind: _Kind, raw: bytes, at: int, size: int) -> Refusal | None:
    if kind is _Kind.NONE or at + size > len(raw):
        return _NOT_MSGPACK
    if kind is _Kind.FLOAT:
        (number,) = unpack_from(">f" if size == 4 else ">d", raw, at)
        return None if isfinite(number) else _NO_JSON
    if kind is _Kind.EXTENSION and raw[at] != _TIMESTAMP:
        return _NO_JSON
    return None
