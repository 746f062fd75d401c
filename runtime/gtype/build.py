"""Turns a hint into the graph of the collecting pass, and refuses what cannot be checked.

A refusal names the place inside the type and what to write instead (GT-2, GT-13).
"""

import datetime as dt
import decimal
import operator
import uuid
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import inspect as mi

from runtime.errors import ConstraintError, InvalidDefaultError, UnsupportedTypeError
from runtime.gtype import bounds
from runtime.gtype.findings import kind_of
from runtime.gtype.plan import (
    AnyNode,
    ArrayNode,
    AskNode,
    KindNode,
    LiteralNode,
    MapNode,
    Node,
    NumberNode,
    ObjectNode,
    SetNode,
    TextNode,
    TupleNode,
    UnionNode,
    find,
)
from runtime.gtype.sensitive import mark_of

_STRING = frozenset({"string"})
_REMEDY = "Use a msgspec Struct, a dataclass, a TypedDict or a builtin type."


def inspect(hint: Any) -> mi.Type:
    """Read *hint* as msgspec understands it.

    Raises:
        UnsupportedTypeError: a name that cannot be resolved, or a type msgspec refuses.
    """
    try:
        return mi.type_info(hint)
    except NameError as error:
        remedy = "Import it at module level, outside `if TYPE_CHECKING` and functions."
        raise UnsupportedTypeError(problem=f"{_shown(hint)}: {error}.", remedy=remedy) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise UnsupportedTypeError(problem=f"{_shown(hint)}: {error}.", remedy=_REMEDY) from error


def build(hint: Any, info: mi.Type) -> Node:
    """Build the pass for *hint*.

    Raises:
        UnsupportedTypeError: with the path inside the type.
        ConstraintError: a constraint that does not fit.
        InvalidDefaultError: a default its own type refuses.
    """
    builder = _Builder(_shown(hint))
    root = builder.node(info, "", hidden=False)
    for path, node, default in builder.defaults:
        _check_default(builder.name, path, node, default)
    return root


def strip(info: mi.Type) -> tuple[mi.Type, bool]:
    """Take the documentation off; say whether it is marked `Sensitive`."""
    marked = mark_of(info) is not None
    while isinstance(info, mi.Metadata):
        info = info.type
    return info, marked


class Where(NamedTuple):
    """The place of a type within the type that is built."""

    path: str
    hidden: bool
    """Below something Sensitive: names from input are not shown."""
    key: tuple[int, bool]


class _Builder:
    def __init__(self, name: str) -> None:
        self.name = name
        self.made: dict[tuple[int, bool], Node] = {}
        self.alive: list[mi.Type] = []  # ids stay unique while these live
        self.defaults: list[tuple[str, Node, Any]] = []

    def node(self, info: mi.Type, path: str, *, hidden: bool) -> Node:
        info, marked = strip(info)
        hidden = hidden or marked
        key = (id(info), hidden)
        known = self.made.get(key)
        if known is not None:
            return known
        self.alive.append(info)
        make = _MAKERS.get(type(info))
        if make is None:
            raise UnsupportedTypeError(
                problem=f"{self.place(path)} is a {_class_name(info)}, which cannot be checked.",
                remedy=_REMEDY,
            )
        return make(self, info, Where(path, hidden, key))

    def place(self, path: str) -> str:
        return f"{self.name}{path}"

    def keep(self, key: tuple[int, bool], node: Node) -> None:
        """Note a node before its children are built, so that a type may contain itself."""
        self.made[key] = node


_Maker = Callable[[_Builder, Any, Where], Node]


def _any(_b: _Builder, _info: Any, _at: Where) -> Node:
    return AnyNode()


def _null(_b: _Builder, _info: Any, _at: Where) -> Node:
    return KindNode("null")


def _bool(_b: _Builder, _info: Any, _at: Where) -> Node:
    return KindNode("boolean")


