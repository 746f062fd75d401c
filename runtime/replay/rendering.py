"""Shows a value of user code without running any of it, in a bounded number of characters.

No `repr` of a class we do not know is called: it may be wrong, slow, or do something. What is
marked `Sensitive` is not shown, and an error's arguments are not either (HW-4).
"""

import dataclasses
import datetime as dt
import decimal
import enum
import typing
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from eventstore.values import FrozenDict, FrozenList, FrozenObject, FrozenSet, Withheld, json_hook
from runtime.gtype.sensitive import mark_in
from runtime.messages import Fields, Request

MOST = 4096
"""Characters of a value that are shown."""
_DEEPEST = 8
_HIDDEN = "<sensitive>"
_PLAIN = (
    type(None), bool, float, dt.datetime, dt.date, dt.time, dt.timedelta, decimal.Decimal,
    uuid.UUID,
)  # fmt: skip
IMMUTABLE = frozenset({*_PLAIN, int, str, bytes})
"""Types whose objects stay as they are."""


def rendered(value: object, most: int = MOST) -> str:
    """Show *value* in at most *most* characters; `…` stands for what has no room."""
    out = _Out(most)
    try:
        _render(out, value, 0)
    except _FullError:
        return "".join(out.parts)[: most - 1] + "…"
    return "".join(out.parts)


class _FullError(Exception):
    """There is no room for more."""


class _Out:
    def __init__(self, room: int) -> None:
        self.parts: list[str] = []
        self.room = room

    def put(self, text: str) -> None:
        self.parts.append(text)
        self.room -= len(text)
        if self.room < 0:
            raise _FullError


def _render(out: _Out, value: Any, depth: int) -> None:
    kind = type(value)
    if kind in IMMUTABLE:
        out.put(_scalar(value, kind, out.room))
    elif depth >= _DEEPEST:
        out.put("…")
    elif issubclass(kind, dict):
        # The way in of `dict` itself: what a subclass makes of it would be user code.
        _pairs(out, dict.items(value), depth + 1)
    elif kind in _CONTAINERS:
        _CONTAINERS[kind](out, value, depth + 1)
    elif kind is Withheld:
        out.put("<not recorded>")
    elif issubclass(kind, enum.Enum):
        out.put(f"{kind.__qualname__}.{value.name}")
    elif issubclass(kind, msgspec.Struct):
        _object(out, value, kind.__struct_fields__, depth + 1)
    elif dataclasses.is_dataclass(kind):
        _object(out, value, [field.name for field in dataclasses.fields(kind)], depth + 1)
    else:
        out.put(f"<{kind.__module__}.{kind.__qualname__}>")


def _scalar(value: Any, kind: type, room: int) -> str:
    if kind is str or kind is bytes:
        return repr(value[: room + 1])
    if kind is int and value.bit_length() > 4 * room:
        return f"<int of {value.bit_length()} bits>"
    return repr(value) if kind in (int, float, bool, type(None)) else str(value)


def _items(out: _Out, ends: str, values: Iterable[Any], depth: int) -> None:
    out.put(ends[0])
    for n, item in enumerate(values):
        out.put(", " if n else "")
        _render(out, item, depth)
    out.put(ends[1])


def _pairs(out: _Out, pairs: Iterable[tuple[Any, Any]], depth: int) -> None:
    out.put("{")
    for n, (key, item) in enumerate(pairs):
        out.put(", " if n else "")
        _render(out, key, depth)
        out.put(": ")
        _render(out, item, depth)
    out.put("}")


def _object(out: _Out, value: Any, names: Iterable[str], depth: int) -> None:
    kind: type[Any] = type(value)
    hidden = _sensitive(kind)  # type: ignore[arg-type]  # a class can be hashed
    out.put(f"{kind.__name__}(")
    for n, name in enumerate(names):
        out.put(f"{', ' if n else ''}{name}=")
        if name in hidden or (kind is Request and name == "raw"):
            out.put(_HIDDEN)
        else:
            _render(out, getattr(value, name, None), depth)
    out.put(")")


@lru_cache(256)
def _sensitive(kind: object) -> frozenset[str]:
    """Give the fields of a class that are marked; all of them where its hints cannot be read."""
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001 - they are the user's, evaluated
        return frozenset(getattr(kind, "__annotations__", ()))
    return frozenset(name for name, hint in hints.items() if _is_marked(hint))


def _is_marked(hint: Any) -> bool:
    if mark_in(getattr(hint, "__metadata__", ())) is not None:
        return True
    return any(_is_marked(part) for part in typing.get_args(hint))


def _copied(out: _Out, value: Any, depth: int) -> None:
    _render(out, json_hook(value), depth)


_CONTAINERS: Mapping[type, Callable[[_Out, Any, int], None]] = {
    list: lambda out, value, depth: _items(out, "[]", value, depth),
    tuple: lambda out, value, depth: _items(out, "()", value, depth),
    set: lambda out, value, depth: _items(out, "{}", value, depth),
    frozenset: lambda out, value, depth: _items(out, "{}", value, depth),
    Fields: lambda out, value, depth: _pairs(out, value.items(), depth),
    FrozenList: _copied,
    FrozenDict: _copied,
    FrozenSet: _copied,
    FrozenObject: _copied,
}
