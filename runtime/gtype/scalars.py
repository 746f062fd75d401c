"""Reads the kinds that hold no other."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from msgspec import inspect as mi

from runtime.errors import ConstraintError, UnsupportedTypeError
from runtime.gtype import kinds
from runtime.gtype.bounds import number, sizes
from runtime.gtype.kinds import Any_
from runtime.gtype.marks import FORM, PATTERN
from runtime.gtype.patterns import matcher

_Maker: TypeAlias = Callable[[Any, Mapping[str, Any], str], Any_]


def read(info: mi.Type, marks: Mapping[str, Any], place: str) -> Any_ | None:
    """Read *info*, whose documentation is off; None: it is none of these kinds.

    Raises:
        ConstraintError, PatternSyntaxError, UnsupportedTypeError: it contradicts itself.
    """
    make = _MAKERS.get(type(info))
    return None if make is None else make(info, marks, place)


def _int(info: mi.IntType, _marks: Mapping[str, Any], place: str) -> Any_:
    number(info, place)
    return kinds.Int(gt=info.gt, ge=info.ge, lt=info.lt, le=info.le, multiple_of=info.multiple_of)


def _float(info: mi.FloatType, _marks: Mapping[str, Any], place: str) -> Any_:
    if info.multiple_of is not None:
        raise ConstraintError(
            problem=f"{place} is a float with multiple_of.",
            remedy="Use Decimal, or an int of a unit.",
        )
    number(info, place)
    return kinds.Float(
        gt=_float_of(info.gt), ge=_float_of(info.ge), lt=_float_of(info.lt), le=_float_of(info.le)
    )


def _float_of(bound: float | None) -> float | None:
    return None if bound is None else float(bound)


def _text(info: mi.StrType, marks: Mapping[str, Any], place: str) -> Any_:
    if info.pattern is not None:
        raise ConstraintError(
            problem=f"{place} has a Meta(pattern=…), which searches, unanchored, backtracking.",
            remedy=f"Write Annotated[str, Pattern(r{info.pattern!r})], which matches all of it.",
        )
    sizes(info, place)
    pattern = marks.get(PATTERN)
    if pattern is not None:
        matcher(pattern)
    return kinds.Text(
        min_length=info.min_length,
        max_length=info.max_length,
        pattern=pattern,
        form=marks.get(FORM),
    )


def _bytes(info: Any, _marks: Mapping[str, Any], place: str) -> Any_:
    sizes(info, place)
    return kinds.Bytes(min_length=info.min_length, max_length=info.max_length)


def _enum(info: mi.EnumType, _marks: Mapping[str, Any], place: str) -> Any_:
    if "_missing_" in {name for cls in info.cls.__mro__[:-1] for name in _own(cls)}:
        raise UnsupportedTypeError(
            problem=f"{place} is the enum {info.cls.__name__}, which takes values it does not "
            "list: it has `_missing_`.",
            remedy="List all values, or take text and convert it in the handler.",
        )
    return kinds.Enum(values=tuple(member.value for member in info.cls))


def _own(cls: type) -> Mapping[str, Any]:
    # The enum module's own classes have a `_missing_` that refuses; flags combine members.
    return {} if cls.__module__ == "enum" and not cls.__name__.endswith("Flag") else vars(cls)


def _literal(info: mi.LiteralType, _marks: Mapping[str, Any], _place: str) -> Any_:
    values = tuple(value for value in info.values if value is not None)
    if len(values) == len(info.values):
        return kinds.Literal(values=values)
    null = kinds.Null()
    return kinds.Union(members=(kinds.Literal(values=values), null)) if values else null


def _plainly(part: Any_) -> _Maker:
    return lambda _info, _marks, _place: part


_MAKERS: dict[type, _Maker] = {
    mi.AnyType: _plainly(kinds.Anything()),
    mi.RawType: _plainly(kinds.Anything()),
    mi.NoneType: _plainly(kinds.Null()),
    mi.BoolType: _plainly(kinds.Bool()),
    mi.IntType: _int,
    mi.FloatType: _float,
    mi.StrType: _text,
    mi.DecimalType: _plainly(kinds.Decimal()),
    mi.DateTimeType: lambda info, _m, _p: kinds.DateTime(naive=info.tz is False),
    mi.TimeType: lambda info, _m, _p: kinds.Time(aware=info.tz),
    mi.DateType: _plainly(kinds.Date()),
    mi.TimeDeltaType: _plainly(kinds.Duration()),
    mi.UUIDType: _plainly(kinds.Uuid()),
    mi.BytesType: _bytes,
    mi.ByteArrayType: _bytes,
    mi.EnumType: _enum,
    mi.LiteralType: _literal,
}
