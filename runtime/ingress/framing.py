"""Where a request begins and ends: what two readers could read otherwise is refused (IN-5, IN-6).

A proxy before us and the server may disagree about it, and then one request hides another.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from runtime.timescape import Refusal

CLOSE: Final = (("connection", "close"),)
"""Of the answer: what follows on the connection may be anybody's."""


def _bad(detail: str) -> Refusal:
    return Refusal(400, "bad-framing", detail, "Send one Content-Length, or chunks.")


_TWICE: Final = _bad("Content-Length stands twice.")
_NO_NUMBER: Final = _bad("Content-Length is not a whole number.")
_BOTH: Final = _bad("Both Content-Length and Transfer-Encoding are there.")
CODED_TOO_OLD: Final = _bad("HTTP/1.0 has no Transfer-Encoding.")
_CODING: Final = Refusal(
    501, "coding-unknown", "The transfer coding is not known here.", "Send chunks, uncompressed."
)


def framing(by_name: Mapping[str, Sequence[str]]) -> Refusal | None:
    """Say why the length of a body cannot be told."""
    lengths, codings = by_name.get("content-length", ()), by_name.get("transfer-encoding", ())
    if len(lengths) > 1:
        return _TWICE
    if lengths and not _is_length(lengths[0]):
        return _NO_NUMBER
    if lengths and codings:
        return _BOTH
    if codings and [each.lower() for each in codings] != ["chunked"]:
        return _CODING
    return None


def _is_length(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def origin_form(target: str, host: str) -> str:
    """Return the path of a target in absolute form that is of *host*; any other as it is.

    Source: RFC 9112, section 3.2.2.
    """
    for scheme in ("http://", "https://"):
        if target.lower().startswith(scheme):
            authority, slash, path = target[len(scheme) :].partition("/")
            if authority.lower() == host.lower():
                return slash + path or "/"
    return target
