"""Leaves out what is marked `Sensitive` before anything is recorded (GT-19).

The places are compiled once from the type. Where a value does not conform, the rules of
all branches apply: rather too much is left out than too little.
"""

from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect as mi

from runtime.gtype.depth import too_deep
from runtime.gtype.hints import strip
from runtime.gtype.sensitive import REDACTED

K = TypeVar("K", str, int)

_plain: Final = msgspec.json.Decoder()


class _Rule:
    """What to leave out within a value; a graph, since types may contain themselves."""

    def __init__(self) -> None:
        self.whole = False
        self.fields: dict[str, list[_Rule]] = {}
        self.positions: dict[int, list[_Rule]] = {}
        self.inner: list[_Rule] = []
        """For every item of an array and every value of a map."""

    def children(self) -> list["_Rule"]:
        """All rules directly below."""
        named = [*self.fields.values(), *self.positions.values(), self.inner]
        return [rule for rules in named for rule in rules]

    def keep(self, worth: set[int]) -> None:
        """Drop the rules below whose id is not in *worth*."""
        self.fields = _kept(self.fields, worth)
        self.positions = _kept(self.positions, worth)
        self.inner = [rule for rule in self.inner if id(rule) in worth]


def _kept(named: dict[K, list[_Rule]], worth: set[int]) -> dict[K, list[_Rule]]:
    kept = {name: [r for r in rules if id(r) in worth] for name, rules in named.items()}
    return {name: rules for name, rules in kept.items() if rules}


class Redactor:
    """Turns the text of a body into what may be recorded of it."""

    __slots__ = ("_rules", "paths")

    def __init__(self, rules: list[_Rule], paths: tuple[str, ...]) -> None:
        self._rules = rules
        self.paths = paths
        """Where Sensitive values stand, such as `/items/*/card`; recursion is cut."""

    def __call__(self, raw: bytes) -> Any:
        """Read *raw* as plain data without its sensitive parts.

        None stands for what cannot be read and may hold something sensitive.

        Raises:
            ValueError: it cannot be read, and its type has nothing Sensitive.
        """
        try:
            if too_deep(raw):
                raise ValueError(raw[:0])  # noqa: TRY301 - as what the decoder raises
            plain = _plain.decode(raw)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            if self.paths:
                return None
            raise ValueError("not JSON") from None  # noqa: TRY003 - read by nobody
        return _apply(self._rules, plain) if self.paths else plain


def redactor(info: mi.Type) -> Redactor:
    """Compile what must be left out of values of a type."""
    root = _rule(info, {})
    _prune(root)
    paths = tuple(dict.fromkeys(_paths([root], "", frozenset())))
    return Redactor([root], paths)


def _rule(info: mi.Type, made: dict[tuple[int, bool], _Rule]) -> _Rule:
    info, marked = strip(info)
    known = made.get((id(info), marked))
    if known is not None:
        return known
    rule = made[id(info), marked] = _Rule()
    rule.whole = marked
    _fill(rule, info, made)
    return rule


def _fill(rule: _Rule, info: mi.Type, made: dict[tuple[int, bool], _Rule]) -> None:
    match info:
        case mi.UnionType():
            for member in info.types:
                _merge(rule, _rule(member, made))
        case mi.TupleType():
            rule.positions = {n: [_rule(t, made)] for n, t in enumerate(info.item_types)}
        case mi.DictType():
            rule.inner = [_rule(info.value_type, made)]
        case mi.CollectionType():
            rule.inner = [_rule(info.item_type, made)]
        case mi.NamedTupleType():
            rule.positions = {n: [_rule(f.type, made)] for n, f in enumerate(info.fields)}
        case mi.StructType() if info.array_like:
            first = 0 if info.tag is None else 1
            rule.positions = {
                n: [_rule(f.type, made)] for n, f in enumerate(info.fields, start=first)
            }
        case mi.StructType() | mi.DataclassType() | mi.TypedDictType():
            rule.fields = {f.encode_name: [_rule(f.type, made)] for f in info.fields}
        case _:
            pass


def _merge(into: _Rule, other: _Rule) -> None:
    """Let *into* leave out what *other* leaves out."""
    into.whole = into.whole or other.whole
    for name, rules in other.fields.items():
        into.fields.setdefault(name, []).extend(rules)
    for n, rules in other.positions.items():
        into.positions.setdefault(n, []).extend(rules)
    into.inner.extend(other.inner)


def _paths(rules: list[_Rule], path: str, above: frozenset[int]) -> list[str]:
    found: list[str] = []
    for rule in rules:
        if rule.whole:
            found.append(path)
        elif id(rule) not in above:
            inside = above | {id(rule)}
            for name, inner in rule.fields.items():
                found += _paths(inner, f"{path}/{name}", inside)
            for n, inner in rule.positions.items():
                found += _paths(inner, f"{path}/{n}", inside)
            found += _paths(rule.inner, f"{path}/*", inside)
    return found


def _prune(root: _Rule) -> None:
    """Drop what leads to nothing Sensitive, so that only worthwhile places are visited."""
    rules: dict[int, _Rule] = {}
    todo = [root]
    while todo:
        rule = todo.pop()
        if id(rule) not in rules:
            rules[id(rule)] = rule
            todo += rule.children()
    worth = {i for i, rule in rules.items() if rule.whole}
    grown = True
    while grown:
        more = {i for i, r in rules.items() if any(id(c) in worth for c in r.children())}
        grown = not more <= worth
        worth |= more
    for rule in rules.values():
        rule.keep(worth)


def _apply(rules: list[_Rule], value: Any) -> Any:
    """Take what *rules* leave out from *value*, in place; its depth is bounded by `too_deep`."""
    for rule in rules:
        if rule.whole:
            return REDACTED
        if isinstance(value, dict):
            _apply_object(rule, value)
        elif isinstance(value, list):
            _apply_array(rule, value)
    return value


def _apply_object(rule: _Rule, value: dict[str, Any]) -> None:
    for name, inner in rule.fields.items():
        if name in value:
            value[name] = _apply(inner, value[name])
    if rule.inner:
        for name, item in value.items():
            value[name] = _apply(rule.inner, item)


def _apply_array(rule: _Rule, value: list[Any]) -> None:
    for n, inner in rule.positions.items():
        if n < len(value):
            value[n] = _apply(inner, value[n])
    if rule.inner:
        value[:] = [_apply(rule.inner, item) for item in value]
