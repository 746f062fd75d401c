"""Reads a JSON Web Token to its parts, strictly, before anything of it is believed. Pure (AU-4).

Source: RFC 7515 section 3, RFC 8725.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from runtime.errors import CredentialsInvalidError

MAX_TOKEN: Final = 8 * 1024
_SEGMENTS: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_KID: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}")


class Token(NamedTuple):
    """A token that can be read; nothing of it is proven."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


def looks_like_jwt(text: str) -> bool:
    """Say whether *text* has the form of a JWT: three parts without padding."""
    return _SEGMENTS.fullmatch(text) is not None


def read_token(text: str) -> Token:
    """Read *text*.

    Raises:
        CredentialsInvalidError: it is too long, padded, ambiguous or no token.
    """
    if len(text) > MAX_TOKEN:
        raise CredentialsInvalidError("too-long")
    if not looks_like_jwt(text):
        raise CredentialsInvalidError("malformed")
    head, payload, signature = text.split(".")
    return Token(
        _object(_decoded(head)),
        _object(_decoded(payload)),
        f"{head}.{payload}".encode(),
        _decoded(signature),
    )


def key_id(header: Mapping[str, Any]) -> str | None:
    """Return `kid`; None if there is none.

    Raises:
        CredentialsInvalidError: it is not 1 to 128 plain characters.
    """
    kid = header.get("kid")
    if kid is None:
        return None
    if not isinstance(kid, str) or _KID.fullmatch(kid) is None:
        raise CredentialsInvalidError("kid-malformed")
    return kid


def number(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a claim that is a time; None if it is not there.

    Raises:
        CredentialsInvalidError: it is no finite number.
    """
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _malformed(name)
    try:
        # A whole number beyond all floats is finite, and no time.
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise _malformed(name)
    return found


def text_of(claims: Mapping[str, Any], name: str) -> str | None:
    """Return a claim that is text; None if it is not there.

    Raises:
        CredentialsInvalidError: it is something else.
    """
    value = claims.get(name)
    if value is None or isinstance(value, str):
        return value
    raise _malformed(name)


def names_of(value: object, name: str) -> tuple[str, ...]:
    """Return a claim that is one text or a list of them.

    Raises:
        CredentialsInvalidError: it is something else.
    """
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
        raise _malformed(name)
    return tuple(listed)


def _malformed(name: str) -> CredentialsInvalidError:
    return CredentialsInvalidError(f"{name}-malformed")


def _decoded(segment: str) -> bytes:
    try:
        raw = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise CredentialsInvalidError("malformed") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        # Spare bits in the last character: one token could be spelled in several ways.
        raise CredentialsInvalidError("malformed")
    return raw


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(raw.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise CredentialsInvalidError("malformed") from None
    if not isinstance(found, dict):
        raise CredentialsInvalidError("malformed")
    return found


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    listed = list(pairs)
    found = dict(listed)
    if len(found) < len(listed):
        raise CredentialsInvalidError("claim-repeated")
    return found