def _int(b: _Builder, info: mi.IntType, at: Where) -> Node:
    return NumberNode(frozenset({"integer"}), bounds.number(info, b.place(at.path)))


def _float(b: _Builder, info: mi.FloatType, at: Where) -> Node:
    if info.multiple_of is not None:
        raise ConstraintError(
            problem=f"{b.place(at.path)} is a float with multiple_of.",
            remedy="Use Decimal, or an int of a unit.",
        )
    return NumberNode(frozenset({"integer", "number"}), bounds.number(info, b.place(at.path)))


def _str(b: _Builder, info: mi.StrType, at: Where) -> Node:
    _no_pattern(b, info, at.path)
    bounds.sizes(info, b.place(at.path))
    return TextNode(info.min_length, info.max_length)


def _no_pattern(b: _Builder, info: mi.StrType, path: str) -> None:
    if info.pattern is not None:
        raise ConstraintError(
            problem=f"{b.place(path)} has a pattern, which msgspec runs unanchored, backtracking.",
            remedy="Check the text in the handler.",
        )


def _asked(
    hint: Any,
    expected: str,
    kinds: frozenset[str] = _STRING,
    holds: Callable[[Any], bool] | None = None,
) -> Node:
    return AskNode(kinds, expected, "format", msgspec.json.Decoder(hint), holds)


def _decimal(_b: _Builder, _info: Any, _at: Where) -> Node:
    kinds = frozenset({"string", "integer", "number"})
    return _asked(decimal.Decimal, "decimal", kinds, bounds.decimal_holds)


def _datetime(_b: _Builder, info: mi.DateTimeType, _at: Where) -> Node:
    if info.tz is False:
        hint: Any = Annotated[dt.datetime, msgspec.Meta(tz=False)]
        return _asked(hint, "date and time without offset (RFC 3339)")
    return _asked(dt.datetime, "date and time with offset (RFC 3339)", holds=bounds.datetime_holds)


def _time(_b: _Builder, info: mi.TimeType, _at: Where) -> Node:
    hint = dt.time if info.tz is None else Annotated[dt.time, msgspec.Meta(tz=info.tz)]
    return _asked(hint, "time (RFC 3339)")


def _plainly(hint: Any, expected: str) -> _Maker:
    def make(_b: _Builder, _info: Any, _at: Where) -> Node:
        return _asked(hint, expected)

    return make


def _bytes(b: _Builder, info: mi.BytesType, at: Where) -> Node:
    bounds.sizes(info, b.place(at.path))
    limits = msgspec.Meta(min_length=info.min_length, max_length=info.max_length)
    expected = "base64 text"
    if info.min_length is not None or info.max_length is not None:
        upper = "" if info.max_length is None else f" to {info.max_length}"
        expected += f" of {info.min_length or 0}{upper or ' or more'} bytes"
    return _asked(Annotated[bytes, limits], expected)


def _enum(_b: _Builder, info: mi.EnumType, _at: Where) -> Node:
    values = [member.value for member in info.cls]
    known = ", ".join(msgspec.json.encode(v).decode() for v in values)
    kinds = frozenset(kind_of(v) for v in values)
    return AskNode(kinds, f"one of {known}", "enum", msgspec.json.Decoder(info.cls))


def _literal(_b: _Builder, info: mi.LiteralType, _at: Where) -> Node:
    return LiteralNode(info.values)


def _array(b: _Builder, info: Any, at: Where) -> Node:
    bounds.sizes(info, b.place(at.path))
    node = ArrayNode(info.min_length, info.max_length)
    b.keep(at.key, node)
    node.item = b.node(info.item_type, f"{at.path}[]", hidden=at.hidden)
    return node


