"""A request or an answer between two versions: bytes and text, which nobody can change.

Each transformer gets plain data made of it anew, and what it gave is checked and is bytes again
before the next one sees it (TX-3). A number that no float holds is a float that knows how it was
written, so that a step which does not look at it hands it on to the last digit.
"""

import hashlib
import math
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from runtime.errors import ResponseHeaderError, TransformFailedError
from runtime.lifecycle.binding import Bound
from runtime.lifecycle.requests import by_name
from runtime.messages import Parts, check_header

Pairs = tuple[tuple[str, str], ...]
_SHORT = 16
"""Characters of a number without exponent that a float tells again, whatever they are."""


class _Exact(float):
    """A number as it was written. What is calculated with it is a float."""

    __slots__ = ("text",)
    text: str


def _number(text: str) -> float:
    number = float(text)
    if (len(text) <= _SHORT and "e" not in text.lower()) or Decimal(repr(number)) == Decimal(text):
        return number
    exact = _Exact(number)
    exact.text = text
    return exact


def _as_written(value: object) -> msgspec.Raw:
    if isinstance(value, _Exact):
        return msgspec.Raw(value.text.encode())
    msg = f"{type(value).__name__} is no plain data."
    raise TypeError(msg)


_encode = msgspec.json.Encoder(enc_hook=_as_written).encode
decode = msgspec.json.Decoder(float_hook=_number).decode


class Carried(msgspec.Struct, frozen=True):
    """A request or an answer between two hops."""

    body: bytes
    is_json: bool = True
    query: Pairs = ()
    status: int | None = None
    headers: Pairs = ()
    """Those that a manifest names."""

    def parts(self) -> Parts:
        """Give it as plain data, a new copy each time."""
        body = self.body if not self.is_json else decode(self.body) if self.body else None
        return Parts(dict(by_name(self.query)), body, self.status, dict(by_name(self.headers)))

    def digest(self, before: "Carried") -> str:
        """Return what it is known again by, as it came of *before*."""
        told = _encode((self.query, self.status)) + self.body
        if self.headers != before.headers:
            told += _encode(sorted(set(self.headers) ^ set(before.headers)))
        return f"sha256:{hashlib.sha256(told).hexdigest()}"


def checked(
    given: object, before: Carried, function: Bound, most: int, named: frozenset[str]
) -> Carried:
    """Return what a function gave.

    Args:
        given: that it returned.
        before: what it was given.
        function: it.
        most: bytes that a body may have.
        named: headers that it may give.

    Raises:
        TransformFailedError: it is no `Parts` of plain data, or too large.
    """
    if not isinstance(given, Parts):
        raise _wrong(function, f"a {type(given).__name__}, not the Parts")
    query = tuple(_pairs(given.query, "query", function))
    headers = tuple(_pairs(given.headers, "headers", function)) if given.headers else ()
    for name, value in headers:
        _check_header(name, value, function, named)
    if before.status is not None and not _is_status(given.status):
        raise _wrong(function, f"the status {given.status!r:.40}")
    is_json = not isinstance(given.body, bytes)
    try:
        body = _written(given.body) if is_json else given.body
    except (TypeError, ValueError, RecursionError) as error:
        raise _wrong(function, "a body that is no plain data") from error
    if len(body) > most:
        raise _wrong(function, f"a body of {len(body)} bytes; {most} are the most")
    return Carried(body, is_json, query, given.status, headers)


def _written(body: object) -> bytes:
    if body is None:
        return b""
    data = _encode(body)
    # What is no number would be written as null, and be a value where one may be left out.
    if b"null" in data and not _is_finite(body):
        msg = "not a number"
        raise ValueError(msg)
    return data


def _is_finite(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return not isinstance(value, list | tuple | set | frozenset) or all(map(_is_finite, value))


def _is_status(status: object) -> bool:
    return isinstance(status, int) and not isinstance(status, bool) and 200 <= status <= 599


def _pairs(given: object, what: str, function: Bound) -> Iterator[tuple[str, str]]:
    if not isinstance(given, dict):
        raise _wrong(function, f"a {type(given).__name__} as the {what}")
    for name, value in given.items():
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(name, str) or not isinstance(each, str):
                raise _wrong(function, f"{what} that are not all text")
            yield name, each


def _check_header(name: str, value: str, function: Bound, named: frozenset[str]) -> None:
    if name not in named:
        raise _wrong(function, f"the header {name!r:.80}, which neither version promises")
    try:
        check_header(name, value)
    except ResponseHeaderError as error:
        raise _wrong(function, f"a value of {name!r:.80} that is none") from error


def _wrong(function: Bound, gave: str) -> TransformFailedError:
    return TransformFailedError(
        problem=f"{function.name} gave {gave}.",
        remedy="Give back the Parts, changed, with plain data in them.",
    )
