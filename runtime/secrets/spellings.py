"""The ways in which a secret may stand in a text (SE-8). Pure."""

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

_GROUP = 3
"""Bytes that base64 writes as four characters."""


def spellings(value: str) -> tuple[str, ...]:
    """Return *value* as it is, and in base64, hex, URL- and JSON-escaped; the longest first.

    Base64 is given for each of the places in which a value may stand in what is encoded, so
    that `user:secret` is found as well.
    """
    raw = value.encode("utf-8", "surrogatepass")
    found = {value, raw.hex(), raw.hex().upper()}
    found.update(json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
    for escaped in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        found.update((escaped, _lower_hex(escaped)))
    for before in range(_GROUP):
        found.update(_base64(raw, before))
    return tuple(sorted(found, key=lambda each: (-len(each), each)))


def _base64(raw: bytes, before: int) -> tuple[str, str]:
    """Return the characters that *raw* alone decides, after *before* other bytes."""
    first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
    padded = bytes(before) + raw
    ways = b64encode(padded), urlsafe_b64encode(padded)
    return ways[0].decode()[first:last], ways[1].decode()[first:last]


def _lower_hex(escaped: str) -> str:
    first, *rest = escaped.split("%")
    return "%".join((first, *(part[:2].lower() + part[2:] for part in rest)))
