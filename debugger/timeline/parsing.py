"""Read a filter. Its own parser: nothing in a filter is ever evaluated (TM-9)."""

import difflib
import re
from typing import NoReturn

from debugger.errors import FilterError
from debugger.timeline.predicate import (
    EVERYTHING,
    And,
    Field,
    Fields,
    Not,
    Or,
    Predicate,
    Test,
    Word,
)
from debugger.timeline.printable import printable, width
from debugger.timeline.quantities import instant_us, number, span_us

MOST_BYTES = 4_096
MOST_NODES = 200
MOST_DEPTH = 32

_WORD = re.compile(r"[^\s\"(),]+")
_FIELD = re.compile(r"([A-Za-z_]+):")
_OPS = re.compile(r"<=|>=|<|>")
_STRING = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_EXPECTED = {
    "number": "a number, such as 500 or >=400",
    "span": "a duration, such as >10ms or <2s",
    "since": "a time, such as 15m, 12:03 or 2026-10-01",
    "until": "a time, such as 15m, 12:03 or 2026-10-01",
    "text": "a value",
}


def parse(text: str, fields: Fields) -> Predicate:
    """Read a filter on *fields*; nothing but blanks matches everything.

    Raises:
        FilterError: shows the text, a caret under the fault, and what was expected.
    """
    reader = _Reader(text, fields)
    reader.check_size()
    return reader.everything()


class _Reader:
    """A place in the text, moved forward by each rule of the grammar."""

    def __init__(self, text: str, fields: Fields) -> None:
        self._text = text
        self._fields = fields
        self._at = 0
        self._nodes = 0
        self._depth = 0

    def check_size(self) -> None:
        if len(self._text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
            self._text = self._text[:60]
            self._fail(f"a filter of at most {MOST_BYTES} bytes", at=60)

    def everything(self) -> Predicate:
        self._blanks()
        if self._done():
            return EVERYTHING
        found = self._either()
        if not self._done():
            self._fail("a term, `or`, or the end")
        return found

    # --- the grammar: either = all { "or" all }; all = one { ["and"] one } ---

    def _either(self) -> Predicate:
        found = [self._all()]
        while self._keyword("or"):
            found.append(self._all())
        return found[0] if len(found) == 1 else self._node(Or(tuple(found)))

    def _all(self) -> Predicate:
        found = [self._one()]
        while not self._done() and self._peek() != ")" and not self._sees("or"):
            self._keyword("and")
            found.append(self._one())
        return found[0] if len(found) == 1 else self._node(And(tuple(found)))

    def _one(self) -> Predicate:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            self._fail(f"at most {MOST_DEPTH} levels")
        try:
            return self._negated_or_term()
        finally:
            self._depth -= 1

    def _negated_or_term(self) -> Predicate:
        if self._peek() == "!":
            self._at += 1
            self._blanks()
            return self._node(Not(self._one()))
        if self._keyword("not"):
            return self._node(Not(self._one()))
        if self._peek() == "(":
            self._at += 1
            self._blanks()
            found = self._either()
            if self._peek() != ")":
                self._fail("`)`")
            self._at += 1
            self._blanks()
            return found
        return self._node(self._term())

    def _term(self) -> Predicate:
        if self._sees("or") or self._sees("and"):
            self._fail("a term; put the word in quotes to look for it")
        match = _FIELD.match(self._text, self._at)
        if match is None:
            return Word(self._value("a word, `field:value`, `!` or `(`"))
        name = match[1]
        if name not in self._fields:
            self._unknown_field(name)
        self._at = match.end()
        tests = [self._test(name)]
        while self._peek() == ",":
            self._at += 1
            tests.append(self._test(name))
        self._blanks()
        return Field(name, tuple(tests))

    def _unknown_field(self, name: str) -> NoReturn:
        near = difflib.get_close_matches(name, self._fields, 1)
        hint = f"Did you mean `{near[0]}:`? " if near else ""
        known = f"Fields: {', '.join(sorted(self._fields))}."
        self._fail("a field's name", remedy=f"{hint}{known} Put other text in quotes.")

    def _test(self, name: str) -> Test:
        kind = self._fields[name]
        match = _OPS.match(self._text, self._at) if kind not in ("since", "until") else None
        start = self._at = match.end() if match else self._at
        text = self._value(_EXPECTED[kind], blanks=False)
        if not _fits(text, kind, compared=match is not None):
            self._fail(_EXPECTED[kind], at=start)
        return Test(match[0] if match else "", text)

    def _value(self, expected: str, *, blanks: bool = True) -> str:
        if self._peek() == '"':
            match = _STRING.match(self._text, self._at)
            if match is None:
                self._fail('a closing `"`', at=len(self._text))
            text = re.sub(r"\\(.)", r"\1", match[1])
        else:
            match = _WORD.match(self._text, self._at)
            if match is None:
                self._fail(expected)
            text = match[0]
        self._at = match.end()
        if blanks:
            self._blanks()
        return text

    # --- characters ---

    def _done(self) -> bool:
        return self._at >= len(self._text)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _blanks(self) -> None:
        while not self._done() and self._text[self._at].isspace():
            self._at += 1

    def _sees(self, keyword: str) -> bool:
        match = _WORD.match(self._text, self._at)
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


def _fits(text: str, kind: str, *, compared: bool) -> bool:
    if kind == "text":
        return True
    if kind in ("since", "until"):
        return instant_us(text, 0) is not None
    if not compared and kind == "number" and re.fullmatch(r"[\d*?]+", text):
        return True
    return (span_us(text) if kind == "span" else number(text)) is not None
