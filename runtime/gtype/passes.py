"""Compiles a `GType` to the collecting pass (GT-3). It needs no class, only the data."""

import datetime as dt
import decimal
import operator
import types
import typing
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from runtime.gtype import bounds, kinds
from runtime.gtype.branches import (
    ArrayNode,
    MapNode,
    ObjectNode,
    SetNode,
    TupleNode,
    UnionNode,
    UniqueNode,
)
from runtime.gtype.kinds import Any_, Object
from runtime.gtype.leaves import (
    AnyNode,
    AskNode,
    KindNode,
    LiteralNode,
    NumberNode,
    RuledNode,
    TextNode,
)
from runtime.gtype.plan import Node
from runtime.gtype.rules import Functions, text_rules

_STRING = frozenset({"string"})
_BOUNDS = ("gt", "ge", "lt", "le", "multiple_of")


class Passes:
    """Makes the nodes of one type; each object of its table once, or once more below Sensitive.

    Args:
        objects: the table that refs name places of.
        functions: what runs for checks in code; those not there are not run.
    """

    def __init__(self, objects: Sequence[Object], functions: Functions | None = None) -> None:
        self._objects = objects
        self._functions = functions or {}
        self._made: dict[tuple[int, bool], Node] = {}

    def node(self, part: Any_, *, hidden: bool = False) -> Node:
        """Make the node of *part*; *hidden*: names from input are not shown below it."""
        hidden = hidden or part.sensitive
        node = self._bare(part, hidden=hidden)
        rules = [(r, self._functions[r]) for r in part.rules if r in self._functions]
        return RuledNode(node, rules) if rules else node

    def _bare(self, part: Any_, *, hidden: bool) -> Node:
        match part:
            case kinds.Ref():
                return self._object(part.to, hidden=hidden)
            case kinds.Array():
                kind = UniqueNode if part.unique else SetNode if part.collapse else ArrayNode
                array = kind(part.min_length, part.max_length)
                array.item = self.node(part.item, hidden=hidden)
                return array
            case kinds.Tuple():
                row = TupleNode()
                row.required = len(part.items)
                row.items = [self.node(item, hidden=hidden) for item in part.items]
                return row
            case kinds.Map():
                return self._map(part, hidden=hidden)
            case kinds.Union():
                return self._union(part, hidden=hidden)
            case _:
                return _LEAVES[type(part)](part)

    def _object(self, number: int, *, hidden: bool) -> Node:
        known = self._made.get((number, hidden))
        if known is not None:
            return known
        each = self._objects[number]
        hidden = hidden or each.sensitive
        if each.as_array:
            return self._placed(number, each, hidden=hidden)
        tag = None if each.tag is None or each.tag_field is None else (each.tag_field, each.tag)
        node = ObjectNode(closed=each.closed, hidden=hidden, tag=tag)
        # Noted before its fields are made, so that it may contain itself.
        self._made[number, hidden] = node
        for field in each.fields:
            node.fields[field.name] = (self.node(field.type, hidden=hidden), field.required)
        return node

    def _placed(self, number: int, each: Object, *, hidden: bool) -> Node:
        node = TupleNode(tag=each.tag, closed=each.closed)
        self._made[number, hidden] = node
        node.required = sum(field.required for field in each.fields)
        node.items = [self.node(field.type, hidden=hidden) for field in each.fields]
        return node

    def _map(self, part: kinds.Map, *, hidden: bool) -> Node:
        hint = _key_hint(part.key)
        reader: Any = (
            None if hint is None else msgspec.json.Decoder(types.GenericAlias(dict, (hint, None)))
        )
        node = MapNode(
            part.min_length,
            part.max_length,
            key=reader,
            key_expected=self.node(part.key).expected,
            hidden=hidden,
        )
        node.value = self.node(part.value, hidden=hidden)
        return node

    def _union(self, part: kinds.Union, *, hidden: bool) -> Node:
        node = UnionNode()
        for member in part.members:
            inner = self.node(member, hidden=hidden)
            each = self._objects[member.to] if isinstance(member, kinds.Ref) else None
            if each is None or each.tag is None:
                for kind in inner.kinds:
                    node.by_kind.setdefault(kind, inner)
            elif each.as_array:
                node.by_first[each.tag] = inner
            else:
                node.by_tag[each.tag] = inner
                node.tag_field = each.tag_field or ""
        return node