def _set(b: _Builder, info: Any, at: Where) -> Node:
    bounds.sizes(info, b.place(at.path))
    node = SetNode(info.min_length, info.max_length)
    b.keep(at.key, node)
    node.item = b.node(info.item_type, f"{at.path}[]", hidden=at.hidden)
    limited = info.min_length is not None or info.max_length is not None
    if limited and not isinstance(node.item, NumberNode | TextNode | LiteralNode | AskNode):
        raise ConstraintError(
            problem=f"{b.place(at.path)} is a set of {node.item.expected} with a length.",
            remedy="Bound a list, or a set of text, numbers, dates or ids.",
        )
    return node


def _tuple(b: _Builder, info: mi.TupleType, at: Where) -> Node:
    node = TupleNode()
    b.keep(at.key, node)
    node.required = len(info.item_types)
    node.items = [
        b.node(item, f"{at.path}[{n}]", hidden=at.hidden) for n, item in enumerate(info.item_types)
    ]
    return node


def _named_tuple(b: _Builder, info: mi.NamedTupleType, at: Where) -> Node:
    return _as_array(b, info.fields, at, TupleNode())


def _struct(b: _Builder, info: mi.StructType, at: Where) -> Node:
    closed = info.forbid_unknown_fields
    if info.array_like:
        return _as_array(b, info.fields, at, TupleNode(tag=info.tag, closed=closed))
    tag = None if info.tag is None or info.tag_field is None else (info.tag_field, info.tag)
    return _as_object(b, info.fields, at, ObjectNode(closed=closed, hidden=at.hidden, tag=tag))


def _object(b: _Builder, info: Any, at: Where) -> Node:
    return _as_object(b, info.fields, at, ObjectNode(closed=False, hidden=at.hidden, tag=None))


def _as_object(b: _Builder, fields: Sequence[mi.Field], at: Where, node: ObjectNode) -> Node:
    b.keep(at.key, node)
    for field in fields:
        where = f"{at.path}.{field.name}"
        inner = b.node(field.type, where, hidden=node.hidden)
        node.fields[field.encode_name] = (inner, field.required)
        _note_default(b, field, where, inner)
    return node


def _as_array(b: _Builder, fields: Sequence[mi.Field], at: Where, node: TupleNode) -> Node:
    b.keep(at.key, node)
    node.required = sum(field.required for field in fields)
    for field in fields:
        where = f"{at.path}.{field.name}"
        inner = b.node(field.type, where, hidden=at.hidden)
        node.items.append(inner)
        _note_default(b, field, where, inner)
    return node


def _note_default(b: _Builder, field: mi.Field, path: str, node: Node) -> None:
    if field.default is not msgspec.NODEFAULT and field.default is not msgspec.UNSET:
        b.defaults.append((path, node, field.default))


_MAP_KEYS = (mi.StrType, mi.IntType, mi.UUIDType, mi.DateType, mi.EnumType, mi.LiteralType)


def _map(b: _Builder, info: Any, at: Where) -> Node:
    bounds.sizes(info, b.place(at.path))
    key_type, _ = strip(info.key_type)
    if not isinstance(key_type, (*_MAP_KEYS, mi.AnyType)):
        raise UnsupportedTypeError(
            problem=f"{b.place(at.path)} has keys of type {_class_name(key_type)}.",
            remedy="Keys are text, whole numbers, ids, dates or enums.",
        )
    reader, expected = _key_reader(b, key_type, f"{at.path}{{}}")
    node = MapNode(
        info.min_length, info.max_length, key=reader, key_expected=expected, hidden=at.hidden
    )
    b.keep(at.key, node)
    node.value = b.node(info.value_type, f"{at.path}{{}}", hidden=at.hidden)
    return node


