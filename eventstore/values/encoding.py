"""Python values to trees, or the first fault and where it is (VC-2)."""

import datetime as dt
import decimal
import enum
import math
import uuid
from collections.abc import Callable
from typing import Any

from eventstore.values import text, times
from eventstore.values.classes import NO_CLASSES, Classes, field_names, is_class_of_values
from eventstore.values.faults import MAX_DEPTH, Fault, unsupported
from eventstore.values.frozen import (
    FrozenDict,
    FrozenList,
    FrozenObject,
    FrozenSet,
    Redacted,
    Sealed,
    UnknownMember,
    tree_of,
)
from eventstore.values.tree import Tree, shown_bytes, tree_bytes, value_depth
from eventstore.values.withheld import Withheld

_SHORT = 4096
_THEMSELVES = frozenset({type(None), bool})
MAX_SIZE = 20 * 1024 * 1024
"""In bytes; more fit into no event."""


def encode(value: object, classes: Classes = NO_CLASSES, *, max_size: int = MAX_SIZE) -> Tree:
    """Return a new tree that stands for *value*; later changes to *value* do not reach it.

    Args:
        value: plain data (see `eventstore.values`), or a frozen view.
        classes: what its Structs, dataclasses and enums may be.
        max_size: give up once the text is sure to be longer: shared references are
            copies, and a short program can write a long value with them.

    Raises:
        EventStoreError: `unsupported-value`, with the fields `path` (a JSON pointer to
            the first fault), `type` and `reason`: type, subclass, unregistered, cycle,
            depth, size, tzinfo, attribute.
    """
    # Most values are scalars that stand for themselves: a third of the time of the way below.
    kind = type(value)
    if kind in _THEMSELVES or (kind is int and -(2**63) <= value < 2**63):  # type: ignore[operator]
        return value
    if kind is str and len(value) < _SHORT and value.isascii() and "\0" not in value:  # type: ignore[arg-type,attr-defined,operator]
        return value
    try:
        return _Run(classes, max_size).all_of(value)
    except Fault as fault:
        raise unsupported(fault) from None


def dumps(value: object, classes: Classes = NO_CLASSES) -> bytes:
    """Return the JSON text that stands for *value*, in UTF-8.

    Raises:
        EventStoreError: `unsupported-value`, as of `encode`.
    """
    return tree_bytes(encode(value, classes))


class _Run:
    """One call: which classes it knows, how much it met so far."""

    __slots__ = ("classes", "max_size", "size")

    def __init__(self, classes: Classes, max_size: int) -> None:
        self.classes = classes
        self.max_size = max_size
        self.size = 0

    def encode(self, value: Any, depth: int) -> Tree:
        return _ENCODERS.get(type(value), _special)(self, value, depth)

    def all_of(self, value: Any) -> Tree:
        tree = self.encode(value, 0)
        self.check_size(value)  # once more: what came last may be one long text
        return tree

    def check_size(self, value: Any) -> None:
        if self.size > self.max_size:
            raise Fault("size", type(value), f"more than {self.max_size} bytes")

    def enter(self, value: Any, depth: int, size: int) -> None:
        # Each item is a character and a comma at least.
        self.size += 2 * size + 1
        self.check_size(value)
        if depth >= MAX_DEPTH:
            raise Fault("depth", type(value), f"deeper than {MAX_DEPTH}")


def _unchanged(_run: _Run, value: Any, _depth: int) -> Tree:
    return value


def _int(_run: _Run, value: int, _depth: int) -> Tree:
    return value if -(2**63) <= value < 2**63 else {"$int": hex(value)}


def _float(_run: _Run, value: float, _depth: int) -> Tree:
    return value if math.isfinite(value) else {"$float": repr(value)}


def _str(run: _Run, value: str, _depth: int) -> Tree:
    run.size += len(value)
    return value if text.is_plain(value) else text.wrap(value)


def _bytes(run: _Run, value: bytes, _depth: int) -> Tree:
    run.size += len(value)
    return {"$bytes": text.to_base64(value)}


def _list(run: _Run, value: Any, depth: int) -> list[Tree]:
    run.enter(value, depth, len(value))
    items: list[Tree] = []
    depth += 1
    try:
        for item in value:
            items.append(_ENCODERS.get(type(item), _special)(run, item, depth))  # noqa: PERF401
    except Fault as fault:
        # Not a comprehension, because the fault lies behind the items that were done.
        fault.steps.append((len(items), id(value)))
        raise
    return items


def _tuple(run: _Run, value: Any, depth: int) -> Tree:
    return {"$tuple": _list(run, value, depth)}


def _set(run: _Run, value: Any, depth: int) -> Tree:
    run.enter(value, depth, len(value))
    try:
        members = [run.encode(member, depth + 1) for member in value]
    except Fault as fault:
        # Members have no places: the pointer ends at the set.
        fault.steps.clear()
        raise
    tag = "$set" if type(value) is set else "$frozenset"
    return {tag: sorted(members, key=shown_bytes)}


