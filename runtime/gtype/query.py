"""Reads the query into a declared type, field by field (GT-7)."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import inspect as mi

from runtime.errors import UnsupportedTypeError
from runtime.facts import Issue
from runtime.gtype.check import check
from runtime.gtype.findings import issue, under
from runtime.gtype.hints import inspect, strip
from runtime.gtype.text import FLOAT, read_int
from runtime.messages import ValidationFailed

_BOOL = {"true": True, "1": True, "false": False, "0": False}
_SCALARS = (
    mi.StrType, mi.IntType, mi.FloatType, mi.BoolType, mi.NoneType, mi.UUIDType, mi.DateType,
    mi.DateTimeType, mi.TimeType, mi.TimeDeltaType, mi.DecimalType, mi.EnumType, mi.LiteralType,
)  # fmt: skip
_PREFIX = "/query"


class QueryReader:
    """Reads a query as an object of a declared type."""

    def __init__(self, hint: Any) -> None:
        info, _ = strip(inspect(hint))
        if not isinstance(info, mi.StructType | mi.DataclassType | mi.TypedDictType):
            raise UnsupportedTypeError(
                problem=f"The query type {hint} is not an object.",
                remedy="Use a Struct, dataclass or TypedDict.",
            )
        self.checker = check(hint)
        """Checks what was read."""
        self._fields = {f.encode_name: _field(hint, f) for f in info.fields}
        self._names = {f.encode_name: f.name for f in info.fields}
        self._by_key = isinstance(info, mi.TypedDictType)
        self.hidden = frozenset(path.split("/")[1] for path in self.checker.redact.paths)
        """Names of the fields that are sensitive."""

    def read(self, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Read *pairs* into values by field name, defaults filled in.

        Raises:
            ValidationFailed: with every issue, below `/query`.
        """
        repeated: list[Issue] = []
        plain: dict[str, Any] = {}
        for name, text in pairs:
            known = self._fields.get(name)
            if known is None:
                plain[name] = text
                continue
            kinds, many = known
            value = _value(kinds, text)
            if many:
                plain.setdefault(name, []).append(value)
            elif name not in plain:
                plain[name] = value
            elif not any(i.path == f"/{name}" for i in repeated):
                repeated.append(issue((None, name), "repeated", "one value", "several"))
        try:
            decoded = self.checker.decode(msgspec.json.encode(plain))
        except ValidationFailed as refused:
            issues = (*repeated, *refused.issues)
            raise ValidationFailed(
                "request", under(_PREFIX, issues), truncated=refused.truncated
            ) from None
        if repeated:
            raise ValidationFailed("request", under(_PREFIX, repeated))
        if self._by_key:
            return dict(decoded)
        return {name: getattr(decoded, name) for name in self._names.values()}


def _field(hint: Any, field: mi.Field) -> tuple[frozenset[type], bool]:
    """Say which types a field takes, and whether it takes many."""
    inner = _members(field.type)
    many = [t for t in inner if isinstance(t, mi.CollectionType)]
    scalars = [t for t in inner if not isinstance(t, mi.CollectionType)]
    if many:
        scalars += _members(many[0].item_type)
    for info in scalars:
        if not isinstance(info, _SCALARS):
            raise UnsupportedTypeError(
                problem=f"Field {field.name!r} of the query type {hint} cannot be read from text.",
                remedy="Use text, numbers, booleans, dates, ids, enums, or lists of them.",
            )
    return frozenset(_lexical(t) for t in scalars), bool(many)


def _members(info: mi.Type) -> list[mi.Type]:
    info, _ = strip(info)
    if isinstance(info, mi.UnionType):
        return [inner for t in info.types for inner in _members(t)]
    return [info]


def _lexical(info: mi.Type) -> type:
    """Say how text for *info* is spelt: int, float, bool, or str as it stands."""
    if isinstance(info, mi.LiteralType | mi.EnumType):
        values = info.values if isinstance(info, mi.LiteralType) else [m.value for m in info.cls]
        return int if values and all(type(v) is int for v in values) else str
    return {mi.IntType: int, mi.FloatType: float, mi.BoolType: bool}.get(type(info), str)


def _value(kinds: frozenset[type], text: str) -> Any:
    """Give the plain value *text* spells; text that fits no kind stays text, to be refused."""
    if int in kinds and (whole := read_int(text)) is not None:
        return whole
    if float in kinds and FLOAT.fullmatch(text) and abs(number := float(text)) != float("inf"):
        return number
    if bool in kinds and text in _BOOL:
        return _BOOL[text]
    return text
