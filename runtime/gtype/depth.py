"""How deep a JSON text nests, found on the bytes, before any decoder recurses (GT-20)."""

import re
from typing import Final

MAX_DEPTH: Final = 64
"""As for values in the log, so that what is let in can be recorded."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_OTHER = bytes(set(range(256)) - set(b"[]{}"))


def too_deep(raw: bytes) -> bool:
    """Say whether *raw* nests deeper than `MAX_DEPTH`.

    Counting what opens bounds the depth from above and is enough for nearly every body.
    """
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return False
    depth = 0
    for byte in _STRING.sub(b"", raw).translate(None, _OTHER):
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        else:
            depth -= 1
    return False