def _key_reader(
    b: _Builder, info: mi.Type, path: str
) -> tuple[msgspec.json.Decoder[Any] | None, str]:
    hint: Any
    match info:
        case mi.AnyType():
            return None, ""
        case mi.StrType():
            _no_pattern(b, info, path)
            if info.min_length is None and info.max_length is None:
                return None, ""
            limits = msgspec.Meta(min_length=info.min_length, max_length=info.max_length)
            hint = Annotated[str, limits]
        case mi.IntType():
            names = ("gt", "ge", "lt", "le", "multiple_of")
            hint = Annotated[int, msgspec.Meta(**{n: getattr(info, n) for n in names})]
        case mi.EnumType():
            hint = info.cls
        case mi.LiteralType():
            hint = operator.getitem(Literal, info.values)
        case _:
            hint = {mi.UUIDType: uuid.UUID, mi.DateType: dt.date}[type(info)]
    return msgspec.json.Decoder(dict[hint, None]), b.node(info, path, hidden=False).expected


def _union(b: _Builder, info: mi.UnionType, at: Where) -> Node:
    node = UnionNode()
    b.keep(at.key, node)
    members = [(strip(t)[0], b.node(t, at.path, hidden=at.hidden)) for t in info.types]
    # Where two take a number, msgspec prefers int to float to Decimal.
    members.sort(key=lambda m: _NUMBER_RANK.get(type(m[0]), 0))
    for member, inner in members:
        if isinstance(inner, AnyNode):
            b.keep(at.key, inner)
            return inner
        if isinstance(member, mi.StructType) and member.tag is not None:
            (node.by_first if member.array_like else node.by_tag)[member.tag] = inner
            node.tag_field = member.tag_field or ""
            continue
        for kind in inner.kinds:
            if kind in node.by_kind and kind not in {"integer", "number", "null"}:
                raise UnsupportedTypeError(
                    problem=f"{b.place(at.path)} is a union in which two members take {kind}.",
                    remedy="Tag the members, or keep one of them.",
                )
            node.by_kind.setdefault(kind, inner)
    return node


_NUMBER_RANK: dict[type, int] = {mi.FloatType: 1, mi.DecimalType: 2}

_MAKERS: dict[type, _Maker] = {
    mi.AnyType: _any,
    mi.RawType: _any,
    mi.NoneType: _null,
    mi.BoolType: _bool,
    mi.IntType: _int,
    mi.FloatType: _float,
    mi.StrType: _str,
    mi.DecimalType: _decimal,
    mi.DateTimeType: _datetime,
    mi.TimeType: _time,
    mi.DateType: _plainly(dt.date, "date (YYYY-MM-DD)"),
    mi.TimeDeltaType: _plainly(dt.timedelta, "duration (ISO 8601)"),
    mi.UUIDType: _plainly(uuid.UUID, "UUID"),
    mi.BytesType: _bytes,
    mi.ByteArrayType: _bytes,
    mi.EnumType: _enum,
    mi.LiteralType: _literal,
    mi.ListType: _array,
    mi.VarTupleType: _array,
    mi.SetType: _set,
    mi.FrozenSetType: _set,
    mi.TupleType: _tuple,
    mi.NamedTupleType: _named_tuple,
    mi.StructType: _struct,
    mi.DataclassType: _object,
    mi.TypedDictType: _object,
    mi.DictType: _map,
    mi.UnionType: _union,
}


def _check_default(name: str, path: str, node: Node, default: Any) -> None:
    try:
        plain = msgspec.json.decode(msgspec.json.encode(default))
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise InvalidDefaultError(
            problem=f"{name}{path} has a default that is not plain data.",
            remedy="Use a default_factory.",
        ) from error
    found = find(node, plain)
    if found.issues:
        raise InvalidDefaultError(
            problem=f"{name}{path} has a default its type refuses: {found.issues[0].message}",
            remedy="Give a default that conforms, or widen the type.",
        )


def _shown(hint: Any) -> str:
    name = getattr(hint, "__name__", None)
    return name if isinstance(hint, type) and isinstance(name, str) else str(hint)


def _class_name(info: mi.Type) -> str:
    cls = getattr(info, "cls", None)
    name = getattr(cls, "__name__", None) or type(info).__name__.removesuffix("Type").lower()
    return str(name)
