"""A type as JSON Schema 2020-12 (GT-18).

What a schema cannot say, such as the range of a decimal, a check in code or the number of
different items in what is read as a set, it leaves open: it never refuses what we accept.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from runtime.gtype import kinds
from runtime.gtype.kinds import Any_, Object, Part
from runtime.gtype.patterns import to_ecma

Json: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BOUNDS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
}
_INT_KEY = r"^-?(0|[1-9][0-9]*)$"


def json_schema(root: Any_, objects: Sequence[Object], side: str) -> Json:
    """Write a type as a schema document, its objects under `$defs`."""
    writer = _Writer(objects, side)
    written = writer.part(root)
    known = {writer.names[n]: writer.object(each) for n, each in enumerate(objects)}
    document = {"$schema": DIALECT, **written}
    if known:
        document["$defs"] = dict(sorted(known.items()))
    return document


class _Writer:
    def __init__(self, objects: Sequence[Object], side: str) -> None:
        self.objects = objects
        self.answers = side == "response"
        self.names = _names(objects)

    def part(self, part: Any_) -> Json:
        """Write one part, with its documentation."""
        return {**self._bare(part), **part.doc}

    def _bare(self, part: Any_) -> Json:
        match part:
            case kinds.Ref():
                found: Json = {"$ref": f"#/$defs/{self.names[part.to]}"}
            case kinds.Array():
                found = self._array(part)
            case kinds.Tuple():
                found = _by_place([self.part(item) for item in part.items], len(part.items))
            case kinds.Map():
                found = self._map(part)
            case kinds.Union():
                found = {"anyOf": [self._member(m, part.members) for m in part.members]}
            case kinds.Object():
                found = self.object(part)
            case _:
                found = scalar(part)
        return found

    def _array(self, part: kinds.Array) -> Json:
        found: Json = {"type": "array", "items": self.part(part.item)}
        least, most = part.min_length, part.max_length
        if part.collapse and not self.answers:
            # Equal items become one: fewer than the most may be left of any number.
            most = None
        if part.unique or (part.collapse and self.answers):
            found["uniqueItems"] = True
        return _sized(found, least, most, "Items")

    def _map(self, part: kinds.Map) -> Json:
        found: Json = {"type": "object", "additionalProperties": self.part(part.value)}
        names = _names_of(part.key)
        if names:
            found["propertyNames"] = names
        return _sized(found, part.min_length, part.max_length, "Properties")

    def _member(self, member: Any_, beside: Sequence[Any_]) -> Json:
        found = self.part(member)
        if isinstance(member, kinds.Ref):
            each = self.objects[member.to]
            if each.tag is not None and not each.as_array:
                # Alone an object may leave its tag out; among others it says which it is.
                found["required"] = [each.tag_field]  # beside the ref, both hold
        whole = any(isinstance(other, kinds.Int) for other in beside)
        if whole and isinstance(member, kinds.Float | kinds.Decimal):
            # A whole number is judged by the member for whole numbers, and by no other.
            found = {"allOf": [found, {"not": {"type": "integer"}}]}
        return found

    def object(self, each: Object) -> Json:
        """Write an object, or the array it is written as."""
        if each.as_array:
            return self._placed(each)
        fields = {field.name: self._field(field) for field in each.fields}
        if each.tag_field is not None:
            fields = {each.tag_field: {"const": each.tag}, **fields}
        found: Json = {"type": "object", "properties": fields}
        required = [field.name for field in each.fields if self._is_there(each, field)]
        if each.tag_field is not None and self.answers:
            required.insert(0, each.tag_field)
        if required:
            found["required"] = required
        if each.closed:
            found["additionalProperties"] = False
        return {**found, **each.doc}

    def _placed(self, each: Object) -> Json:
        items = [self._field(field) for field in each.fields]
        least = sum(field.required or self._is_there(each, field) for field in each.fields)
        if each.tag is not None:
            items, least = [{"const": each.tag}, *items], least + 1
        return {**_by_place(items, least, open_=not each.closed), **each.doc}

    def _field(self, field: kinds.Field) -> Json:
        found = self.part(field.type)
        return found if field.default is kinds.UNSET else {**found, "default": field.default}

    def _is_there(self, each: Object, field: kinds.Field) -> bool:
        """Say whether a field is always written, so that a reader may rely on it."""
        if field.required:
            return True
        known = field.made or field.default is not kinds.UNSET
        return self.answers and known and not each.omit_defaults


def scalar(part: Part) -> Json:
    """Write a part that holds no other."""
    if isinstance(part, kinds.Text):
        return _text(part)
    if isinstance(part, kinds.Literal | kinds.Enum):
        return {"enum": list(part.values)}
    if isinstance(part, kinds.DateTime):
        return {"type": "string", "format": "date-time-local" if part.naive else "date-time"}
    return _bounded({**_PLAINLY.get(type(part), {})}, part)


_PLAINLY: Mapping[type, Json] = {
    kinds.Null: {"type": "null"},
    kinds.Bool: {"type": "boolean"},
    kinds.Int: {"type": "integer"},
    kinds.Float: {"type": "number"},
    kinds.Decimal: {"anyOf": [{"type": "string", "format": "decimal"}, {"type": "number"}]},
    kinds.Bytes: {"type": "string", "contentEncoding": "base64"},
    kinds.Date: {"type": "string", "format": "date"},
    kinds.Time: {"type": "string", "format": "time"},
    kinds.Duration: {"type": "string", "format": "duration"},
    kinds.Uuid: {"type": "string", "format": "uuid"},
}


def _bounded(found: Json, part: Part) -> Json:
    for name, keyword in _BOUNDS.items():
        bound = getattr(part, name, None)
        if bound is not None:
            found[keyword] = bound
    return found


def _text(part: kinds.Text) -> Json:
    found = _sized({"type": "string"}, part.min_length, part.max_length, "Length")
    if part.pattern is not None:
        found["pattern"] = f"^(?:{to_ecma(part.pattern)})$"
    if part.form is not None:
        found["format"] = {"email": "email", "url": "uri"}[part.form]
    return found


def _sized(found: Json, least: int | None, most: int | None, what: str) -> Json:
    if least is not None:
        found[f"min{what}"] = least
    if most is not None:
        found[f"max{what}"] = most
    return found


def _by_place(items: list[Json], least: int, *, open_: bool = False) -> Json:
    found: Json = {"type": "array", "minItems": least}
    if items:
        found["prefixItems"] = items
    if not open_:
        found["items"] = False
    return found


def _names_of(key: Part) -> Json:
    """Write what the names of a map are."""
    match key:
        case kinds.Int():
            return {"pattern": _INT_KEY}
        case kinds.Literal() | kinds.Enum():
            return {"enum": [str(value) for value in key.values]}
        case _:
            return {name: rule for name, rule in scalar(key).items() if name != "type"}


def _names(objects: Sequence[Object]) -> list[str]:
    """Name every object for `$defs`: by its class, with a number where that is taken."""
    names: list[str] = []
    for each in objects:
        wanted = re.sub(r"[^A-Za-z0-9_.-]+", "_", each.name).strip("_") or "Object"
        name, n = wanted, 1
        while name in names:
            n += 1
            name = f"{wanted}_{n}"
        names.append(name)
    return names
