"""Inflates bodies, in steps and within bounds, where an app lets them come compressed (IN-3)."""

import zlib
from typing import Final

from runtime.ingress.bodies import too_large
from runtime.timescape import Refusal

CODINGS: Final = "gzip, deflate"
"""As `Accept-Encoding` says it."""
_WINDOWS: Final = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_STEP: Final = 64 * 1024
MAX_RATIO: Final = 100
"""So many times its size a body may have, inflated; up to 64 KiB it may have more."""
_BROKEN: Final = Refusal(
    400,
    "malformed-body",
    "The body is not one whole stream of its Content-Encoding.",
    "Compress it once, and send it to its end.",
)


def is_known(coding: str) -> bool:
    """Say whether bodies of this `Content-Encoding` can be inflated."""
    return coding in _WINDOWS


def inflate(raw: bytes, coding: str, limit: int) -> bytes | Refusal:
    """Return the body, or say why it is refused.

    Args:
        raw: as it came.
        coding: a known one.
        limit: bytes that it may have.
    """
    most = min(limit, max(_STEP, MAX_RATIO * len(raw)))
    stream = zlib.decompressobj(_WINDOWS[coding])
    parts, size, left = list[bytes](), 0, raw
    while not stream.eof:
        try:
            part = stream.decompress(left, _STEP)
        except zlib.error:
            return _BROKEN
        if not part and not stream.eof:
            return _BROKEN
        size += len(part)
        if size > most:
            return too_large(limit)
        parts.append(part)
        left = stream.unconsumed_tail
    return _BROKEN if stream.unused_data else b"".join(parts)
