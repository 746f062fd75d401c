"""The collecting pass: a type as a graph of nodes, each of which looks at one plain value.

`find` walks the graph with a stack of its own, so no input makes it recurse. Nodes answer
with what is left to look at, in schema order (GT-5): issues already found and children.
Kinds that JSON carries as text, and enums, are asked of msgspec itself, so that the pass
cannot drift from the decoder (GT-15).
"""

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from runtime.facts import Issue
from runtime.gtype.findings import At, Findings, issue

Todo: TypeAlias = "Issue | tuple[Node, Any, At]"

MAX_ISSUES = 100
MAX_NODES = 10_000

_encode = msgspec.json.Encoder().encode


class Node(Protocol):
    """What a value must be, at one place of a type."""

    @property
    def kinds(self) -> frozenset[str]:
        """The JSON kinds it takes."""
        ...

    @property
    def expected(self) -> str:
        """What it takes, for people."""
        ...

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        """Say what is wrong with *value*, and what within it must be looked at."""
        ...


def find(root: Node, value: Any) -> Findings:
    """Walk *value* and list what does not conform.

    Source: GT-11: 100 issues or 10 000 nodes, then `truncated`.
    """
    found: list[Issue] = []
    todo: list[Todo] = [(root, value, None)]
    visited = 0
    while todo:
        entry = todo.pop()
        if isinstance(entry, Issue):
            if len(found) == MAX_ISSUES:
                return Findings(tuple(found), truncated=True)
            found.append(entry)
            continue
        if visited == MAX_NODES:
            return Findings(tuple(found), truncated=True)
        visited += 1
        node, inner, at = entry
        more = node.look(inner, at)
        if more:
            todo.extend(reversed(more))
    return Findings(tuple(found))


def same(a: object, b: object) -> bool:
    """Compare by type and value: 1 is not True."""
    return type(a) is type(b) and a == b


def wrong_kind(node: Node, kind: str, at: At) -> Issue:
    """Make the issue of a value of another kind; null has a code of its own."""
    return issue(at, "null" if kind == "null" else "kind", node.expected, kind)


def wrong_tag(at: At, tags: Sequence[str | int | None], actual: str) -> Issue:
    """Make the issue of a tag that names no member."""
    known = ", ".join(_encode(t).decode() for t in tags)
    return issue(at, "tag", f"one of {known}", actual)


def sized(
    size: int,
    shortest: int,
    longest: int | None,
    unit: str,
    at: At,
    kind: str,
    code: str = "length",
) -> Sequence[Issue]:
    """Make the issue of a size outside its limits, with the size measured."""
    actual = f"{kind} of {size}"
    if size < shortest:
        return (issue(at, code, f"at least {shortest} {unit}", actual),)
    if longest is not None and size > longest:
        return (issue(at, code, f"at most {longest} {unit}", actual),)
    return ()
