"""Encoded values: plain JSON trees, to bytes and back, and when two are the same.

A tree is never changed once made: facts, states and views share its parts.
"""

from typing import Any, TypeAlias

import msgspec

Tree: TypeAlias = Any
"""None, bool, int64, finite float, str, list or dict with str keys, `$` envelopes
among them (see `eventstore.values`)."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def same(a: Tree, b: Tree) -> bool:
    """Say whether two trees stand for strictly equal values, order of keys included.

    1, 1.0 and True differ, so do 0.0 and -0.0; NaN equals NaN.

    Source: SN-7. Equal values have equal bytes, so bytes decide; unequal ones are
    mostly found by the cheaper `==`.
    """
    return a is b or (a == b and bool(_encode(a) == _encode(b)))


def tree_bytes(tree: Tree) -> bytes:
    """Return the JSON text of *tree* in UTF-8, without blanks."""
    return _encode(tree)