def _dict(run: _Run, value: Any, depth: int) -> Tree:
    run.enter(value, depth, len(value))
    tree: dict[str, Tree] = {}
    key: Any = ""
    inside = depth + 1
    try:
        for key, item in value.items():
            if type(key) is not str or key.startswith("$") or not text.is_plain(key):
                break
            tree[key] = _ENCODERS.get(type(item), _special)(run, item, inside)
            run.size += len(key)
        else:
            return tree
    except Fault as fault:
        fault.steps.append((key, id(value)))
        raise
    return {"$dict": [_pair(run, value, key, inside) for key in value]}


def _pair(run: _Run, value: dict[Any, Any], key: Any, depth: int) -> list[Tree]:
    try:
        encoded = run.encode(key, depth)
    except Fault as fault:
        # A key has no place of its own: the pointer ends at its dict.
        fault.steps.clear()
        raise
    try:
        return [encoded, run.encode(value[key], depth)]
    except Fault as fault:
        fault.steps.append((key, id(value)))
        raise


def _datetime(_run: _Run, value: dt.datetime, _depth: int) -> Tree:
    return {"$datetime": _zoned(times.datetime_json, value)}


def _time(_run: _Run, value: dt.time, _depth: int) -> Tree:
    return {"$time": _zoned(times.time_json, value)}


def _zoned(write: Callable[[Any], Tree], value: Any) -> Tree:
    try:
        return write(value)
    except ValueError as error:
        raise Fault("tzinfo", type(value), str(error)) from error


def _date(_run: _Run, value: dt.date, _depth: int) -> Tree:
    return {"$date": value.isoformat()}


def _timedelta(_run: _Run, value: dt.timedelta, _depth: int) -> Tree:
    return {"$timedelta": [value.days, value.seconds, value.microseconds]}


def _decimal(_run: _Run, value: decimal.Decimal, _depth: int) -> Tree:
    return {"$decimal": str(value)}


def _uuid(_run: _Run, value: uuid.UUID, _depth: int) -> Tree:
    return {"$uuid": str(value)}


def _redacted(_run: _Run, _value: Redacted | Withheld, _depth: int) -> Tree:
    return {"$redacted": True}


def _sealed(_run: _Run, value: Sealed, _depth: int) -> Tree:
    return {"$sealed": [value.key, text.to_base64(value.box)]}


def _unknown_member(run: _Run, value: UnknownMember, depth: int) -> Tree:
    member = value.member
    return {"$enum": [value.enum, member if isinstance(member, str) else _int(run, member, depth)]}


def _view(_run: _Run, value: Any, depth: int) -> Tree:
    tree = tree_of(value)
    if depth and depth + value_depth(tree) > MAX_DEPTH:
        raise Fault("depth", type(value), f"deeper than {MAX_DEPTH}")
    return tree


def _special(run: _Run, value: Any, depth: int) -> Tree:
    label = run.classes.label(type(value))
    if label is None:
        raise Fault(_reason(type(value)), type(value))
    if isinstance(value, enum.Flag):
        return {"$enum": [label, _int(run, int(value.value), depth)]}
    if isinstance(value, enum.Enum):
        return {"$enum": [label, value.name]}
    return {"$obj": [label, _fields(run, value, depth)]}


def _fields(run: _Run, value: Any, depth: int) -> dict[str, Tree]:
    names = field_names(type(value))
    run.enter(value, depth, len(names))
    extra = set(getattr(value, "__dict__", ())).difference(names)
    if extra:
        raise Fault("attribute", type(value), f"{min(extra)!a} is not a field")
    fields: dict[str, Tree] = {}
    for name in names:
        try:
            fields[name] = run.encode(getattr(value, name), depth + 1)
        except AttributeError:
            raise Fault("attribute", type(value), f"{name!a} has no value") from None
        except Fault as fault:
            fault.steps.append((name, id(value)))
            raise
    hides = run.classes.hides(type(value))
    return fields | {name: hide(fields[name], fields) for name, hide in hides.items()}


def _reason(cls: type) -> str:
    if is_class_of_values(cls):
        return "unregistered"
    return "subclass" if issubclass(cls, _PLAIN_CLASSES) else "type"


_ENCODERS: dict[type, Callable[[_Run, Any, int], Tree]] = {
    type(None): _unchanged,
    bool: _unchanged,
    int: _int,
    float: _float,
    str: _str,
    bytes: _bytes,
    list: _list,
    tuple: _tuple,
    set: _set,
    frozenset: _set,
    dict: _dict,
    dt.datetime: _datetime,
    dt.date: _date,
    dt.time: _time,
    dt.timedelta: _timedelta,
    decimal.Decimal: _decimal,
    uuid.UUID: _uuid,
    Redacted: _redacted,
    Withheld: _redacted,
    Sealed: _sealed,
    UnknownMember: _unknown_member,
    FrozenList: _view,
    FrozenDict: _view,
    FrozenSet: _view,
    FrozenObject: _view,
}
_PLAIN_CLASSES = tuple(_ENCODERS)
