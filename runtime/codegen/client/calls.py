"""A call as a value: what is sent, and how the answer is read. No I/O."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from runtime.codegen.client.errors import ContractViolation, ValidationFailed, error_of
from runtime.codegen.client.opening import opened

T = TypeVar("T")

REPEATABLE = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
"""Methods that may be sent again: twice does what once does."""
PASSING = frozenset({408, 429, 502, 503, 504})
"""Statuses that may be gone the next time."""
FIRST_S = 0.5
LONGEST_S = 8.0
LONGEST_WISH_S = 60.0
"""A server that wants us to wait longer is not waited for."""
_warned: set[str] = set()
"""Handlers of whose end this process was told: once is enough."""


class Call(msgspec.Struct, Generic[T], frozen=True):
    """One request to be sent."""

    handler: str
    method: str
    path: str
    """Encoded."""
    decode: Callable[[bytes], T]
    """Reads the body of an answer."""
    version: str | None = None
    """The version this client was generated from."""
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    media: str = "application/json"
    """Of the body."""
    takes_key: bool = False
    """Whether the handler knows a call by its idempotency key."""
    answer: Any = None
    """The type of an answer; None: bytes, anything, or nothing."""

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent again when nobody knows what became of it."""
        return self.takes_key or self.method in REPEATABLE

    def headers(self, token: str | None) -> dict[str, str]:
        """Give what is sent besides the caller's own headers."""
        made = {"accept": "application/json, application/problem+json;q=0.9, */*;q=0.1"}
        if self.version is not None:
            made["timescape-version"] = self.version
        if self.body is not None:
            made["content-type"] = self.media
        if token is not None:
            made["authorization"] = f"Bearer {token}"
        return made


class Answer(msgspec.Struct, Generic[T], frozen=True):
    """An answer with what stands around its value."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    value: T
    unknown: tuple[str, ...] = ()
    """Pointers of members that the server has and this client does not know: of enumerations, and
    of unions by their tags. Plain data stands there."""


def read(call: Call[T], status: int, headers: Mapping[str, str], body: bytes) -> Answer[T]:
    """Read an answer.

    Raises:
        ApiError: it is a refusal or a failure.
        ContractViolation: it is not of the declared type.
    """
    if not 200 <= status < 300:
        raise error_of(status, headers, body)
    warn_of_its_end(call.handler, headers)
    try:
        return Answer(status, headers, call.decode(body))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        newer = _newer(call, body)
        if newer is not None:
            return Answer(status, headers, *newer)
        message = f"{call.method} {call.path} answered what its contract does not say: {error}"
        raise ContractViolation(message, status, body) from error


def _newer(call: Call[T], body: bytes) -> tuple[T, tuple[str, ...]] | None:
    """Read an answer with members that are not known here; None: that is not what is wrong."""
    if call.answer is None:
        return None
    try:
        value, unknown = opened(body, call.answer)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return (value, unknown) if unknown else None


def warn_of_its_end(handler: str, headers: Mapping[str, str]) -> None:
    """Warn once that a version is to end."""
    told = [f"{name} {headers[name]}" for name in ("deprecation", "sunset") if name in headers]
    if told and handler not in _warned:
        _warned.add(handler)
        message = f"The version of {handler} that this client calls is to end: {', '.join(told)}."
        warnings.warn(message, DeprecationWarning, stacklevel=4)


def delay_s(attempt: int, chance: float, wish_s: float | None) -> float:
    """Say how long to wait before the next attempt.

    Args:
        attempt: how many were made, from 1.
        chance: from 0 to 1.
        wish_s: what the server asked for; None: nothing.
    """
    own = chance * min(FIRST_S * 2.0 ** (attempt - 1), LONGEST_S)
    return wish_s if wish_s is not None and own < wish_s <= LONGEST_WISH_S else own


def wish_of(headers: Mapping[str, str], now_s: float) -> float | None:
    """Read `Retry-After` as seconds from *now_s*; None: it is not there, or cannot be read."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    # It loads sockets, and hardly any server answers with a date.
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_s)
    except (ValueError, TypeError, OverflowError):
        return None


# --- what generated code is made of ---


def segment(value: object) -> str:
    """Encode one segment of a path.

    Raises:
        ValidationFailed: it cannot stand there.
    """
    text = str(value)
    if text in {"", ".", ".."}:
        message = f"{text!r} cannot stand in a path."
        raise ValidationFailed(message)
    return quote(text, safe="")


def rest(value: object) -> str:
    """Encode the rest of a path.

    Raises:
        ValidationFailed: it cannot stand there.
    """
    return "/".join(segment(part) for part in str(value).split("/"))


def encoded(value: object, checker: "msgspec.json.Decoder[Any]") -> bytes:
    """Write a body as JSON.

    Raises:
        ValidationFailed: it does not conform.
    """
    try:
        raw = msgspec.json.encode(value)
        checker.decode(raw)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise ValidationFailed(str(error)) from error
    return raw


def pairs(query: object, checker: "msgspec.json.Decoder[Any]") -> tuple[tuple[str, str], ...]:
    """Write a query as pairs; what is null or not set is left out.

    Raises:
        ValidationFailed: it does not conform.
    """
    plain: dict[str, Any] = msgspec.json.decode(encoded(query, checker))
    return tuple(
        (name, _spelt(each))
        for name, value in plain.items()
        for each in (value if isinstance(value, list) else [value])
        if each is not None
    )


def _spelt(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def nothing(_body: bytes) -> None:
    """Read an answer without a body."""


def anything(body: bytes) -> Any:
    """Read an answer of any type."""
    return msgspec.json.decode(body) if body else None


def maybe(decode: Callable[[bytes], T]) -> Callable[[bytes], T | None]:
    """Read an answer that may have no body."""
    return lambda body: decode(body) if body else None
