"""How the fields of an object are written as text, in a query or a form (GT-7)."""

from typing import Final, TypeAlias

from msgspec import inspect as mi

from runtime.errors import UnsupportedTypeError
from runtime.gtype.hints import strip
from runtime.gtype.text import FLOAT, read_int

TextField: TypeAlias = tuple[frozenset[type], bool]
"""What text may stand for: int, float, bool, str or bytes; and whether a field takes many."""

_BOOL: Final = {"true": True, "1": True, "false": False, "0": False}
_SCALARS: Final = (
    mi.StrType, mi.IntType, mi.FloatType, mi.BoolType, mi.NoneType, mi.UUIDType, mi.DateType,
    mi.DateTimeType, mi.TimeType, mi.TimeDeltaType, mi.DecimalType, mi.EnumType, mi.LiteralType,
)  # fmt: skip


def field_of(field: mi.Field, of: str, also: tuple[type[mi.Type], ...] = ()) -> TextField:
    """Say which types a field takes, and whether it takes many.

    Args:
        field: as msgspec knows it.
        of: says where it is, for the error.
        also: kinds of types that may be read as well.

    Raises:
        UnsupportedTypeError: no text stands for its type.
    """
    return kinds_of(field.type, f"Field {field.name!r} of {of}", also)


def kinds_of(info: mi.Type, what: str, also: tuple[type[mi.Type], ...] = ()) -> TextField:
    """Say the same of a type.

    Raises:
        UnsupportedTypeError: no text stands for it.
    """
    inner = members_of(info)
    many = [t for t in inner if isinstance(t, mi.CollectionType)]
    scalars = [t for t in inner if not isinstance(t, mi.CollectionType)]
    if many:
        scalars += members_of(many[0].item_type)
    for each in scalars:
        if not isinstance(each, (*_SCALARS, *also)):
            raise UnsupportedTypeError(
                problem=f"{what} cannot be read from text.",
                remedy="Use text, numbers, booleans, dates, ids, enums, or lists of them.",
            )
    return frozenset(_lexical(t) for t in scalars), bool(many)


def members_of(info: mi.Type) -> list[mi.Type]:
    """Give the members of a union; of another type itself."""
    info, _ = strip(info)
    if isinstance(info, mi.UnionType):
        return [inner for t in info.types for inner in members_of(t)]
    return [info]


def value_of(kinds: frozenset[type], text: str) -> int | float | bool | str:
    """Give the plain value *text* spells; text that fits no kind stays text, to be refused."""
    if int in kinds and (whole := read_int(text)) is not None:
        return whole
    if float in kinds and FLOAT.fullmatch(text) and abs(number := float(text)) != float("inf"):
        return number
    if bool in kinds and text in _BOOL:
        return _BOOL[text]
    return text


def _lexical(info: mi.Type) -> type:
    """Say how text for *info* is spelt: int, float, bool, bytes, or str as it stands."""
    if isinstance(info, mi.LiteralType | mi.EnumType):
        values = info.values if isinstance(info, mi.LiteralType) else [m.value for m in info.cls]
        return int if values and all(type(v) is int for v in values) else str
    kinds: dict[type[mi.Type], type] = {
        mi.IntType: int, mi.FloatType: float, mi.BoolType: bool, mi.BytesType: bytes,
    }  # fmt: skip
    return kinds.get(type(info), str)
