"""Reads the head of a request once, on the bytes, and refuses what may not pass (IN-2, IN-8).

Connections repeat their heads, so readings are kept by the bytes they were made from;
the cache is bounded and drops everything at once when it is full.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import msgspec

from runtime.ingress.framing import framing
from runtime.ingress.negotiating import asks_msgpack
from runtime.timescape import Refusal, Selector
from runtime.timescape.selectors import DATETIME_HEADER, SELECTOR_HEADERS

RawHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]

MAX_FIELDS: Final = 100
MAX_FIELD_BYTES: Final = 8 * 1024
MAX_HEAD_BYTES: Final = 64 * 1024
_CACHED: Final = 512

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_HOST = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_CORRELATION = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)

PRIORITY: Final = 5
"""Of a request that says nothing of it, or nothing that can be read."""
MAX_PRIORITY: Final = 10
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?", re.ASCII)
_FLAG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
MAX_FLAGS: Final = 20
TIMEOUT_HEADER: Final = "timescape-timeout"
TABLE_HEADER: Final = "timescape-table"
SINGLE: Final = frozenset(
    {
        "access-control-request-headers", "access-control-request-method", "authorization",
        "content-length", "content-type", "content-encoding", "expect", "host",
        "idempotency-key", "origin", "proxy-authorization", "request-id", "timescape-flags",
        "timescape-priority", "timescape-table", "timescape-timeout", "traceparent", "x-request-id",
    }
)  # fmt: skip
"""Fields that may stand once (IN-8)."""
_ACTED_ON: Final = SINGLE | {
    *SELECTOR_HEADERS, "accept", "cookie", "forwarded", "transfer-encoding", "x-api-key",
    "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
}  # fmt: skip


class Head(msgspec.Struct, frozen=True):
    """A head that may pass, or why it may not."""

    headers: tuple[tuple[str, str], ...]
    refusal: Refusal | None = None
    length: int | None = None
    """Content-Length; None: not said."""
    chunked: bool = False
    json: bool = False
    """The body is JSON in UTF-8."""
    encoded: bool = False
    """The body has a content coding."""
    selectors: tuple[Selector, ...] = ()
    correlation: str | None = None
    table: int = 0
    """Position of the log up to which the caller knows versions (TS-8)."""
    key: str | None = None
    """Idempotency-Key, as sent."""
    host: str = ""
    priority: int = PRIORITY
    """From 0 to 10, as the caller would have it (IN-12)."""
    flags: tuple[str, ...] = ()
    timeout_s: float | None = None
    """The caller's own limit; None: it has none."""
    packs: bool = False
    """The answer is wanted as msgpack."""


NO_HEAD: Final = Head(())
_NO_HOST: Final = Refusal(400, "invalid-host", "The Host field is missing or malformed.", "")


class HeadReader:
    """Reads heads; one serves all connections of an event loop.

    Args:
        allowed_hosts: names that Host may hold, exact or `*.` and one label; None: any.
        proxied: Host is what a proxy names us; whether it may be so is asked with
            `refused_host`, once it is known whom the client named.
    """

    def __init__(
        self, allowed_hosts: Iterable[str] | None = None, *, proxied: bool = False
    ) -> None:
        self._hosts = None if allowed_hosts is None else tuple(h.lower() for h in allowed_hosts)
        self._proxied = proxied
        self._known: dict[RawHeaders, Head] = {}

    def read(self, raw: Iterable[tuple[bytes, bytes]]) -> Head:
        """Read a head."""
        key = tuple(raw)
        known = self._known.get(key)
        if known is not None:
            return known
        head = self._read(key)
        if len(self._known) >= _CACHED:
            self._known.clear()
        if head.refusal is None:
            self._known[key] = head
        return head

    def _read(self, raw: RawHeaders) -> Head:
        refusal = _too_large(raw) or _malformed(raw)
        if refusal is not None:
            return Head((), refusal)
        headers = tuple(_fields(raw))
        by_name: dict[str, list[str]] = {}
        for name, value in headers:
            by_name.setdefault(name, []).append(value)
        refusal = (
            framing(by_name)
            or _repeated(by_name)
            or self._host_refusal(by_name)
            or _no_position(by_name)
            or _no_timeout(by_name)
            or _no_expectation(by_name)
        )
        if refusal is not None:
            return Head(headers, refusal)
        length = by_name.get("content-length")
        return Head(
            headers,
            length=int(length[0]) if length else None,
            chunked="transfer-encoding" in by_name,
            json=_is_json(by_name.get("content-type", [""])[0]),
            encoded=by_name.get("content-encoding", ["identity"])[0].lower() != "identity",
            selectors=tuple(_selectors(by_name)),
            correlation=_correlation(by_name),
            table=int(by_name.get(TABLE_HEADER, ["0"])[0]),
            key=by_name.get("idempotency-key", [None])[0],
            priority=_priority(by_name.get("timescape-priority", [""])[0]),
            host=by_name["host"][0],
            flags=_flags(by_name.get("timescape-flags", [""])[0]),
            timeout_s=float(by_name[TIMEOUT_HEADER][0]) if TIMEOUT_HEADER in by_name else None,
            packs=asks_msgpack(by_name.get("accept", ())),
        )

    def _host_refusal(self, by_name: dict[str, list[str]]) -> Refusal | None:
        host = by_name.get("host", [""])[0]
        if self._proxied:
            return None if _HOST.fullmatch(host) else _NO_HOST
        return self.refused_host(host)

    def refused_host(self, host: str) -> Refusal | None:
        """Say why *host* may not be asked for; None: it may."""
        if _HOST.fullmatch(host) is None:
            return _NO_HOST
        if self._hosts is not None and not _allowed(host, self._hosts):
            return Refusal(
                400, "invalid-host", "The Host field names another service.", "Check the address."
            )
        return None


