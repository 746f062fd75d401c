"""Payloads as plain JSON data, for the few that msgspec cannot write or read in one go.

A string with NUL or a lone surrogate stands in a row as `{"$str": …}` (VC-4). In a
field typed `Any`, which holds values as `eventstore.values` encoded them, such an
envelope is the value's own and stays; in a typed field it is taken off again.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from eventstore.values import text

S = TypeVar("S", bound=msgspec.Struct)

_DICT = "$dict"
_REDACTED = {"$redacted": True}


def to_plain(payload: Any) -> Any:
    """Return *payload* as plain JSON data that every database can hold."""
    return _escape(msgspec.to_builtins(payload, str_keys=True))


def _escape(tree: Any) -> Any:
    if isinstance(tree, str):
        return tree if text.is_plain(tree) else text.wrap(tree)
    if isinstance(tree, list | tuple):
        return [_escape(item) for item in tree]
    if isinstance(tree, dict):
        if all(map(text.is_plain, tree)):
            return {key: _escape(value) for key, value in tree.items()}
        return {_DICT: [[_escape(key), _escape(value)] for key, value in tree.items()]}
    return tree


def from_plain(tree: Any, cls: type[S]) -> S:
    """Return the payload of class *cls* that *tree* stands for.

    Raises:
        ValueError: it does not fit; `msgspec.ValidationError` is one.
    """
    return msgspec.convert(_unescape(tree, _shape(cls)), cls, str_keys=True)


@cache
def _shape(cls: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(cls)


def _unescape(tree: Any, shape: inspect.Type) -> Any:
    if isinstance(tree, dict):
        return _unescape_object(tree, shape)
    if isinstance(tree, list):
        return [_unescape(item, item_shape) for item, item_shape in _items(tree, shape)]
    return tree


def _unescape_object(tree: dict[str, Any], shape: inspect.Type) -> Any:
    options = _options(shape)
    for option in options:
        if isinstance(option, inspect.StrType) and tree.keys() == {text.STR}:
            return text.unwrap(tree)
        if isinstance(option, inspect.StrType) and tree == _REDACTED:
            return "<redacted>"
        if isinstance(option, inspect.StrType) and tree.keys() == {"$sealed"}:
            return "<sealed>"
        if isinstance(option, inspect.StructType):
            fields = {field.encode_name: field.type for field in option.fields}
            return {name: _unescape(value, fields.get(name, _ANY)) for name, value in tree.items()}
        if isinstance(option, inspect.DictType):
            return {
                _unescape(key, option.key_type): _unescape(value, option.value_type)
                for key, value in _pairs(tree)
            }
    return tree


def _pairs(tree: dict[str, Any]) -> Iterable[tuple[Any, Any]]:
    # No field of ours is a dict of lists, so this key is the envelope's with a list only.
    wrapped = tree.keys() == {_DICT} and isinstance(tree[_DICT], list)
    return tree[_DICT] if wrapped else tree.items()


def _items(tree: list[Any], shape: inspect.Type) -> list[tuple[Any, inspect.Type]]:
    for option in _options(shape):
        if isinstance(option, inspect.VarTupleType | inspect.ListType):
            return [(item, option.item_type) for item in tree]
        if isinstance(option, inspect.TupleType) and len(option.item_types) == len(tree):
            return list(zip(tree, option.item_types, strict=True))
    return [(item, _ANY) for item in tree]


def _options(shape: inspect.Type) -> tuple[inspect.Type, ...]:
    return shape.types if isinstance(shape, inspect.UnionType) else (shape,)


_ANY = inspect.AnyType()
