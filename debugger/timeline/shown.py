"""Encoded values as a line for people: `{"sku": "a-1", "net": 118.00}`.

JSON where a value is JSON; a decimal, date or id as its own text; the kinds JSON lacks in
brackets of their own. Nothing is decoded, no class is needed, and no more of a value is
walked than is shown. The answer went through `printable`.
"""

import binascii
import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

from debugger.timeline.pointers import ABSENT, envelope
from debugger.timeline.printable import fit, printable
from eventstore.values import tree_bytes

_MOST = 4_096
"""Characters of a value that are ever shown (RN-5)."""


def shown(value: Any, cells: int = _MOST) -> str:
    """Return *value* on one line of at most *cells*; a cut one ends in `…`."""
    most = min(cells, _MOST)
    pieces: list[str] = []
    length = 0
    for piece in _pieces(value):
        pieces.append(piece)
        length += len(piece)
        if length > most:
            break
    return fit(printable("".join(pieces)), most)


def _pieces(value: Any) -> Iterator[str]:
    if value is ABSENT:
        yield "absent"
    elif isinstance(value, str):
        yield _string(value)
    elif isinstance(value, list):
        yield from _row("[", value, "]")
    elif isinstance(value, Mapping):
        tag = envelope(value)
        if tag is None:
            yield from _fields("{", value, "}")
        else:
            yield from _enveloped(tag, value[tag])
    else:
        yield tree_bytes(value).decode()


def _string(text: str) -> str:
    # Cut before it is escaped: it may have megabytes. Lone surrogates stay for `printable`.
    return json.dumps(text[: _MOST + 1], ensure_ascii=False)


def _row(left: str, items: list[Any], right: str) -> Iterator[str]:
    yield left
    for index, item in enumerate(items):
        if index:
            yield ", "
        yield from _pieces(item)
    yield right


def _fields(left: str, fields: Mapping[str, Any], right: str) -> Iterator[str]:
    yield left
    for index, (name, value) in enumerate(fields.items()):
        yield f"{', ' if index else ''}{_string(name)}: "
        yield from _pieces(value)
    yield right


def _enveloped(tag: str, inner: Any) -> Iterator[str]:
    match tag, inner:
        case (("$redacted" | "$sealed" | "$forgotten"), _):
            yield f"<{tag[1:]}>"
        case (("$tuple" | "$set" | "$frozenset"), list()):
            yield from _row("(" if tag == "$tuple" else "{", inner, ")" if tag == "$tuple" else "}")
        case "$dict", list():
            yield from _pairs(inner)
        case "$obj", [str(name), dict(fields)]:
            yield from _fields(_class_name(name) + "(", fields, ")")
        case "$enum", [str(name), member]:
            yield f"{_class_name(name)}.{member}"
        case _:
            yield _scalar(tag, inner)


def _pairs(pairs: list[Any]) -> Iterator[str]:
    yield "{"
    for index, (key, value) in enumerate(pairs):
        yield ", " if index else ""
        yield from _pieces(key)
        yield ": "
        yield from _pieces(value)
    yield "}"


def _class_name(label: str) -> str:
    """Return `Item` of `shop.Item@1`."""
    return label.partition("@")[0].rpartition(".")[2]


def _scalar(tag: str, inner: Any) -> str:
    match tag, inner:
        # An int is hexadecimal as stored: making it decimal takes quadratic time.
        case (
            ("$decimal" | "$uuid" | "$date" | "$float" | "$datetime" | "$time" | "$int"),
            str(text),
        ):
            pass
        case (("$datetime" | "$time"), [str(clock), _]):
            text = f"{clock} (second time)"
        case "$timedelta", [int(days), int(seconds), int(micro)]:
            text = str(dt.timedelta(days, seconds, micro))
        case "$str", str(packed):
            text = _string(_base64(packed[: _MOST * 2]).decode("utf-8", "surrogatepass"))
        case "$bytes", str(packed):
            text = _bytes(packed)
        case _:
            text = tree_bytes({tag: inner}).decode()
    return text


def _bytes(packed: str) -> str:
    size = len(packed) * 3 // 4 - packed[-2:].count("=")
    more = "…" if len(packed) > 24 else ""
    return f"<{size} bytes {_base64(packed[:24]).hex()}{more}>"


def _base64(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text[: len(text) // 4 * 4])
    except binascii.Error:
        return b""
