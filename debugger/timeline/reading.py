"""Characters of a filter, and the values in it (TM-7).

A term that begins like a place (`state.total`), a function (`len(`), or a constant with a
comparison behind it is read here; all else is a field or a word.
"""

import re
from collections.abc import Collection
from decimal import Decimal
from typing import NoReturn

from debugger.errors import FilterError
from debugger.timeline.predicate import Comparing, Holding, Predicate
from debugger.timeline.printable import printable, width
from debugger.timeline.values import (
    ESCAPE,
    FUNCTIONS,
    ROOTS,
    Call,
    Constant,
    Place,
    Step,
    Value,
    unquoted,
)

MOST_BYTES = 4_096
MOST_NODES = 200
MOST_DEPTH = 32

WORD = re.compile(r"[^\s\"(),]+")
_STRING = re.compile(rf'"((?:[^"\\]|{ESCAPE})*)"')
_COMPARES = r"(?:==|!=|<=|>=|<|>|(?:in|contains)(?=[\s\"\[]|$))"
_OP = re.compile(_COMPARES)
_CALL = re.compile(rf"({'|'.join(FUNCTIONS)})\(")
_ROOT = re.compile(rf"({'|'.join(ROOTS)})(?=[.\[]|\s*{_COMPARES})")
_ANY_ROOT = re.compile(rf"({'|'.join(ROOTS)})(?![A-Za-z0-9_])")
_NUMBER = re.compile(r"(-?\d{1,15}(?:\.\d{1,15})?)(us|ms|s|min|m|h|d)?(?![A-Za-z0-9_.])", re.ASCII)
_LITERAL = re.compile(
    rf"(?:{_NUMBER.pattern}|true|false|null|{_STRING.pattern})\s*{_COMPARES}", re.ASCII
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INDEX = re.compile(r"\d{1,9}", re.ASCII)
_UNITS = {
    None: "1", "us": "0.000001", "ms": "0.001", "s": "1", "m": "60", "min": "60", "h": "3600",
    "d": "86400",
}  # fmt: skip
_CONSTANTS = {"true": True, "false": False, "null": None}


class Reader:
    """A place in the text, moved forward by each rule of the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._nodes = 0
        self._depth = 0

    def _done(self) -> bool:
        return self._at >= len(self._text)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _blanks(self) -> None:
        while not self._done() and self._text[self._at].isspace():
            self._at += 1

    def _sees(self, keyword: str) -> bool:
        match = WORD.match(self._text, self._at)
        return match is not None and match[0] == keyword

    def _keyword(self, keyword: str) -> bool:
        if not self._sees(keyword):
            return False
        self._at += len(keyword)
        self._blanks()
        return True

    def _node(self, predicate: Predicate) -> Predicate:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._fail(f"at most {MOST_NODES} terms")
        return predicate

    def _fail(self, expected: str, *, at: int | None = None, remedy: str = "") -> NoReturn:
        before = printable(self._text[: self._at if at is None else at])
        raise FilterError(printable(self._text), width(before), f"expected {expected}", remedy)

    def _string(self) -> str:
        match = _STRING.match(self._text, self._at)
        if match is None:
            self._fail('a closing `"`', at=len(self._text))
        self._at = match.end()
        return unquoted(match[1])

    def _pass(self, text: str) -> None:
        if not self._text.startswith(text, self._at):
            self._fail(f"`{text}`")
        self._at += len(text)


class ValueReader(Reader):
    """Reads comparisons.

    Args:
        text: the filter.
        roots: of places that may be asked for here.
    """

    def __init__(self, text: str, roots: Collection[str]) -> None:
        super().__init__(text)
        self._roots = roots

    def _comparison(self) -> Predicate | None:
        """Read a comparison, or a value alone; None: the term is something else."""
        here = self._text, self._at
        if not (_CALL.match(*here) or _ROOT.match(*here) or _LITERAL.match(*here)
                or self._peek() == "["):  # fmt: skip
            return None
        left = self._operand()
        match = _OP.match(self._text, self._at)
        if match is None:
            self._blanks()
            return Holding(left)
        self._at = match.end()
        self._blanks()
        return Comparing(left, match[0], self._operand())

    def _operand(self) -> Value:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            self._fail(f"at most {MOST_DEPTH} levels")
        try:
            return self._counted(self._one_value())
        finally:
            self._depth -= 1
            self._blanks()

    def _counted(self, value: Value) -> Value:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._fail(f"at most {MOST_NODES} terms")
        return value

    def _one_value(self) -> Value:
        if match := _CALL.match(self._text, self._at):
            self._at = match.end()
            self._blanks()
            inner = self._operand()
            self._pass(")")
            return Call(match[1], inner)
        if match := _ANY_ROOT.match(self._text, self._at):
            if match[1] not in self._roots:
                self._no_such_root(match[1])
            self._at = match.end()
            return Place(match[1], self._steps())
        return self._constant()

    def _no_such_root(self, root: str) -> NoReturn:
        known = ", ".join(f"`{each}`" for each in self._roots)
        remedy = f"Here are {known}." if known else "Lists know fields only; facts have places."
        self._fail(f"no `{root}` here", remedy=f"{remedy} Put other text in quotes.")

    def _steps(self) -> tuple[Step, ...]:
        steps: list[Step] = []
        while self._peek() in (".", "["):
            if self._peek() == ".":
                self._at += 1
                match = _NAME.match(self._text, self._at)
                if match is None:
                    self._fail('a name; write others as ["odd name"]')
                self._at = match.end()
                steps.append(match[0])
            else:
                self._at += 1
                steps.append(self._inside())
                self._pass("]")
        return tuple(steps)

    def _inside(self) -> Step:
        if self._peek() == "*":
            self._at += 1
            return None
        if self._peek() == '"':
            return self._string()
        match = _INDEX.match(self._text, self._at)
        if match is None:
            self._fail("an index, `*`, or a name in quotes")
        self._at = match.end()
        return int(match[0])

    def _constant(self) -> Constant:
        if self._peek() == '"':
            return Constant(self._string())
        if self._peek() == "[":
            return self._list()
        if match := _NUMBER.match(self._text, self._at):
            self._at = match.end()
            # Durations are seconds, as everywhere.
            return Constant(Decimal(match[1]) * Decimal(_UNITS[match[2]]))
        match = _NAME.match(self._text, self._at)
        if match is None or match[0] not in _CONSTANTS:
            self._fail('a value, such as 400, "text", true, null, [1, 2] or state.total')
        self._at = match.end()
        return Constant(_CONSTANTS[match[0]])

    def _list(self) -> Constant:
        self._pass("[")
        self._blanks()
        items: list[Constant] = []
        while self._peek() != "]":
            if items:
                self._pass(",")
                self._blanks()
            found = self._operand()
            if not isinstance(found, Constant):
                self._fail("a constant; lists hold no places")
            items.append(found)
        self._pass("]")
        return Constant(tuple(items))
