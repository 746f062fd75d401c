"""Trees to plain Python values.

Decoding runs no user code and imports nothing: what has a label that is not registered
becomes a `FrozenObject` or an `UnknownMember`.
"""

import dataclasses
import enum
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from eventstore.errors import EventStoreError
from eventstore.values.classes import Classes, field_names
from eventstore.values.faults import MAX_DEPTH
from eventstore.values.frozen import FrozenObject, Reader, UnknownMember
from eventstore.values.hidden import Hidden
from eventstore.values.scalars import read_int, read_scalar
from eventstore.values.tree import Tree, tag_of

AnyClass: TypeAlias = type[Any]

CORRUPT = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What the functions below raise for a tree that no encoder made."""


class Decoding:
    """What decoding needs to know.

    Args:
        classes: of the values.
        reader: of views, for objects of unknown classes.
    """

    __slots__ = ("classes", "reader")

    def __init__(self, classes: Classes, reader: Reader) -> None:
        self.classes = classes
        self.reader = reader

    def plain(self, tree: Tree, depth: int = 0) -> Any:
        """Return the plain value of *tree*, which shares nothing with it."""
        if isinstance(tree, list):
            return _items(self, tree, depth)
        if not isinstance(tree, dict):
            return self.plain(tree.tree, depth) if isinstance(tree, Hidden) else tree
        tag = tag_of(tree)
        if tag is None:
            _check_depth(depth)
            return {key: self.plain(item, depth + 1) for key, item in _checked(tree).items()}
        read = _CONTAINERS.get(tag)
        return read_scalar(tag, tree[tag]) if read is None else read(self, tree[tag], depth)


def object_view(tree: Tree, reader: Reader) -> FrozenObject:
    """Return the view of a Struct or dataclass.

    Raises:
        ValueError: it is none.
    """
    label, fields = tree["$obj"]
    if not isinstance(label, str) or not isinstance(fields, dict):
        msg = "$obj is a label and fields"
        raise ValueError(msg)  # noqa: TRY004 - bad data, not misuse
    return FrozenObject(tree, reader)


def distinct(pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
    """Return *pairs* as a dict.

    Raises:
        ValueError: two keys are equal.
        TypeError: a key cannot be one.
    """
    made = dict(pairs)
    if len(made) != len(pairs):
        msg = "a key or member twice"
        raise ValueError(msg)
    return made


def corrupt(error: Exception) -> EventStoreError:
    """Return what to raise for *error*."""
    problem = f"A stored value cannot be decoded: {type(error).__name__}: {str(error)[:200]}."
    remedy = "Run `timescape verify` to find what was altered."
    return EventStoreError("corrupt-value", problem, remedy, {})


def _items(run: Decoding, items: Tree, depth: int) -> list[Any]:
    _check_depth(depth)
    if not isinstance(items, list):
        msg = "an envelope does not hold a list"
        raise ValueError(msg)  # noqa: TRY004 - bad data, not misuse
    return [run.plain(item, depth + 1) for item in items]


def _tuple(run: Decoding, items: Tree, depth: int) -> tuple[Any, ...]:
    return tuple(_items(run, items, depth))


def _set(run: Decoding, items: Tree, depth: int) -> set[Any]:
    return set(distinct([(item, None) for item in _items(run, items, depth)]))


def _frozenset(run: Decoding, items: Tree, depth: int) -> frozenset[Any]:
    return frozenset(_set(run, items, depth))


def _dict(run: Decoding, pairs: Tree, depth: int) -> dict[Any, Any]:
    _check_depth(depth)
    # A text of two characters can be taken apart as well.
    if not isinstance(pairs, list) or not all(isinstance(pair, list) for pair in pairs):
        msg = "an envelope does not hold a list of pairs"
        raise ValueError(msg)
    return distinct(
        [(run.plain(key, depth + 1), run.plain(item, depth + 1)) for key, item in pairs]
    )


def _enum(run: Decoding, tree: Tree, _depth: int) -> Any:
    label, member = tree
    if isinstance(member, dict):
        member = read_int(member["$int"])
    cls = run.classes.find(label)
    if cls is None:
        return UnknownMember(label, member)
    return cls(member) if issubclass(cls, enum.Flag) else cls.__members__[member]


def _object(run: Decoding, tree: Tree, depth: int) -> Any:
    _check_depth(depth)
    label, fields = tree
    cls = run.classes.find(label)
    if cls is None:
        return object_view({"$obj": tree}, run.reader)
    unknown = fields.keys() - set(field_names(cls))
    if unknown:
        msg = f"{label} has no field {min(unknown)!a}"
        raise ValueError(msg)
    return _make(cls, {name: run.plain(item, depth + 1) for name, item in fields.items()})


def _make(cls: AnyClass, values: dict[str, Any]) -> Any:
    if issubclass(cls, msgspec.Struct):
        return cls(**values)
    made = object.__new__(cls)
    for field in dataclasses.fields(cls):
        if field.name in values:
            value = values[field.name]
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        elif field.default is not dataclasses.MISSING:
            value = field.default
        else:
            msg = f"field {field.name} is missing"
            raise ValueError(msg)
        # A frozen dataclass refuses the ordinary way.
        object.__setattr__(made, field.name, value)
    return made


def _checked(tree: dict[str, Tree]) -> dict[str, Tree]:
    for key in tree:
        if key[:1] == "$":
            msg = f"{key[:80]!a} beside other keys"
            raise ValueError(msg)
    return tree


def _check_depth(depth: int) -> None:
    if depth >= MAX_DEPTH:
        msg = f"deeper than {MAX_DEPTH}"
        raise ValueError(msg)


_CONTAINERS: dict[str, Callable[[Decoding, Tree, int], Any]] = {
    "$tuple": _tuple,
    "$set": _set,
    "$frozenset": _frozenset,
    "$dict": _dict,
    "$enum": _enum,
    "$obj": _object,
}
