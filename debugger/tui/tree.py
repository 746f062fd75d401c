"""User state as the rows of a tree. Pure: only what is unfolded is visited (RN-5)."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from debugger.timeline import Change
from debugger.timeline.pointers import join, parts

MOST_CHILDREN = 500
"""Of one container that are shown before the rest is asked for."""
_OPEN_DEPTH = 3
_OPEN_SIZE = 40


class Node(msgspec.Struct, frozen=True, gc=False):
    """One row of the tree."""

    path: str
    """Pointer into user state."""
    depth: int
    name: str
    value: Any
    """The encoded value."""
    open: bool | None
    """None: it has no parts."""
    change: Change | None = None
    """How it differs from the base."""
    left: int = 0
    """Above 0: the row stands for this many parts that are not shown."""


class Shape(msgspec.Struct, frozen=True):
    """What the person did to the tree: all else follows from the values."""

    turned: frozenset[str] = frozenset()
    """Paths whose fold is not what it is at first."""
    longer: Mapping[str, int] = {}
    """How many parts more of a container to show."""


def unfold(values: Mapping[str, Any], changes: Mapping[str, Change], shape: Shape) -> list[Node]:
    """Return the rows of *values*; *changes* by path mark those that differ."""
    return list(_rows(values, (), 0, changes, shape))


def _rows(
    container: Mapping[str, Any] | list[Any],
    at: tuple[str, ...],
    depth: int,
    changes: Mapping[str, Change],
    shape: Shape,
) -> Iterator[Node]:
    here = join(at)
    most = MOST_CHILDREN + shape.longer.get(here, 0)
    for number, (name, value) in enumerate(_children(container)):
        if number >= most:
            yield Node(here, depth, "", None, open=None, left=len(container) - most)
            return
        tokens = (*at, name)
        path = join(tokens)
        inside = parts(value)
        if not inside:
            yield Node(path, depth, name, value, None, changes.get(path))
            continue
        opened = (depth < _OPEN_DEPTH and len(inside) <= _OPEN_SIZE) != (path in shape.turned)
        yield Node(path, depth, name, value, opened, changes.get(path))
        if opened:
            yield from _rows(inside, tokens, depth + 1, changes, shape)


def _children(container: Mapping[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    if isinstance(container, Mapping):
        yield from container.items()
    else:
        for index, value in enumerate(container):
            yield str(index), value


def place_of(nodes: list[Node], path: str) -> int:
    """Return the row of *path*, or of the nearest that holds it; 0 if there is none."""
    best, best_length = 0, -1
    for row, node in enumerate(nodes):
        if node.path == path and not node.left:
            return row
        if len(node.path) > best_length and path.startswith(node.path + "/") and not node.left:
            best, best_length = row, len(node.path)
    return best
