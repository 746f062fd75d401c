"""The shape of a fact as lines of text, and whether a shape may follow another."""

from typing import TypeAlias

import msgspec
from msgspec import inspect

Shape: TypeAlias = dict[str, list[str]]
"""Fields in order, `name: type` or `name: type = default`; the fact's own under `fields`, those
of a Struct inside it under its name."""


def shape_of(cls: type[msgspec.Struct]) -> Shape:
    """Describe *cls* with all that it holds."""
    found: Shape = {}
    _add("fields", cls, found)
    return found


def fault_between(before: Shape, after: Shape) -> str | None:
    """Say what is not allowed without a new schema; None: *after* may follow *before* (UP-1)."""
    for name, fields in before.items():
        now = after.get(name, [])
        if now[: len(fields)] != fields:
            return f"{name} were {fields}, and are {now}"
        bare = [field for field in now[len(fields) :] if " = " not in field]
        if bare:
            return f"new {name} without a default: {bare}"
    return None


def _add(name: str, cls: type[msgspec.Struct], found: Shape) -> None:
    shape = inspect.type_info(cls)
    assert isinstance(shape, inspect.StructType)
    found[name] = []  # first, so that a class may hold itself
    found[name] += [_line(field, found) for field in shape.fields]


def _line(field: inspect.Field, found: Shape) -> str:
    line = f"{field.encode_name}: {_text(field.type, found)}"
    if field.required:
        return line
    default = field.default
    if default is msgspec.NODEFAULT:
        default = field.default_factory()
    return f"{line} = {msgspec.json.encode(default).decode()}"


def _text(shape: inspect.Type, found: Shape) -> str:
    match shape:
        case inspect.UnionType(types=types):
            return " | ".join(_text(option, found) for option in types)
        case inspect.TupleType(item_types=types):
            return f"tuple[{', '.join(_text(item, found) for item in types)}]"
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return f"array[{_text(item, found)}]"
        case inspect.DictType(key_type=key, value_type=value):
            return f"object[{_text(key, found)}, {_text(value, found)}]"
        case inspect.StructType(cls=cls):
            if cls.__name__ not in found:
                _add(cls.__name__, cls, found)
            return cls.__name__
        case _:
            return type(shape).__name__.removesuffix("Type").lower()
