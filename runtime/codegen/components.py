"""Schemas that several handlers share, each once, in `components` of an OpenAPI document."""

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from runtime.gtype.schema import GType
from runtime.gtype.stored import Stored

Json: TypeAlias = dict[str, Any]

_HERE = "#/$defs/"
_THERE = "#/components/schemas/"
_ONE = ("items", "additionalProperties", "propertyNames", "not")
_MANY = ("anyOf", "allOf", "prefixItems")


class Components:
    """Collects schemas by the names of their classes; others of one name are numbered."""

    def __init__(self) -> None:
        self.schemas: Json = {}
        self.numbered: dict[str, str] = {}
        """Names that were taken, and what stands in their place."""
        self._names: dict[tuple[str, str], str] = {}

    def reserve(self, name: str) -> None:
        """Keep *name* for a schema of ours."""
        self._names[name, ""] = name

    def schema(self, stored: Stored, side: str) -> Json:
        """Give the schema of a type; what it names is among the components."""
        document = GType(stored.root, stored.objects).json_schema(side)
        known: Json = document.pop("$defs", {})
        document.pop("$schema", None)
        names = {name: self._name(name, known) for name in known}
        for name, schema in known.items():
            self.schemas.setdefault(names[name], renamed(schema, names))
        made: Json = renamed(document, names)
        return made

    def _name(self, wanted: str, known: Json) -> str:
        """Name a schema; alike is what looks alike with all that it leads to."""
        look = json.dumps({n: known[n] for n in _reached(wanted, known)}, sort_keys=True)
        if (wanted, look) not in self._names:
            name, n = wanted, 1
            while name in self._names.values():
                n += 1
                name = f"{wanted}_{n}"
            if n > 1:
                self.numbered[name] = wanted
            self._names[wanted, look] = name
        return self._names[wanted, look]


def _reached(name: str, known: Json) -> list[str]:
    found, todo = {name}, [name]
    while todo:
        more = set(_refs(known[todo.pop()])) - found
        found |= more
        todo += sorted(more)
    return sorted(found)


def _refs(schema: Any) -> list[str]:
    found: list[str] = []

    def note(name: str) -> str:
        found.append(name)
        return name

    _walk(schema, note)
    return found


def renamed(schema: Any, names: dict[str, str]) -> Any:
    """Give a schema with its references leading to components."""
    return _walk(schema, lambda name: names[name])


def _walk(schema: Any, rename: Callable[[str], str]) -> Any:
    """Copy a schema. Only where a keyword stands is `$ref` a reference, and no data."""
    if not isinstance(schema, dict):
        return schema
    found: Json = {}
    for keyword, value in schema.items():
        if keyword == "$ref":
            found[keyword] = _THERE + rename(value.removeprefix(_HERE))
        elif keyword == "properties":
            found[keyword] = {name: _walk(inner, rename) for name, inner in value.items()}
        elif keyword in _ONE:
            found[keyword] = _walk(value, rename)
        elif keyword in _MANY:
            found[keyword] = [_walk(inner, rename) for inner in value]
        else:
            found[keyword] = value
    return found
