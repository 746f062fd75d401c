"""Which classes values of a type may be of."""

from typing import Any

from msgspec import inspect as mi

from runtime.gtype.hints import inspect

_NAMED = (mi.StructType, mi.DataclassType, mi.EnumType)


def named_classes(hint: Any) -> list[type]:
    """List the Structs, dataclasses and enums that values of *hint* may be of."""
    found: dict[type, None] = {}
    seen: set[int] = set()
    todo: list[Any] = [inspect(hint)]
    while todo:
        info = todo.pop()
        if id(info) in seen or not isinstance(info, mi.Type | mi.Field):
            continue
        seen.add(id(info))
        cls = getattr(info, "cls", None)
        if isinstance(info, _NAMED) and isinstance(cls, type):
            found[cls] = None
        for name in info.__struct_fields__:
            part = getattr(info, name)
            todo += part if isinstance(part, tuple) else [part]
    return list(found)
