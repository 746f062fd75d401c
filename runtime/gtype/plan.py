"""The collecting pass: a type as a graph of nodes, each of which looks at one plain value.

`find` walks the graph with a stack of its own, so no input makes it recurse. Nodes answer
with what is left to look at, in schema order (GT-5): issues already found and children.
Kinds that JSON carries as text, and enums, are asked of msgspec itself, so that the pass
cannot drift from the decoder (GT-15).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from runtime.facts import Issue
from runtime.gtype.findings import At, Findings, issue, kind_of

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


class AnyNode:
    """Takes everything."""

    kinds = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
    expected = "any value"

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        return ()


class KindNode:
    """Takes one kind, whatever its value: null, boolean."""

    def __init__(self, kind: str) -> None:
        self.kinds = frozenset({kind})
        self.expected = kind

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        kind = kind_of(value)
        return () if kind in self.kinds else (wrong_kind(self, kind, at),)


Bound: TypeAlias = tuple[str, str, Callable[[Any], bool]]
"""Code, what it demands, the test."""


class NumberNode:
    """Takes a number between bounds."""

    def __init__(self, kinds: frozenset[str], bounds: Sequence[Bound]) -> None:
        self.kinds = kinds
        self.expected = "number" if "number" in kinds else "integer"
        self.bounds = tuple(bounds)

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        kind = kind_of(value)
        if kind not in self.kinds:
            return (wrong_kind(self, kind, at),)
        if self.expected == "number":
            try:
                value = float(value)
            except OverflowError:
                return (issue(at, "format", "a number within ±1.8e308", kind),)
        return [
            issue(at, code, want, kind) for code, want, holds in self.bounds if not holds(value)
        ]


class TextNode:
    """Takes text of a length, in code points."""

    kinds = frozenset({"string"})
    expected = "string"

    def __init__(self, shortest: int | None, longest: int | None) -> None:
        self.shortest = shortest or 0
        self.longest = longest

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        if not isinstance(value, str):
            return (wrong_kind(self, kind_of(value), at),)
        return sized(len(value), self.shortest, self.longest, "characters", at, "string")


class AskNode:
    """Asks msgspec: kinds carried as text, enums. *holds* adds what msgspec does not check."""

    def __init__(
        self,
        kinds: frozenset[str],
        expected: str,
        code: str,
        decoder: msgspec.json.Decoder[Any],
        holds: Callable[[Any], bool] | None = None,
    ) -> None:
        self.kinds = kinds
        self.expected = expected
        self.code = code
        self.decoder = decoder
        self.holds = holds

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        kind = kind_of(value)
        if kind not in self.kinds:
            return (wrong_kind(self, kind, at),)
        return () if self.takes(value) else (issue(at, self.code, self.expected, kind),)

    def takes(self, value: Any) -> bool:
        """Say whether msgspec and our own rule accept *value*."""
        try:
            decoded = self.decoder.decode(_encode(value))
        except Exception:  # noqa: BLE001 - an enum's own `_missing_` may raise anything
            return False
        return self.holds is None or self.holds(decoded)


class LiteralNode:
    """Takes certain values, compared by type and value."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = tuple(values)
        self.kinds = frozenset(kind_of(v) for v in values)
        self.expected = "one of " + ", ".join(_encode(v).decode() for v in values)

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        kind = kind_of(value)
        if kind not in self.kinds:
            return (wrong_kind(self, kind, at),)
        if any(type(v) is type(value) and v == value for v in self.values):
            return ()
        return (issue(at, "literal", self.expected, kind),)


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
        size = self._different(value)
        todo: list[Todo] = list(
            sized(size, self.shortest, self.longest, "different items", at, "array", "items")
        )
        todo += [entry for entry in super().look(value, at) if not isinstance(entry, Issue)]
        return todo

    def _different(self, value: list[Any]) -> int:
        decoder = self.item.decoder if isinstance(self.item, AskNode) else None
        seen = set()
        for item in value:
            try:
                seen.add(item if decoder is None else decoder.decode(_encode(item)))
            except Exception:  # noqa: BLE001, S112 - the item itself gets the issue
                continue
        return len(seen)


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
        except Exception:  # noqa: BLE001 - an enum's own `_missing_` may raise anything
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
