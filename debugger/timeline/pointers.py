"""Places in user state: RFC 6901 pointers over encoded values.

People see `/cart/items/0/sku` whatever the values are made of: the envelope of a
registered object (`{"$obj":[name, fields]}`) is stepped over, and so is a tuple's. The
keys of a dict that is no JSON object (`$dict`) are shown as JSON: `/rates/2026`.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from debugger.errors import BadInputError
from eventstore.values import tree_bytes


class Absence(enum.Enum):
    """The type of `ABSENT`, which is no value: a stored None is not absent."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Literal[Absence.ABSENT] = Absence.ABSENT
"""There is nothing at that place."""

Tokens: TypeAlias = tuple[str, ...]
"""A pointer in pieces, unescaped; () is the whole state."""


def split(path: str) -> Tokens:
    """Read a pointer. `total` is taken for `/total`, `/` for the whole state.

    Raises:
        BadInputError: a `~` that is neither `~0` nor `~1`.
    """
    if path in ("", "/"):
        return ()
    pieces = path.removeprefix("/").split("/")
    for piece in pieces:
        if "~" in piece.replace("~0", "").replace("~1", ""):
            problem = f"{path!r} is not a path."
            raise BadInputError(problem, "Write `~` as `~0` and `/` inside a name as `~1`.")
    return tuple(piece.replace("~1", "/").replace("~0", "~") for piece in pieces)


def join(tokens: Sequence[str]) -> str:
    """Write a pointer."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def envelope(tree: Any) -> str | None:
    """Return the tag of an encoded value, such as `$decimal`; None: a plain one.

    A user's dict never has keys with a leading `$`: such a dict is a `$dict` envelope.
    """
    if type(tree) is dict and len(tree) == 1:
        tag: str = next(iter(tree))
        return tag if tag.startswith("$") else None
    return None


def key_text(key: Any) -> str:
    """Return the token of an encoded key of a `$dict`."""
    return tree_bytes(key).decode()


def parts(tree: Any) -> Mapping[str, Any] | list[Any] | None:
    """Return what an encoded value is made of: fields or items; None: it is one value."""
    match envelope(tree):
        case "$obj":
            fields: dict[str, Any] = tree["$obj"][1]
            return fields
        case "$dict":
            return {key_text(key): value for key, value in tree["$dict"]}
        case "$tuple":
            items: list[Any] = tree["$tuple"]
            return items
        case None if isinstance(tree, dict | list):
            return tree
        case _:
            return None


def child(tree: Any, token: str) -> Any:
    """Return the part of *tree* called *token*, or `ABSENT`."""
    open_tree = parts(tree)
    if isinstance(open_tree, Mapping):
        return open_tree.get(token, ABSENT)
    # Longer digits are no index of a list that fits a value, and slow to read.
    if open_tree is not None and token.isascii() and token.isdecimal() and len(token) < 10:
        index = int(token)
        return open_tree[index] if index < len(open_tree) else ABSENT
    return ABSENT


def lookup(values: Mapping[str, Any], tokens: Tokens) -> Any:
    """Return the encoded value at *tokens* in user state, or `ABSENT`."""
    if not tokens:
        return values
    tree = values.get(tokens[0], ABSENT)
    for token in tokens[1:]:
        if tree is ABSENT:
            break
        tree = child(tree, token)
    return tree


def readable(path: Sequence[str | int]) -> Tokens:
    """Turn a patch's path, whose first item is the key, into what people see of it.

    It ends at a `$dict`: which of its keys an index means cannot be told from the path.
    """
    tokens: list[str] = [str(item) for item in path[:1]]
    rest = iter(path[1:])
    for item in rest:
        if item == "$dict":
            break
        if item == "$obj":
            next(rest, None)  # the 1 that selects the fields
        else:
            tokens.append(str(item))
    return tuple(tokens)


def related(a: Tokens, b: Tokens) -> bool:
    """Say whether one place is the other, or holds it."""
    shorter = min(len(a), len(b))
    return a[:shorter] == b[:shorter]
