"""Reads the path of a request: split on `/` first, then decoded, never repaired (IN-7)."""

import re
from urllib.parse import unquote_to_bytes

_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9._~!$&'()*+,;=:@-]*)+/?|/", re.ASCII)
"""Paths that need no second look; a segment that begins with a dot gets one."""
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def split_path(path: str) -> list[str] | None:
    """Split a raw path into decoded segments; None if it is refused.

    Args:
        path: as received, with its percent-encoding, without the query; each character
            stands for one byte (latin-1).

    Source: IN-7: bad encoding or UTF-8, controls, empty inner segments, dot segments.
    """
    if _PLAIN.fullmatch(path):
        return path[1:].split("/")
    if not path.startswith("/") or _BAD_ESCAPE.search(path):
        return None
    segments = path[1:].split("/")
    if "" in segments[:-1]:
        return None
    decoded = []
    for segment in segments:
        try:
            text = unquote_to_bytes(segment.encode("latin-1")).decode()
        except (UnicodeDecodeError, UnicodeEncodeError):
            return None
        if text in {".", ".."} or _CONTROL.search(text):
            return None
        decoded.append(text)
    return decoded
