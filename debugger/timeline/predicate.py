"""One small language that picks requests and facts (TM-7).

    status:500 route:/orders* dur:>10ms !principal:ann
    kind:context.set,context.edited key:total
    state.total > 400 or changed(state.lines[*].net)
    "POST /orders" or KeyError

Blanks mean *and*. A field takes one or more tests, any of which may hold; `*` and `?`
match. A lone word is looked for in the columns shown. A field that has no value matches
nothing, not even `!=`-like comparisons: absent is not zero.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import msgspec

from debugger.timeline.printable import printable
from debugger.timeline.quantities import instant_us, number, span_us
from debugger.timeline.values import ROOTS, Answer, Asking, Unknown, Value, quoted
from runtime.globs import glob

Op = str
"""`` for equality, else `<`, `<=`, `>`, `>=`."""


class Test(msgspec.Struct, frozen=True):
    """What a field is held against."""

    __test__ = False  # not one of pytest's

    op: Op
    text: str


class Field(msgspec.Struct, frozen=True, tag=True):
    """One field; any of the tests may hold."""

    name: str
    tests: tuple[Test, ...]

    def __str__(self) -> str:
        tests = ",".join(test.op + _quoted(test.text) for test in self.tests)
        return f"{self.name}:{tests}"


class Word(msgspec.Struct, frozen=True, tag=True):
    """Text looked for in the columns shown."""

    text: str

    def __str__(self) -> str:
        return _quoted(self.text, lone=True)


class Not(msgspec.Struct, frozen=True, tag=True):
    """What must not hold."""

    of: "Predicate"

    def __str__(self) -> str:
        return f"!({self.of})" if isinstance(self.of, And | Or) else f"!{self.of}"


class And(msgspec.Struct, frozen=True, tag=True):
    """All must hold; without any, everything does."""

    of: tuple["Predicate", ...]

    def __str__(self) -> str:
        return " ".join(f"({p})" if isinstance(p, And | Or) else str(p) for p in self.of)


class Or(msgspec.Struct, frozen=True, tag=True):
    """One must hold."""

    of: tuple["Predicate", ...]

    def __str__(self) -> str:
        return " or ".join(f"({p})" if isinstance(p, Or) else str(p) for p in self.of)


class Comparing(msgspec.Struct, frozen=True, tag=True):
    """Two values held against each other."""

    left: Value
    op: str
    right: Value

    def __str__(self) -> str:
        return f"{self.left} {self.op} {self.right}"


class Holding(msgspec.Struct, frozen=True, tag=True):
    """A value that must be true."""

    of: Value

    def __str__(self) -> str:
        return str(self.of)


Predicate: TypeAlias = Field | Word | Not | And | Or | Comparing | Holding
EVERYTHING = And(())
"""The empty filter."""


class Subject(Protocol):
    """What a predicate is asked about."""

    def field(self, name: str) -> str | int | None:
        """Return the value of a field; None: it has none. Durations and times in µs."""
        ...

    def has(self, word: str) -> bool:
        """Say whether a shown column holds *word*, which is casefolded."""
        ...

    def columns(self) -> Sequence[str]:
        """Return the columns shown, for words with `*` or `?`."""
        ...

    def root(self, name: str) -> Any:
        """Return the encoded value of a root of places, or `ABSENT`."""
        ...


Fields: TypeAlias = Mapping[str, str]
"""Name of a field to what its values are: text, number, span (µs), since or until (µs, not before
and not after)."""

REQUEST_FIELDS: Fields = {
    "id": "text",
    "status": "number",
    "route": "text",
    "handler": "text",
    "version": "text",
    "outcome": "text",
    "method": "text",
    "path": "text",
    "principal": "text",
    "since": "since",
    "until": "until",
    "dur": "span",
    "facts": "number",
}
FACT_FIELDS: Fields = {
    **{name: kind for name, kind in REQUEST_FIELDS.items() if name != "facts"},
    "kind": "text",
    "key": "text",
    "line": "text",
    "hook": "text",
    "level": "text",
    "effect": "text",
    "error": "text",
    "phase": "text",
    "stream": "text",
}
FACT_ROOTS = ("fact", "error")
"""Places that a fact alone knows."""
MOMENT_ROOTS = ROOTS
"""Places that a moment of a history knows."""


def matches(predicate: Predicate, subject: Subject, fields: Fields, now_us: int) -> bool:
    """Say whether *predicate*, which was parsed with *fields*, holds of *subject*.

    What is unknown does not.
    """
    return judge(predicate, subject, fields, now_us) is True


def judge(predicate: Predicate, subject: Subject, fields: Fields, now_us: int) -> Answer:
    """Say whether *predicate* holds of *subject*, or why that is unknown (TM-8)."""
    match predicate:
        case Field():
            return _field_holds(predicate, subject, fields, now_us)
        case Word(text=text):
            return _word_stands(text, subject)
        case Comparing() | Holding():
            return _of_values(predicate, subject)
        case Not(of=inner):
            return _not(judge(inner, subject, fields, now_us))
        case And(of=all_of):
            return _first((judge(each, subject, fields, now_us) for each in all_of), decides=False)
        case Or(of=any_of):
            return _first((judge(each, subject, fields, now_us) for each in any_of), decides=True)


def has_words(predicate: Predicate) -> bool:
    """Say whether *predicate* looks for words in what is shown."""
    match predicate:
        case Word():
            return True
        case Not(of=inner):
            return has_words(inner)
        case And(of=parts) | Or(of=parts):
            return any(map(has_words, parts))
        case _:
            return False


def _not(answer: Answer) -> Answer:
    return answer if isinstance(answer, Unknown) else not answer


def _word_stands(text: str, subject: Subject) -> bool:
    if _is_glob(text):
        return any(glob(text).fullmatch(column) for column in subject.columns())
    return subject.has(text.casefold())


def _of_values(predicate: Comparing | Holding, subject: Subject) -> Answer:
    asking = Asking(subject.root)
    if isinstance(predicate, Holding):
        return asking.holds(predicate.of)
    return asking.compare(predicate.left, predicate.op, predicate.right)


def _first(answers: Iterator[Answer], *, decides: bool) -> Answer:
    """Join answers: one that *decides* ends it, else what is unknown makes all unknown."""
    unknown: Unknown | None = None
    for answer in answers:
        if isinstance(answer, Unknown):
            unknown = unknown or answer
        elif answer is decides:
            return decides
    return unknown if unknown is not None else not decides


def _field_holds(field: Field, subject: Subject, fields: Fields, now_us: int) -> bool:
    kind = fields[field.name]
    value = subject.field(field.name)
    return value is not None and any(_holds(test, value, kind, now_us) for test in field.tests)


def _holds(test: Test, value: str | int, kind: str, now_us: int) -> bool:
    if kind in ("since", "until"):
        asked = instant_us(test.text, now_us)
        return asked is not None and (
            int(value) >= asked if kind == "since" else int(value) <= asked
        )
    if _is_glob(test.text):
        return _text_holds(test.text, str(value))
    if kind == "text":
        return _compares(test.op, str(value).casefold(), test.text.casefold()) or (
            not test.op and _text_holds(test.text, str(value))
        )
    wanted = span_us(test.text) if kind == "span" else number(test.text)
    return wanted is not None and _compares(test.op, float(value), float(wanted))


def _compares(op: Op, value: str | float, wanted: str | float) -> bool:
    # Both are of one type: text with text, number with number.
    match op:
        case "<":
            return value < wanted  # type: ignore[operator]
        case "<=":
            return value <= wanted  # type: ignore[operator]
        case ">":
            return value > wanted  # type: ignore[operator]
        case ">=":
            return value >= wanted  # type: ignore[operator]
        case _:
            return value == wanted


def _text_holds(wanted: str, value: str) -> bool:
    """Hold a text against all of *value*, or one of its words: `outcome:KeyError`."""
    if _is_glob(wanted):
        wants = glob(wanted)
        return any(wants.fullmatch(each) for each in (value, *value.split()))
    folded = wanted.casefold()
    return any(each.casefold() == folded for each in (value, *value.split()))


def _is_glob(text: str) -> bool:
    return "*" in text or "?" in text


_PLAIN = re.compile(r"[^\s\"(),<>=!][^\s\"(),]*")
_FIELD_LIKE = re.compile(rf"~|[A-Za-z_]+:|(?:{'|'.join(ROOTS)})[.\[]|\[|.*[<>=!]")
"""What is no word where it stands alone, so that it wants quotes when it is written out."""
_KEYWORDS = frozenset({"and", "or", "not", "in", "contains"})


def _quoted(text: str, *, lone: bool = False) -> str:
    plain = _PLAIN.fullmatch(text) is not None and printable(text) == text
    if lone:
        plain = plain and text not in _KEYWORDS and not _FIELD_LIKE.match(text)
    return text if plain else quoted(text)
