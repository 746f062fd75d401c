"""Reads the query: ordered pairs, decoded once, never repaired (IN-2)."""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import unquote_to_bytes

from runtime.timescape import Refusal, Selector
from runtime.timescape.selectors import SELECTOR_QUERY

MAX_QUERY_FIELDS: Final = 200

BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")

Pairs = tuple[tuple[str, str], ...]


def read_query(raw: bytes) -> Pairs | Refusal:
    """Split a query into names and values, in order; a name without `=` has the value ``."""
    if not raw:
        return ()
    parts = [part for part in raw.split(b"&") if part]
    if len(parts) > MAX_QUERY_FIELDS:
        return _refuse(f"It has {len(parts)} fields; at most {MAX_QUERY_FIELDS} are read.")
    if BAD_ESCAPE.search(raw):
        return _refuse("A % is not followed by two hex digits.")
    pairs = []
    for part in parts:
        name, _, value = part.partition(b"=")
        try:
            pairs.append((unquoted(name).decode(), unquoted(value).decode()))
        except UnicodeDecodeError:
            return _refuse("It is not UTF-8.")
    return tuple(pairs)


def selectors(pairs: Pairs) -> Iterable[Selector]:
    """Give the version selectors of a query, in their order of precedence (TR-1)."""
    for wanted in SELECTOR_QUERY:
        values = dict.fromkeys(v.strip(" ") for n, v in pairs if n == wanted)
        for value in values:
            if value:
                yield Selector("query", f"query {wanted}", value)


def by_name(pairs: Sequence[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Give text by name, and a list of text where a name is repeated."""
    found: dict[str, str | list[str]] = {}
    for name, value in pairs:
        known = found.get(name)
        if known is None:
            found[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            found[name] = [known, value]
    return found


def unquoted(part: bytes) -> bytes:
    """Decode a name or a value, whose escapes are all right, once."""
    if b"%" in part or b"+" in part:
        return unquote_to_bytes(part.replace(b"+", b" "))
    return part


def _refuse(detail: str) -> Refusal:
    return Refusal(400, "query-malformed", f"The query cannot be read. {detail}", "Encode it.")
