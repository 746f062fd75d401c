"""What shape a JSON body may have, found on its bytes before anything is decoded (IN-4).

A body within its size may still be dear: nested so that a decoder recurses, of a million tiny
values, or a number whose reading takes longer the more digits it has. Counting a few bytes
bounds all of that from above and is enough for nearly every body; only above the bounds
it is looked at exactly. Nothing here recurses.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from runtime.gtype.depth import MAX_DEPTH, deeper, without_strings
from runtime.timescape import Refusal

MAX_MEMBERS: Final = 1_000
MAX_ITEMS: Final = 10_000
MAX_VALUES: Final = 100_000
MAX_NUMBER: Final = 128
MAX_EXPONENT: Final = 6_144

_BLANKS: Final = b" \t\r\n"
_NOT_STRUCTURE: Final = bytes(set(range(256)) - set(b"[]{},"))
_LONG = re.compile(rb"[-+.0-9eE]{%d}" % (MAX_NUMBER + 1))
_STRIDE: Final = 32
_SAMPLED = re.compile(rb"[-+.0-9eE]{%d}" % (MAX_NUMBER // _STRIDE))
# Digits become 0, E becomes e, signs go: an exponent of four digits is found at once.
_ALIKE: Final = bytes.maketrans(b"123456789E", b"000000000e")
_EXPONENT = re.compile(rb"[0-9][eE][-+]?0*+([0-9]{4,})")
_decode = msgspec.json.Decoder().decode


class Shape(msgspec.Struct, frozen=True):
    """How many values a body may have side by side."""

    members: int = MAX_MEMBERS
    """Of an object."""
    items: int = MAX_ITEMS
    """Of an array."""
    crowded: Callable[[Any], bool] | None = None
    """Says of decoded data whether a place of it that is kept in a hash table has more entries
    than it may; None: the type has no such place."""


def refused_shape(raw: bytes, shape: Shape) -> Refusal | None:
    """Say why a body may not be decoded; None: it may."""
    commas = raw.count(b",")
    opened = raw.count(b"[") + raw.count(b"{")
    few = commas < shape.members and commas < shape.items and commas < MAX_MEMBERS
    if few and opened <= MAX_DEPTH and not _may_have_odd_numbers(raw):
        return None
    return _scan(raw, shape)


def _may_have_odd_numbers(raw: bytes) -> bool:
    # So long a number covers as many places of the samples, one beside the other.
    if len(raw) > MAX_NUMBER and _SAMPLED.search(raw[::_STRIDE]) is not None:
        return True
    return b"0e0000" in raw.translate(_ALIKE, b"+-")


def _scan(raw: bytes, shape: Shape) -> Refusal | None:
    bare = without_strings(raw)
    tight = bare.translate(None, _BLANKS)
    opened, commas = tight.count(b"[") + tight.count(b"{"), tight.count(b",")
    values = 1 + commas + opened - tight.count(b"[]") - tight.count(b"{}")
    # Where containers follow each other without a comma it is no JSON, but has to be short, too.
    if values > MAX_VALUES or opened > MAX_VALUES:
        return too_complex("values", MAX_VALUES)
    return (
        _numbers(bare)
        or _depth(tight)
        or (_fan_out(tight, shape) if commas >= min(shape.members, shape.items) else None)
        or (_crowd(raw, shape) if commas >= MAX_MEMBERS else None)
    )


def _numbers(bare: bytes) -> Refusal | None:
    if _LONG.search(bare) is not None:
        return too_complex("characters in a number", MAX_NUMBER)
    for found in _EXPONENT.finditer(bare):
        if len(found[1]) > len(str(MAX_EXPONENT)) or int(found[1]) > MAX_EXPONENT:
            return too_complex("as an exponent", MAX_EXPONENT)
    return None


def _depth(tight: bytes) -> Refusal | None:
    return too_complex("levels", MAX_DEPTH) if deeper(tight, MAX_DEPTH) else None


def _fan_out(tight: bytes, shape: Shape) -> Refusal | None:
    """Walk through what opens, closes and separates; `values` bounds how much that is."""
    most = {ord("["): shape.items, ord("{"): shape.members}
    inside: list[list[int]] = []
    for byte in tight.translate(None, _NOT_STRUCTURE):
        if byte in most:
            inside.append([byte, 1])
        elif not inside:
            # No JSON; whoever decodes it says so.
            return None
        elif byte != ord(","):
            inside.pop()
        else:
            here = inside[-1]
            here[1] += 1
            if here[1] > most[here[0]]:
                name = "items in an array" if here[0] == ord("[") else "members of an object"
                return too_complex(name, most[here[0]])
    return None


def _crowd(raw: bytes, shape: Shape) -> Refusal | None:
    if shape.crowded is None:
        return None
    try:
        plain = _decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        # Not to be decoded by type: what comes before the fault would go into hash tables.
        return Refusal(
            400, "malformed-body", "The body is not JSON.", "Send JSON as it is specified."
        )
    if shape.crowded(plain):
        return too_complex("entries in a set or in a map with numbers as keys", MAX_MEMBERS)
    return None


def too_complex(what: str, limit: int) -> Refusal:
    """Refuse a body that has more than *limit* of something."""
    return Refusal(
        400,
        "too-complex",
        f"The body has more than {limit} {what}.",
        "Send it in smaller parts.",
        {"limit": limit},
    )