def _too_large(raw: RawHeaders) -> Refusal | None:
    sizes = [len(name) + len(value) for name, value in raw]
    if len(sizes) <= MAX_FIELDS and sum(sizes) <= MAX_HEAD_BYTES:
        if not sizes or max(sizes) <= MAX_FIELD_BYTES:
            return None
        detail = f"A header field is longer than {MAX_FIELD_BYTES} bytes."
    else:
        detail = f"There are {len(sizes)} header fields of {sum(sizes)} bytes."
    limits = f"At most {MAX_FIELDS} fields, {MAX_FIELD_BYTES} bytes each, {MAX_HEAD_BYTES} in all."
    return Refusal(431, "headers-too-large", detail, limits)


def _malformed(raw: RawHeaders) -> Refusal | None:
    for name, value in raw:
        if _NAME.fullmatch(name) is None or _CONTROL.search(value):
            shown = name[:64].decode("latin-1").encode("unicode_escape").decode()
            return Refusal(
                400,
                "header-malformed",
                f"Header field {shown!r} holds a character that HTTP does not allow.",
                "Send visible characters, blanks and tabs only.",
            )
    return None


def _fields(raw: RawHeaders) -> Iterable[tuple[str, str]]:
    """Give names in lower case and values; bytes above 127 stand for themselves (latin-1)."""
    for raw_name, raw_value in raw:
        name = raw_name.decode("ascii").lower()
        # Some servers read X_API_Key as X-API-Key: what one front checks the other would not.
        if "_" in name and name.replace("_", "-") in _ACTED_ON:
            continue
        yield name, raw_value.decode("latin-1").strip(" \t")


def _repeated(by_name: dict[str, list[str]]) -> Refusal | None:
    for name, values in by_name.items():
        if len(values) > 1 and name in SINGLE:
            return Refusal(
                400, "header-repeated", f"Header field {name!r} stands twice.", "Send it once."
            )
    return None


def _no_position(by_name: dict[str, list[str]]) -> Refusal | None:
    text = by_name.get(TABLE_HEADER, ["0"])[0]
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        return None
    return Refusal(
        400, "header-malformed", f"{TABLE_HEADER} is not a position of the log.", "Write a number."
    )


def _no_timeout(by_name: dict[str, list[str]]) -> Refusal | None:
    text = by_name.get(TIMEOUT_HEADER, ["0"])[0]
    if _SECONDS.fullmatch(text) is not None:
        return None
    return Refusal(
        400, "header-malformed", f"{TIMEOUT_HEADER} is no number of seconds.", "Write it as 2.5."
    )


def _no_expectation(by_name: dict[str, list[str]]) -> Refusal | None:
    if by_name.get("expect", ["100-continue"])[0].lower() == "100-continue":
        return None
    return Refusal(
        417, "expectation-failed", "The Expect field asks for what is not known here.", "Drop it."
    )


def _allowed(host: str, allowed: Sequence[str]) -> bool:
    name = host.lower()
    if not name.endswith("]"):
        name = name.rpartition(":")[0] or name if ":" in name else name
    for pattern in allowed:
        if pattern == name:
            return True
        if pattern.startswith("*."):
            label, dot, rest = name.partition(".")
            if dot and label and rest == pattern[2:]:
                return True
    return False


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    if media != "application/json" and not (
        media.startswith("application/") and media.endswith("+json")
    ):
        return False
    return is_utf8(content_type)


def is_utf8(content_type: str) -> bool:
    """Say whether a media type names no charset but UTF-8."""
    charset = _CHARSET.search(content_type)
    return charset is None or charset[1].lower() in {"utf-8", "utf8"}


def _selectors(by_name: dict[str, list[str]]) -> Iterable[Selector]:
    for name in SELECTOR_HEADERS:
        for value in dict.fromkeys(by_name.get(name, ())):
            if value:
                source = "datetime" if name == DATETIME_HEADER else "header"
                yield Selector(source, f"header {name}", value)


def _priority(text: str) -> int:
    if _WHOLE.fullmatch(text) is None:
        return PRIORITY
    return min(max(int(text), 0), MAX_PRIORITY)


def _flags(text: str) -> tuple[str, ...]:
    found = (each.strip(" \t").lower() for each in text.split(",")) if text else ()
    return tuple(dict.fromkeys(each for each in found if _FLAG.fullmatch(each)))[:MAX_FLAGS]


def _correlation(by_name: dict[str, list[str]]) -> str | None:
    for name in ("request-id", "x-request-id"):
        for value in by_name.get(name, ()):
            return value if _CORRELATION.fullmatch(value) else None
    return None
