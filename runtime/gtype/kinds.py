"""The kinds a type is made of: frozen plain data, without the classes it was read from (GT-1).

Objects stand in a table of their own and are named by their place in it, so a type may
contain itself. What only documents, `name` and `doc`, does not count when types are
compared; everything else does (GT-16).
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec


class Rule(msgspec.Struct, frozen=True):
    """A check in code, kept by name: the code itself is no plain data (GT-17)."""

    name: str
    """`module.qualname` of the function."""
    digest: str
    """Of what the function does."""
    code: str
    message: str


class Part(msgspec.Struct, frozen=True, tag_field="kind", omit_defaults=True):
    """One place of a type."""

    brand: str | None = None
    """A nominal name: branded alike, or another type."""
    sensitive: bool = False
    """Never recorded, with all that is below."""
    doc: dict[str, Any] = {}
    """Title, description, examples."""
    rules: tuple[Rule, ...] = ()


class Anything(Part, frozen=True, tag="any"):
    """Any value."""


class Null(Part, frozen=True, tag="null"):
    """Null."""


class Bool(Part, frozen=True, tag="bool"):
    """True or false."""


class Int(Part, frozen=True, tag="int"):
    """A whole number."""

    gt: int | None = None
    ge: int | None = None
    lt: int | None = None
    le: int | None = None
    multiple_of: int | None = None


class Float(Part, frozen=True, tag="float"):
    """A number."""

    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None


class Decimal(Part, frozen=True, tag="decimal"):
    """A decimal of at most 34 digits, as text or as a number."""


class Text(Part, frozen=True, tag="str"):
    """Text; lengths in code points."""

    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    """What all of the text must match."""
    form: str | None = None
    """email or url."""


class Bytes(Part, frozen=True, tag="bytes"):
    """Bytes, as base64 text; lengths in bytes."""

    min_length: int | None = None
    max_length: int | None = None


class DateTime(Part, frozen=True, tag="datetime"):
    """Date and time, as RFC 3339 text."""

    naive: bool = False
    """Without an offset."""


class Date(Part, frozen=True, tag="date"):
    """A date, as text."""


class Time(Part, frozen=True, tag="time"):
    """A time of day, as text."""

    aware: bool | None = None
    """Whether it has an offset; None: it may."""


class Duration(Part, frozen=True, tag="timedelta"):
    """A duration, as ISO 8601 text."""


class Uuid(Part, frozen=True, tag="uuid"):
    """A UUID, as text."""


class Literal(Part, frozen=True, tag="literal"):
    """One of certain values."""

    values: tuple[str | int, ...] = ()


class Enum(Part, frozen=True, tag="enum"):
    """The value of a member of an enumeration."""

    values: tuple[str | int, ...] = ()


class Array(Part, frozen=True, tag="array"):
    """Alike items."""

    item: "Any_" = Anything()
    min_length: int | None = None
    max_length: int | None = None
    unique: bool = False
    """No two items are equal."""
    collapse: bool = False
    """It is read as a set: equal items are one, and lengths count different ones."""


class Tuple(Part, frozen=True, tag="tuple"):
    """An array whose items stand for something by their place."""

    items: tuple["Any_", ...] = ()


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """A field of an object."""

    name: str
    """As it is written in JSON."""
    type: "Any_"
    required: bool = True
    default: Any = msgspec.UNSET
    """As plain data."""
    made: bool = False
    """Its default is made anew by a function."""


class Object(Part, frozen=True, tag="object"):
    """Named fields."""

    name: str = ""
    """Of the class; documentation."""
    fields: tuple[Field, ...] = ()
    closed: bool = False
    """Unknown fields are refused."""
    as_array: bool = False
    """Written as an array, fields by their place."""
    omit_defaults: bool = False
    """Fields that hold their default are not written."""
    tag_field: str | None = None
    tag: str | int | None = None


class Map(Part, frozen=True, tag="map"):
    """An object whose names are data."""

    key: "Any_" = Anything()
    value: "Any_" = Anything()
    min_length: int | None = None
    max_length: int | None = None


class Union(Part, frozen=True, tag="union"):
    """One of several types, told apart by kind or tag."""

    members: tuple["Any_", ...] = ()


class Ref(Part, frozen=True, tag="ref"):
    """An object of the table."""

    to: int = 0


UNSET = msgspec.UNSET
"""A field without a default."""

Any_: TypeAlias = (
    Anything | Null | Bool | Int | Float | Decimal | Text | Bytes | DateTime | Date | Time
    | Duration | Uuid | Literal | Enum | Array | Tuple | Object | Map | Union | Ref
)  # fmt: skip
"""Any kind."""


def children(part: Any_) -> tuple[Any_, ...]:
    """Give the parts directly below *part*, in order; a ref has none."""
    match part:
        case Array():
            return (part.item,)
        case Tuple():
            return part.items
        case Map():
            return (part.key, part.value)
        case Union():
            return part.members
        case Object():
            return tuple(field.type for field in part.fields)
        case _:
            return ()


COUNTABLE = (
    Int, Float, Decimal, Text, Bytes, DateTime, Date, Time, Duration, Uuid, Literal, Enum, Bool,
)  # fmt: skip
"""Kinds that hold no other: of these, it can be said which are equal."""
KEYS = (Text, Int, Uuid, Date, Enum, Literal, Anything)
"""Kinds that names of a map may have."""
TEXTUAL = (Bytes, DateTime, Date, Time, Duration, Uuid, Text)
"""Kinds carried as text."""


def json_kinds(part: Any_, objects: Sequence[Object]) -> frozenset[str]:
    """Name the JSON kinds that *part* takes."""
    match part:
        case Ref():
            return frozenset({"array" if objects[part.to].as_array else "object"})
        case Literal() | Enum():
            return frozenset("string" if isinstance(v, str) else "integer" for v in part.values)
        case Union():
            return frozenset(k for member in part.members for k in json_kinds(member, objects))
        case _:
            return _JSON_KINDS[type(part)]


_STRING = frozenset({"string"})
_JSON_KINDS: dict[type, frozenset[str]] = {
    Anything: frozenset({"null", "boolean", "integer", "number", "string", "array", "object"}),
    Null: frozenset({"null"}),
    Bool: frozenset({"boolean"}),
    Int: frozenset({"integer"}),
    Float: frozenset({"integer", "number"}),
    Decimal: frozenset({"string", "integer", "number"}),
    Array: frozenset({"array"}),
    Tuple: frozenset({"array"}),
    Object: frozenset({"object"}),
    Map: frozenset({"object"}),
    **dict.fromkeys(TEXTUAL, _STRING),
}