def _asked(
    hint: Any,
    expected: str,
    accepted: frozenset[str] = _STRING,
    holds: Callable[[Any], bool] | None = None,
) -> Node:
    return AskNode(accepted, expected, "format", msgspec.json.Decoder(hint), holds)


def _decimal(_part: Any) -> Node:
    accepted = frozenset({"string", "integer", "number"})
    return _asked(decimal.Decimal, "decimal", accepted, bounds.decimal_holds)


def _datetime(part: kinds.DateTime) -> Node:
    if part.naive:
        hint: Any = Annotated[dt.datetime, msgspec.Meta(tz=False)]
        return _asked(hint, "date and time without offset (RFC 3339)")
    return _asked(dt.datetime, "date and time with offset (RFC 3339)", holds=bounds.datetime_holds)


def _time(part: kinds.Time) -> Node:
    hint = dt.time if part.aware is None else Annotated[dt.time, msgspec.Meta(tz=part.aware)]
    return _asked(hint, "time (RFC 3339)")


def _bytes(part: kinds.Bytes) -> Node:
    limits = msgspec.Meta(min_length=part.min_length, max_length=part.max_length)
    expected = "base64 text"
    if part.min_length is not None or part.max_length is not None:
        upper = "" if part.max_length is None else f" to {part.max_length}"
        expected += f" of {part.min_length or 0}{upper or ' or more'} bytes"
    return _asked(Annotated[bytes, limits], expected)


def _number(accepted: frozenset[str]) -> Callable[[Any], Node]:
    return lambda part: NumberNode(accepted, bounds.number(part, ""))


_LEAVES: Mapping[type, Callable[[Any], Node]] = {
    kinds.Anything: lambda _part: AnyNode(),
    kinds.Null: lambda _part: KindNode("null"),
    kinds.Bool: lambda _part: KindNode("boolean"),
    kinds.Int: _number(frozenset({"integer"})),
    kinds.Float: _number(frozenset({"integer", "number"})),
    kinds.Decimal: _decimal,
    kinds.Text: lambda part: TextNode(part.min_length, part.max_length, text_rules(part)),
    kinds.Bytes: _bytes,
    kinds.DateTime: _datetime,
    kinds.Date: lambda _part: _asked(dt.date, "date (YYYY-MM-DD)"),
    kinds.Time: _time,
    kinds.Duration: lambda _part: _asked(dt.timedelta, "duration (ISO 8601)"),
    kinds.Uuid: lambda _part: _asked(uuid.UUID, "UUID"),
    kinds.Literal: lambda part: LiteralNode(part.values),
    kinds.Enum: lambda part: LiteralNode(part.values, "enum"),
}


def _key_hint(key: Any_) -> Any:
    """Give the type by which msgspec reads names of a map; None: any text is a name."""
    match key:
        case kinds.Text(min_length=None, max_length=None) | kinds.Anything():
            return None
        case kinds.Text():
            limits = msgspec.Meta(min_length=key.min_length, max_length=key.max_length)
            return Annotated[str, limits]
        case kinds.Int():
            meta = msgspec.Meta(**{name: getattr(key, name) for name in _BOUNDS})
            return Annotated[int, meta]
        case kinds.Enum() | kinds.Literal():
            return operator.getitem(typing.Literal, key.values)
        case _:
            return {kinds.Uuid: uuid.UUID, kinds.Date: dt.date}[type(key)]
