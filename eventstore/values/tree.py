"""Encoded values: plain JSON trees, to bytes and back, and when two are the same.

A tree is never changed once made: facts, states and views share its parts.
"""

from typing import Any, TypeAlias

import msgspec

from eventstore.values import hidden

Tree: TypeAlias = Any
"""None, bool, int64, finite float, str, list or dict with str keys, `$` envelopes
among them (see `eventstore.values`); until it is stored, marks of what is to be hidden."""

_encode = msgspec.json.Encoder(enc_hook=hidden.refuse).encode
_encode_shown = msgspec.json.Encoder(enc_hook=hidden.show).encode
_decode = msgspec.json.Decoder().decode


def same(a: Tree, b: Tree) -> bool:
    """Say whether two trees stand for strictly equal values, order of keys included.

    1, 1.0 and True differ, so do 0.0 and -0.0; NaN equals NaN.

    Source: SN-7. Equal values have equal bytes, so bytes decide; unequal ones are
    mostly found by the cheaper `==`.
    """
    return a is b or (a == b and bool(_encode_shown(a) == _encode_shown(b)))


def tree_bytes(tree: Tree) -> bytes:
    """Return the JSON text of *tree* in UTF-8, without blanks.

    Raises:
        NotHiddenError: it holds what must not be kept as it is.
    """
    return _encode(tree)


def shown_bytes(tree: Tree) -> bytes:
    """Return the same, what is to be hidden in clear: to measure and to order, not to keep."""
    return _encode_shown(tree)


def revealed(tree: Tree) -> Tree:
    """Return a copy of *tree* in which nothing is marked as to be hidden."""
    return _decode(_encode_shown(tree))


def tree_from_bytes(data: bytes | str) -> Tree:
    """Return the tree of a JSON text.

    Raises:
        ValueError: it is not JSON.
    """
    return _decode(data)


def tag_of(tree: dict[str, Tree]) -> str | None:
    """Return the tag of an envelope, `$obj`; None for a plain object."""
    if len(tree) == 1:
        (key,) = tree
        if key.startswith("$"):
            return key
    return None


def value_depth(tree: Tree) -> int:
    """Return how deep the value that *tree* stands for is nested; 0 for a scalar."""
    parts = _parts(tree)
    return 0 if parts is None else 1 + max(map(value_depth, parts), default=0)


def _parts(tree: Tree) -> list[Tree] | None:
    """Return the values directly in the value; None for a scalar."""
    if isinstance(tree, list):
        return tree
    if not isinstance(tree, dict):
        return None
    tag = tag_of(tree)
    if tag is None:
        return list(tree.values())
    if tag in _OF_ITEMS:
        return list(tree[tag])
    if tag == "$dict":
        return [part for pair in tree[tag] for part in pair]
    return list(tree[tag][1].values()) if tag == "$obj" else None


_OF_ITEMS = frozenset({"$tuple", "$set", "$frozenset"})
