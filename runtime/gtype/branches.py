"""Nodes of the collecting pass that hold others: arrays, objects, maps, unions."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from runtime.facts import Issue
from runtime.gtype.findings import At, issue, kind_of
from runtime.gtype.leaves import AnyNode, reader
from runtime.gtype.plan import (
    MAX_ISSUES,
    MAX_NODES,
    Node,
    Todo,
    same,
    sized,
    wrong_kind,
    wrong_tag,
)

_encode = msgspec.json.Encoder().encode


class ArrayNode:
    """Takes an array of alike items."""

    kinds = frozenset({"array"})
    expected = "array"

    def __init__(self, shortest: int | None, longest: int | None) -> None:
        self.item: Node = AnyNode()
        self.shortest = shortest or 0
        self.longest = longest

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        if not isinstance(value, list):
            return (wrong_kind(self, kind_of(value), at),)
        todo: list[Todo] = list(
            sized(len(value), self.shortest, self.longest, "items", at, "array", "items")
        )
        if not isinstance(self.item, AnyNode):
            # Past the node limit nothing is looked at; the rest need not be queued.
            item = self.item
            todo.extend((item, value[n], (at, n)) for n in range(min(len(value), MAX_NODES + 1)))
        return todo


class SetNode(ArrayNode):
    """Takes an array that becomes a set: its size is that of the different items."""

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        if not isinstance(value, list) or (not self.shortest and self.longest is None):
            return super().look(value, at)
        todo: list[Todo] = list(
            sized(
                different(self.item, value),
                self.shortest,
                self.longest,
                "different items",
                at,
                "array",
                "items",
            )
        )
        todo += [entry for entry in super().look(value, at) if not isinstance(entry, Issue)]
        return todo


class UniqueNode(ArrayNode):
    """Takes an array without equal items."""

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        todo = list(super().look(value, at))
        if isinstance(value, list) and (again := len(value) - different(self.item, value)):
            place = sum(isinstance(entry, Issue) for entry in todo)
            todo.insert(place, issue(at, "unique", "different items", f"array with {again} again"))
        return todo


def different(item: Node, value: list[Any]) -> int:
    """Count the items that differ as they are decoded; what is no item differs from all."""
    read = reader(item)
    seen: set[Any] = set()
    odd = 0
    for each in value:
        try:
            decoded = read(each)
            seen.add((isinstance(decoded, bool), decoded))
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError):
            odd += 1  # the item itself gets the issue
    return len(seen) + odd


class TupleNode:
    """Takes an array whose items stand for something by their place."""

    kinds = frozenset({"array"})
    expected = "array"

    def __init__(self, *, tag: str | int | None = None, closed: bool = True) -> None:
        self.items: list[Node] = []
        self.required = 0
        self.tag = tag
        self.closed = closed

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        if not isinstance(value, list):
            return (wrong_kind(self, kind_of(value), at),)
        skip = 0 if self.tag is None else 1
        if skip and (not value or not same(value[0], self.tag)):
            return (wrong_tag((at, 0), (self.tag,), kind_of(value[0]) if value else "missing"),)
        count = len(value) - skip
        if count < self.required or (self.closed and count > len(self.items)):
            want = str(self.required + skip)
            if self.required != len(self.items) or not self.closed:
                want += f" to {len(self.items) + skip}" if self.closed else " or more"
            return (issue(at, "length", f"array of {want} items", f"array of {len(value)}"),)
        inner = value[skip:]
        return [
            (node, item, (at, n + skip))
            for n, (node, item) in enumerate(zip(self.items, inner, strict=False))
        ]


class ObjectNode:
    """Takes an object with named fields."""

    kinds = frozenset({"object"})
    expected = "object"

    def __init__(self, *, closed: bool, hidden: bool, tag: tuple[str, str | int] | None) -> None:
        self.fields: dict[str, tuple[Node, bool]] = {}
        """Wire name to node and whether it is required."""
        self.closed = closed
        self.hidden = hidden
        self.tag = tag

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        if not isinstance(value, dict):
            return (wrong_kind(self, kind_of(value), at),)
        todo: list[Todo] = []
        if self.tag is not None and self.tag[0] in value:
            name, tag = self.tag
            if not same(value[name], tag):
                return (wrong_tag((at, name), (tag,), kind_of(value[name])),)
        for name, (node, required) in self.fields.items():
            if name in value:
                todo.append((node, value[name], (at, name)))
            elif required:
                todo.append(issue((at, name), "missing", node.expected, "missing"))
        if self.closed:
            known = self.fields if self.tag is None else {*self.fields, self.tag[0]}
            todo.extend(
                issue((at, "*" if self.hidden else name), "unknown-field", "no such field", "field")
                for name in sorted(value.keys() - known)[: MAX_ISSUES + 1]
            )
        return todo


class MapNode:
    """Takes an object used as a map."""

    kinds = frozenset({"object"})
    expected = "object"

    def __init__(
        self,
        shortest: int | None,
        longest: int | None,
        *,
        key: msgspec.json.Decoder[Any] | None,
        key_expected: str,
        hidden: bool,
    ) -> None:
        self.value: Node = AnyNode()
        self.key = key
        """Reads `{"<key>": null}`; None: any text is a key."""
        self.key_expected = key_expected
        self.shortest = shortest or 0
        self.longest = longest
        self.hidden = hidden

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        if not isinstance(value, dict):
            return (wrong_kind(self, kind_of(value), at),)
        todo: list[Todo] = list(
            sized(len(value), self.shortest, self.longest, "members", at, "object", "items")
        )
        check_values = not isinstance(self.value, AnyNode)
        for n, (name, inner) in enumerate(value.items()):
            if n > MAX_NODES:
                break
            place: At = (at, "*" if self.hidden else name)
            if self.key is not None and not self._key_fits(name):
                todo.append(issue(place, "kind", f"key {self.key_expected}", "string"))
            if check_values:
                todo.append((self.value, inner, place))
        return todo

    def _key_fits(self, name: str) -> bool:
        assert self.key is not None  # noqa: S101 - for the type checker
        try:
            self.key.decode(_encode({name: None}))
        except (msgspec.MsgspecError, ValueError):
            return False
        return True


class UnionNode:
    """Takes what one of its members takes, chosen by kind or tag (GT-9)."""

    def __init__(self) -> None:
        self.by_kind: dict[str, Node] = {}
        self.by_tag: dict[str | int, Node] = {}
        """Tagged members that are objects."""
        self.tag_field = ""
        self.by_first: dict[str | int, Node] = {}
        """Tagged members that are arrays: the tag is the first item."""

    @property
    def kinds(self) -> frozenset[str]:
        kinds = set(self.by_kind)
        if self.by_tag:
            kinds.add("object")
        if self.by_first:
            kinds.add("array")
        return frozenset(kinds)

    @property
    def expected(self) -> str:
        return " or ".join(sorted(self.kinds))

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        kind = kind_of(value)
        node = self.by_kind.get(kind)
        if node is not None:
            return ((node, value, at),)
        if kind == "object" and self.by_tag:
            if self.tag_field not in value:
                return (wrong_tag((at, self.tag_field), tuple(self.by_tag), "missing"),)
            return self._tagged(value, value[self.tag_field], self.by_tag, at, self.tag_field)
        if kind == "array" and self.by_first:
            if not value:
                return (wrong_tag((at, 0), tuple(self.by_first), "missing"),)
            return self._tagged(value, value[0], self.by_first, at, 0)
        return (wrong_kind(self, kind, at),)

    def _tagged(
        self, value: Any, tag: Any, nodes: Mapping[str | int, Node], at: At, step: str | int
    ) -> Sequence[Todo]:
        for known, node in nodes.items():
            if same(known, tag):
                return ((node, value, at),)
        return (wrong_tag((at, step), tuple(nodes), kind_of(tag)),)
