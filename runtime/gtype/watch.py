"""Checks on decoded values that msgspec lacks: decimals and aware times (GT-6, GT-15).

A `Watch` visits only the places that hold such values; a type without any has none, and
then a request costs nothing more than msgspec's decoder.
"""

import datetime as dt
import decimal
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec import inspect as mi

from runtime.gtype import bounds, kinds
from runtime.gtype.hints import extras_of, strip
from runtime.gtype.marks import FORM, PATTERN, UNIQUE
from runtime.gtype.rules import functions_of, run, text_rules

Holds: TypeAlias = Callable[[Any], bool]


class Watch:
    """Where to look within values of one type; built once, then only read."""

    def __init__(self) -> None:
        self.leaf: Holds | None = None
        self.fields: list[tuple[str, Watch]] = []
        self.by_name = False
        """Fields are items of a dict, not attributes."""
        self.items: Watch | None = None
        self.positions: list[Watch | None] = []
        self.values: Watch | None = None
        self.by_class: dict[type, Watch] = {}

    def holds(self, value: Any) -> bool:
        """Say whether everything watched within *value* is right."""
        todo: list[tuple[Watch, Any]] = [(self, value)]
        while todo:
            watch, inner = todo.pop()
            if watch.leaf is not None and not watch.leaf(inner):
                return False
            watch.spread(inner, todo)
        return True

    def spread(self, value: Any, todo: list[tuple["Watch", Any]]) -> None:
        """Put what is watched directly within *value* on *todo*."""
        if self.by_class:
            branch = self.by_class.get(type(value))
            if branch is not None:
                todo.append((branch, value))
        elif self.by_name:
            todo.extend((w, value[name]) for name, w in self.fields if name in value)
        elif self.fields:
            parts = ((w, getattr(value, name)) for name, w in self.fields)
            todo.extend(part for part in parts if part[1] is not msgspec.UNSET)
        elif self.items is not None:
            todo.extend((self.items, item) for item in value)
        elif self.positions:
            pairs = zip(self.positions, value, strict=False)
            todo.extend((w, item) for w, item in pairs if w is not None)
        elif self.values is not None:
            todo.extend((self.values, item) for item in value.values())


def watch(info: mi.Type) -> Watch | None:
    """Build the watch of a type; None when msgspec checks everything."""
    return _watch(info) if _worth(info) else None


def _worth(info: mi.Type) -> bool:
    """Say whether a watched kind can be reached from *info*."""
    seen: set[int] = set()
    todo = [info]
    while todo:
        marked = todo.pop()
        at, _ = strip(marked)
        if id(at) in seen and at is marked:
            continue
        seen.add(id(at))
        if _leaf(marked) is not None:
            return True
        todo.extend(_children(at))
    return False


def _children(info: mi.Type) -> list[mi.Type]:
    match info:
        case mi.UnionType():
            return list(info.types)
        case mi.TupleType():
            return list(info.item_types)
        case mi.DictType():
            return [info.value_type]
        case mi.CollectionType():
            return [info.item_type]
        case mi.StructType() | mi.DataclassType() | mi.TypedDictType() | mi.NamedTupleType():
            return [field.type for field in info.fields]
        case _:
            return []


def _leaf(info: mi.Type) -> Holds | None:
    """Give the test of what msgspec leaves unchecked at one place; None: nothing."""
    tests: list[Holds] = []
    bare, _ = strip(info)
    marks = extras_of(info)
    if isinstance(bare, mi.DecimalType):
        tests.append(bounds.decimal_holds)
    if isinstance(bare, mi.DateTimeType) and bare.tz is not False:
        tests.append(bounds.datetime_holds)
    if isinstance(bare, mi.StrType):
        text = kinds.Text(pattern=marks.get(PATTERN), form=marks.get(FORM))
        tests += [test for _, _, test in text_rules(text)]
    if marks.get(UNIQUE):
        tests.append(all_differ)
    tests += [_said_by(fn) for fn in functions_of(marks).values()]
    if len(tests) < 2:
        return tests[0] if tests else None
    return lambda value: all(test(value) for test in tests)


def _said_by(fn: Callable[[Any], object]) -> Holds:
    return lambda value: run(fn, value) is True


def all_differ(items: Sequence[Any]) -> bool:
    """Say whether no two items are equal; True is not 1."""
    plain = [bytes(item) if isinstance(item, bytearray) else item for item in items]
    return len({(isinstance(item, bool), item) for item in plain}) == len(plain)


def _watch(info: mi.Type, made: dict[int, Watch] | None = None) -> Watch:
    made = {} if made is None else made
    leaf = _leaf(info)
    info, _ = strip(info)
    known = made.get(id(info))
    if known is not None:
        return known
    new = made[id(info)] = Watch()
    new.leaf = leaf
    match info:
        case mi.UnionType():
            _fill_union(new, info, made)
        case mi.TupleType():
            new.positions = [_watch(t, made) if _worth(t) else None for t in info.item_types]
        case mi.DictType():
            new.values = _watch(info.value_type, made)
        case mi.CollectionType():
            new.items = _watch(info.item_type, made)
        case mi.StructType() | mi.DataclassType() | mi.TypedDictType() | mi.NamedTupleType():
            new.by_name = isinstance(info, mi.TypedDictType)
            new.fields = [(f.name, _watch(f.type, made)) for f in info.fields if _worth(f.type)]
        case _:
            pass
    return new


def _fill_union(new: Watch, info: mi.UnionType, made: dict[int, Watch]) -> None:
    for member in info.types:
        if _worth(member):
            inner = _watch(member, made)
            stripped, _ = strip(member)
            new.by_class.update(dict.fromkeys(_python_classes(stripped), inner))


def _python_classes(info: mi.Type) -> set[type]:
    if isinstance(info, mi.LiteralType):
        return {type(value) for value in info.values}
    return {_python_class(info)}


def _python_class(info: mi.Type) -> type:
    cls = getattr(info, "cls", None)
    if isinstance(cls, type) and not isinstance(info, mi.TypedDictType):
        return cls
    origin = getattr(cls, "__origin__", None)
    if isinstance(origin, type):
        return origin
    return _PYTHON.get(type(info), dict)


_PYTHON: dict[type, type] = {
    mi.StrType: str,
    mi.IntType: int,
    mi.FloatType: float,
    mi.BoolType: bool,
    mi.BytesType: bytes,
    mi.DateType: dt.date,
    mi.TimeType: dt.time,
    mi.TimeDeltaType: dt.timedelta,
    mi.UUIDType: uuid.UUID,
    mi.DecimalType: decimal.Decimal,
    mi.DateTimeType: dt.datetime,
    mi.ListType: list,
    mi.VarTupleType: tuple,
    mi.TupleType: tuple,
    mi.SetType: set,
    mi.FrozenSetType: frozenset,
    mi.DictType: dict,
}
