"""Values in a filter: places in a moment, constants, and how they compare (TM-7, TM-8).

A comparison is true, false or unknown. What was redacted or forgotten, and kinds that do
not compare, are unknown with the reason: no match, and no `not` of it either. Nothing is
ever evaluated but what stands here (TM-9).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from debugger.timeline.pointers import ABSENT, child, envelope, parts
from debugger.timeline.printable import escape, is_hidden
from eventstore.values import same

ROOTS = ("state", "old", "fact", "request", "response", "error")
"""What a place begins with. `state` is after the fact, `old` before it."""
FUNCTIONS = ("len", "exists", "changed", "lower")
MOST_VISITED = 10_000
"""Values looked at for one answer; more say unknown."""

Step: TypeAlias = str | int | None
"""A name, an index, or None for any (`*`)."""


class Unknown(msgspec.Struct, frozen=True):
    """Neither true nor false, and why."""

    reason: str

    def __bool__(self) -> bool:
        return False


Answer: TypeAlias = bool | Unknown


class Constant(msgspec.Struct, frozen=True, tag=True):
    """A value that is written out."""

    value: "Decimal | str | bool | tuple[Constant, ...] | None"

    def __str__(self) -> str:
        value = self.value
        if isinstance(value, tuple):
            return "[" + ", ".join(map(str, value)) + "]"
        if isinstance(value, bool) or value is None:
            return {True: "true", False: "false", None: "null"}[value]
        return format(value, "f") if isinstance(value, Decimal) else quoted(value)


class Place(msgspec.Struct, frozen=True, tag=True):
    """A place below a root."""

    root: str
    steps: tuple[Step, ...] = ()

    def __str__(self) -> str:
        return self.root + "".join(map(_step_text, self.steps))


class Call(msgspec.Struct, frozen=True, tag=True):
    """A function of a value."""

    name: str
    of: "Value"

    def __str__(self) -> str:
        return f"{self.name}({self.of})"


Value: TypeAlias = Constant | Place | Call


def quoted(text: str) -> str:
    """Write a text so that it reads back the same, and can be shown as it is (RN-2)."""
    kept = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(escape(c) if is_hidden(c) else c for c in kept) + '"'


ESCAPE = r'\\(?:["\\nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U000[0-9a-f]{5}|U0010[0-9a-f]{4})'
"""What `quoted` writes for a character that cannot stand for itself."""
_SHORT = {"n": "\n", "r": "\r", "t": "\t"}


def unquoted(text: str) -> str:
    """Return what *text*, the inside of a quoted one, means."""

    def character(found: re.Match[str]) -> str:
        what = found[0][1:]
        return chr(int(what[1:], 16)) if len(what) > 1 else _SHORT.get(what, what)

    return re.sub(ESCAPE, character, text)


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _step_text(step: Step) -> str:
    if step is None:
        return "[*]"
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _NAME.fullmatch(step) else f"[{quoted(step)}]"


# --- what a moment says ---


class Asking:
    """One question to one moment.

    Args:
        root: gives the encoded value of a root, or `ABSENT`.
    """

    def __init__(self, root: Callable[[str], Any]) -> None:
        self._root = root
        self._visited = 0

    def compare(self, left: Value, op: str, right: Value) -> Answer:
        """Hold two values against each other; of places with `*` any will do."""
        try:
            ones, others = list(self._all(left)), list(self._all(right))
            return self._any(_compared(one, op, other) for one in ones for other in others)
        except _Undecided as why:
            return Unknown(str(why))

    def holds(self, value: Value) -> Answer:
        """Say whether a value alone is true; it must be a boolean."""
        try:
            return self._any(_truth(each) for each in self._all(value))
        except _Undecided as why:
            return Unknown(str(why))

    def values(self, value: Value) -> list[Any] | Unknown:
        """Give what *value* is here, to be shown: encoded values, or `ABSENT`."""
        try:
            if isinstance(value, Place):
                return list(self._at(self._root(value.root), value.steps))
            return [_shown(each) for each in self._all(value)]
        except _Undecided as why:
            return Unknown(str(why))

    def _any(self, answers: Iterator[Answer]) -> Answer:
        unknown: Unknown | None = None
        for answer in answers:
            self._count()
            if answer is True:
                return True
            if isinstance(answer, Unknown):
                unknown = unknown or answer
        return unknown if unknown is not None else False

    def _count(self) -> None:
        self._visited += 1
        if self._visited > MOST_VISITED:
            raise _Undecided(_TOO_MANY)

    def _all(self, value: Value) -> Iterator[Any]:
        """Give what *value* means here: plain values, encoded trees, `ABSENT`."""
        match value:
            case Constant():
                yield plain_of(value)
            case Place():
                yield from map(plain, self._at(self._root(value.root), value.steps))
            case Call(name="changed"):
                yield self._changed(value.of)
            case Call():
                yield from (_called(value.name, each) for each in self._all(value.of))

    def _at(self, tree: Any, steps: Sequence[Step]) -> Iterator[Any]:
        self._count()
        if not steps or tree is ABSENT:
            yield tree
            return
        if envelope(tree) in _HIDDEN:
            yield tree
            return
        step, rest = steps[0], steps[1:]
        if step is None:
            inside = parts(tree)
            items = list(inside.values()) if isinstance(inside, Mapping) else inside or []
            for item in items:
                yield from self._at(item, rest)
            return
        yield from self._at(child(tree, str(step)), rest)

    def _changed(self, of: Value) -> bool:
        if not isinstance(of, Place):
            raise _Undecided(_NO_PLACE)
        now, then = (list(self._at(self._root(root), of.steps)) for root in ("state", "old"))
        return len(now) != len(then) or any(
            not _same(one, other) for one, other in zip(now, then, strict=True)
        )


class _Undecided(Exception):
    """Ends a question whose answer is unknown; its text is the reason."""


_TOO_MANY = "more values than are looked at"
_NO_PLACE = "only a place of the state can have changed"
_HIDDEN = {"$redacted": "redacted", "$sealed": "sealed", "$forgotten": "forgotten"}
_TEXTS = frozenset({"$date", "$uuid", "$datetime", "$time"})


def _same(one: Any, other: Any) -> bool:
    if one is ABSENT or other is ABSENT:
        return one is other
    return same(one, other)


def _shown(value: Any) -> Any:
    """Return a plain value as an encoded one."""
    if isinstance(value, list):
        return [_shown(each) for each in value]
    return {"$decimal": str(value)} if isinstance(value, Decimal) else value


def plain_of(constant: Constant) -> Any:
    """Return the value that a constant stands for."""
    value = constant.value
    return [plain_of(each) for each in value] if isinstance(value, tuple) else value


def plain(tree: Any) -> Any:
    """Return what an encoded value compares as: number, text, boolean, None; else itself."""
    if isinstance(tree, bool) or tree is None or isinstance(tree, str):
        return tree
    if isinstance(tree, int | float):
        return Decimal(str(tree)) if isinstance(tree, float) else Decimal(tree)
    match envelope(tree):
        case "$decimal":
            return Decimal(tree["$decimal"])
        case "$int":
            return Decimal(int(tree["$int"], 16)) if len(tree["$int"]) <= 4096 else tree
        case tag if tag in _TEXTS and isinstance(tree[tag], str):
            return tree[tag]
        case _:
            return tree


def kind_of(value: Any) -> str:
    """Name the kind of a plain value."""
    if value is ABSENT or value is None:
        return "null" if value is None else "absent"
    for cls, name in _KINDS:
        if isinstance(value, cls):
            return name
    return _HIDDEN.get(envelope(value) or "", "object")


_KINDS = ((bool, "boolean"), (Decimal, "number"), (str, "text"), (list, "list"))


def _truth(value: Any) -> Answer:
    if isinstance(value, bool):
        return value
    if value is ABSENT:
        return False
    kind = kind_of(value)
    return Unknown(kind if kind in _HIDDEN.values() else f"{kind} is not true or false")


def _called(name: str, value: Any) -> Any:
    kind = kind_of(value)
    if name == "exists":
        return value is not ABSENT
    if value is ABSENT:
        return ABSENT
    if name == "lower":
        return value.lower() if isinstance(value, str) else value
    if isinstance(value, str):
        return Decimal(len(value))
    inside = value if isinstance(value, list) else parts(value)
    if inside is None:
        raise _Undecided(kind if kind in _HIDDEN.values() else f"{kind} has no length")
    return Decimal(len(inside))


def _compared(one: Any, op: str, other: Any) -> Answer:
    kinds = kind_of(one), kind_of(other)
    for kind in kinds:
        if kind in _HIDDEN.values():
            return Unknown(kind)
    if "absent" in kinds:
        return False
    match op:
        case "in":
            return _holds_in(one, other)
        case "contains":
            return _holds_in(other, one)
        case "==" | "!=":
            equal = _equal(one, other)
            return equal if isinstance(equal, Unknown) else equal is (op == "==")
        case _:
            return _in_order(one, op, other)


def _in_order(one: Any, op: str, other: Any) -> Answer:
    kinds = kind_of(one), kind_of(other)
    if kinds[0] != kinds[1] or kinds[0] not in ("number", "text"):
        return Unknown(f"{kinds[0]} and {kinds[1]} do not compare")
    if one != one or other != other:  # noqa: PLR0124 - a NaN
        return False
    return _ORDERED[op](one, other)


_ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}


def _equal(one: Any, other: Any) -> Answer:
    kinds = kind_of(one), kind_of(other)
    if "null" in kinds:
        return kinds[0] == kinds[1]
    if kinds[0] != kinds[1] or kinds[0] == "object":
        return Unknown(f"{kinds[0]} and {kinds[1]} do not compare")
    if kinds[0] != "list":
        return bool(one == other)
    answers = [_equal(plain(a), plain(b)) for a, b in zip(one, other, strict=False)]
    if len(one) != len(other) or False in answers:
        return False
    return next((each for each in answers if isinstance(each, Unknown)), True)


def _holds_in(item: Any, holder: Any) -> Answer:
    if isinstance(holder, str):
        same_kind = isinstance(item, str)
        return item in holder if same_kind else Unknown(f"{kind_of(item)} in text")
    inside = holder if isinstance(holder, list) else parts(holder)
    if inside is None:
        return Unknown(f"{kind_of(holder)} holds nothing")
    if isinstance(inside, Mapping):
        return isinstance(item, str) and item in inside
    answers = [_equal(item, plain(each)) for each in inside]
    if True in answers:
        return True
    # Items of another kind are not the one that is looked for.
    hidden = (each for each in answers if isinstance(each, Unknown) and " " not in each.reason)
    return next(hidden, False)
