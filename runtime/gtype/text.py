"""How text from paths, queries and headers becomes a value (GT-7).

One form each, nothing trimmed, nothing guessed: `007`, ` 7` and `7.0` are no whole numbers.
"""

import datetime as dt
import re
import uuid
from collections.abc import Callable
from typing import Any, Final

import msgspec

INT: Final = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
FLOAT: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MAX_INT_TEXT = 20


class PathType(msgspec.Struct, frozen=True):
    """A type of path parameter."""

    name: str
    rank: int
    """Precedence among routes: the lower is tried first (RM-2)."""
    read: Callable[[str], Any]
    """Gives the value, or None where the text is of another type."""


def read_int(text: str) -> int | None:
    """Read a whole number of 64 bits."""
    if len(text) > _MAX_INT_TEXT or INT.fullmatch(text) is None:
        return None
    value = int(text)
    return value if -(1 << 63) <= value < 1 << 63 else None


def read_float(text: str) -> float | None:
    """Read a finite number."""
    if FLOAT.fullmatch(text) is None:
        return None
    value = float(text)
    return value if abs(value) != float("inf") else None


def read_uuid(text: str) -> uuid.UUID | None:
    """Read a UUID in its form with dashes."""
    return uuid.UUID(text) if _UUID.fullmatch(text) else None


def read_date(text: str) -> dt.date | None:
    """Read `YYYY-MM-DD`."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def read_str(text: str) -> str | None:
    """Read text that is not empty."""
    return text or None


PATH_TYPES: Final[dict[str, PathType]] = {
    t.name: t
    for t in (
        PathType("uuid", 1, read_uuid),
        PathType("date", 2, read_date),
        PathType("int", 3, read_int),
        PathType("float", 4, read_float),
        PathType("str", 5, read_str),
        PathType("path", 6, read_str),
    )
}
"""The types a template may name, in order of precedence."""
