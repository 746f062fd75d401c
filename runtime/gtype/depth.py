"""How deep a JSON text nests, found on the bytes, before any decoder recurses (GT-20)."""

import re
from typing import Final

MAX_DEPTH: Final = 64
"""As for values in the log, so that what is let in can be recorded."""

# Possessive: what a string took is never given back, so no body makes it try twice.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_OPENS: Final = ord("[")
_SQUARE: Final = bytes.maketrans(b"{}", b"[]")
_OTHER = bytes(set(range(256)) - set(b"[]{}"))


def too_deep(raw: bytes) -> bool:
    """Say whether *raw* nests deeper than `MAX_DEPTH`.

    Counting what opens bounds the depth from above and is enough for nearly every body.
    """
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return False
    return deeper(without_strings(raw), MAX_DEPTH)


def without_strings(raw: bytes) -> bytes:
    """Put a 0 in the place of every string, so that what is left is what JSON is made of."""
    return _STRING.sub(b"0", raw)


def deeper(bare: bytes, most: int) -> bool:
    """Say whether JSON without its strings nests deeper than *most*."""
    brackets = bare.translate(_SQUARE, _OTHER)
    left = brackets
    for _ in range(most):
        if not left:
            return False
        # What holds nothing goes, one level of it: much quicker than a walk.
        left = left.replace(b"[]", b"")
    return b"[]" in left or (bool(left) and _walk(brackets, most))


def _walk(brackets: bytes, most: int) -> bool:
    """Say whether brackets, not all of which fit each other, are ever deeper than *most*."""
    depth = 0
    for byte in brackets:
        depth += 1 if byte == _OPENS else -1
        if depth > most:
            return True
    return False
