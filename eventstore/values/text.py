r"""Text that JSON or a database cannot hold as it is, and the envelope that holds it.

One `\u0000` in a JSON document makes PostgreSQL refuse its fields, and lone
surrogates have no UTF-8; such strings become `{"$str": base64}`.
"""

import binascii
from typing import Any

STR = "$str"


def is_plain(text: str) -> bool:
    """Say whether *text* can stand in JSON as a string."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def wrap(text: str) -> dict[str, str]:
    """Return the envelope of *text*."""
    return {STR: to_base64(text.encode("utf-8", "surrogatepass"))}


def unwrap(envelope: dict[str, Any]) -> str:
    """Return the text of an envelope.

    Raises:
        ValueError: it is not one that `wrap` made.
    """
    text = from_base64(envelope[STR]).decode("utf-8", "surrogatepass")
    if is_plain(text):
        msg = "$str holds text that needs no envelope"
        raise ValueError(msg)
    return text


def to_base64(raw: bytes) -> str:
    """Return *raw* as base64, without line breaks."""
    return binascii.b2a_base64(raw, newline=False).decode()


def from_base64(text: object) -> bytes:
    """Decode base64, canonical only, so that equal bytes have one spelling.

    Raises:
        ValueError: anything else.
    """
    if not isinstance(text, str):
        msg = "base64 must be a string"
        raise ValueError(msg)  # noqa: TRY004 - bad data, not misuse
    raw = binascii.a2b_base64(text, strict_mode=True)
    if to_base64(raw) != text:
        msg = "base64 is not canonical"
        raise ValueError(msg)
    return raw
