"""Nodes of the collecting pass that hold no others.

Kinds that JSON carries as text are asked of msgspec itself, so that the pass cannot drift
from the decoder (GT-15).
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from runtime.facts import Issue
from runtime.gtype.findings import At, issue, kind_of
from runtime.gtype.kinds import Rule
from runtime.gtype.plan import Node, Todo, sized, wrong_kind
from runtime.gtype.rules import run

_encode = msgspec.json.Encoder().encode


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
    """Takes text of a length, in code points, that fulfils *rules*."""

    kinds = frozenset({"string"})
    expected = "string"

    def __init__(
        self, shortest: int | None, longest: int | None, rules: Sequence[Bound] = ()
    ) -> None:
        self.shortest = shortest or 0
        self.longest = longest
        self.rules = tuple(rules)

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        if not isinstance(value, str):
            return (wrong_kind(self, kind_of(value), at),)
        found = sized(len(value), self.shortest, self.longest, "characters", at, "string")
        if not self.rules:
            return found
        broken = [issue(at, code, want, "string") for code, want, ok in self.rules if not ok(value)]
        return [*found, *broken]


class AskNode:
    """Asks msgspec: kinds carried as text. *holds* adds what msgspec does not check."""

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
        except (msgspec.MsgspecError, ValueError):
            return False
        return self.holds is None or self.holds(decoded)


class LiteralNode:
    """Takes certain values, compared by type and value."""

    def __init__(self, values: Sequence[Any], code: str = "literal") -> None:
        self.values = tuple(values)
        self.code = code
        self.kinds = frozenset(kind_of(v) for v in values)
        self.expected = "one of " + ", ".join(_encode(v).decode() for v in values)

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        kind = kind_of(value)
        if kind not in self.kinds:
            return (wrong_kind(self, kind, at),)
        if any(type(v) is type(value) and v == value for v in self.values):
            return ()
        return (issue(at, self.code, self.expected, kind),)


class RuledNode:
    """Takes what another node takes, and what code says of the value as it is decoded."""

    def __init__(self, node: Node, rules: Sequence[tuple[Rule, Callable[[Any], object]]]) -> None:
        self.node = node
        self.rules = tuple(rules)
        self.kinds = node.kinds
        self.expected = node.expected
        self.read = reader(node)

    def look(self, value: Any, at: At) -> Sequence[Todo]:
        found = self.node.look(value, at)
        if any(isinstance(each, Issue) and each.code in _NO_VALUE for each in found):
            return found
        decoded, kind = self.read(value), kind_of(value)
        broken = [
            issue(at, rule.code if answer is False else "check", rule.message, kind)
            for rule, fn in self.rules
            if (answer := run(fn, decoded)) is not True
        ]
        return [*found, *broken]


_NO_VALUE = frozenset({"kind", "null", "format", "literal", "enum"})
"""After these there is no value that code could be asked about."""


def reader(node: Node) -> Callable[[Any], Any]:
    """Give what makes of plain data the value that a handler would see."""
    if isinstance(node, RuledNode):
        return node.read
    if isinstance(node, AskNode):
        decode = node.decoder.decode
        return lambda value: decode(_encode(value))
    if isinstance(node, NumberNode) and "number" in node.kinds:
        return float
    return lambda value: value
