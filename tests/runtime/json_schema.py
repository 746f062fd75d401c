"""A plain reading of JSON Schema 2020-12: the oracle for the schemas we write.

Only the keywords that Timescape writes; an unknown one is an error. `format` and
`contentEncoding` assert nothing, as the specification has it by default.
"""

import re
from typing import Any

_SILENT = {"$schema", "$defs", "title", "description", "examples", "default", "format"}
_SILENT |= {"contentEncoding"}


def conforms(document: dict[str, Any], value: Any) -> bool:
    """Say whether plain *value* is valid under *document*."""
    return _holds(document, value, document.get("$defs", {}))


def _holds(schema: Any, value: Any, defs: dict[str, Any]) -> bool:
    if isinstance(schema, bool):
        return schema
    return all(_RULES[keyword](schema, value, defs) for keyword in schema if keyword not in _SILENT)


def _is(value: Any, name: str) -> bool:
    if name in {"integer", "number"}:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return name == "number" or isinstance(value, int) or value.is_integer()
    kinds = {"null": type(None), "boolean": bool, "string": str, "array": list, "object": dict}
    return isinstance(value, kinds[name])


def _number(value: Any) -> bool:
    return _is(value, "number")


def _same(a: Any, b: Any) -> bool:
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def _additional(s: Any, v: Any, d: Any) -> bool:
    if not isinstance(v, dict):
        return True
    extra = [v[name] for name in v if name not in s.get("properties", {})]
    return all(_holds(s["additionalProperties"], inner, d) for inner in extra)


def _items(s: Any, v: Any, d: Any) -> bool:
    rest = v[len(s.get("prefixItems", [])) :] if isinstance(v, list) else []
    return all(_holds(s["items"], inner, d) for inner in rest)


def _prefix(s: Any, v: Any, d: Any) -> bool:
    pairs = zip(s["prefixItems"], v, strict=False) if isinstance(v, list) else ()
    return all(_holds(inner, item, d) for inner, item in pairs)


def _properties(s: Any, v: Any, d: Any) -> bool:
    known = s["properties"].items() if isinstance(v, dict) else ()
    return all(_holds(inner, v[name], d) for name, inner in known if name in v)


def _unique(s: Any, v: Any, _: Any) -> bool:
    if not isinstance(v, list) or not s["uniqueItems"]:
        return True
    return not any(_same(a, b) for n, a in enumerate(v) for b in v[:n])


def _pattern(s: Any, v: Any, _: Any) -> bool:
    # ECMA's `$` ends the text; Python's also stands before a last newline.
    text = s["pattern"].removesuffix("$") + r"\Z"
    return not isinstance(v, str) or re.search(text, v, re.ASCII) is not None


_RULES: dict[str, Any] = {
    "$ref": lambda s, v, d: _holds(d[s["$ref"].removeprefix("#/$defs/")], v, d),
    "additionalProperties": _additional,
    "allOf": lambda s, v, d: all(_holds(inner, v, d) for inner in s["allOf"]),
    "anyOf": lambda s, v, d: any(_holds(inner, v, d) for inner in s["anyOf"]),
    "const": lambda s, v, _: _same(s["const"], v),
    "enum": lambda s, v, _: any(_same(known, v) for known in s["enum"]),
    "exclusiveMaximum": lambda s, v, _: not _number(v) or v < s["exclusiveMaximum"],
    "exclusiveMinimum": lambda s, v, _: not _number(v) or v > s["exclusiveMinimum"],
    "items": _items,
    "maxItems": lambda s, v, _: not isinstance(v, list) or len(v) <= s["maxItems"],
    "maxLength": lambda s, v, _: not isinstance(v, str) or len(v) <= s["maxLength"],
    "maxProperties": lambda s, v, _: not isinstance(v, dict) or len(v) <= s["maxProperties"],
    "maximum": lambda s, v, _: not _number(v) or v <= s["maximum"],
    "minItems": lambda s, v, _: not isinstance(v, list) or len(v) >= s["minItems"],
    "minLength": lambda s, v, _: not isinstance(v, str) or len(v) >= s["minLength"],
    "minProperties": lambda s, v, _: not isinstance(v, dict) or len(v) >= s["minProperties"],
    "minimum": lambda s, v, _: not _number(v) or v >= s["minimum"],
    "multipleOf": lambda s, v, _: not _number(v) or v % s["multipleOf"] == 0,
    "not": lambda s, v, d: not _holds(s["not"], v, d),
    "pattern": _pattern,
    "prefixItems": _prefix,
    "properties": _properties,
    "propertyNames": lambda s, v, d: (
        not isinstance(v, dict) or all(_holds(s["propertyNames"], name, d) for name in v)
    ),
    "required": lambda s, v, _: not isinstance(v, dict) or all(n in v for n in s["required"]),
    "type": lambda s, v, _: _is(v, s["type"]),
    "uniqueItems": _unique,
}
