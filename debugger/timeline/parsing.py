"""Read a filter. Its own parser: nothing in a filter is ever evaluated (TM-9)."""

import difflib
import re
from collections.abc import Collection
from typing import NoReturn

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
from debugger.timeline.quantities import instant_us, number, span_us
from debugger.timeline.reading import MOST_BYTES, MOST_DEPTH, WORD, ValueReader

_FIELD = re.compile(r"([A-Za-z_]+):")
_OPS = re.compile(r"<=|>=|<|>")
_EXPECTED = {
    "number": "a number, such as 500 or >=400",
    "span": "a duration, such as >10ms or <2s",
    "since": "a time, such as 15m, 12:03 or 2026-10-01",
    "until": "a time, such as 15m, 12:03 or 2026-10-01",
    "text": "a value",
}


def parse(text: str, fields: Fields, roots: Collection[str] = ()) -> Predicate:
    """Read a filter on *fields*; nothing but blanks matches everything.

    Args:
        text: as a person wrote it.
        fields: that may be asked for.
        roots: of places that may be, such as `state`.

    Raises:
        FilterError: shows the text, a caret under the fault, and what was expected.
    """
    reader = _Reader(text, fields, roots)
    reader.check_size()
    return reader.everything()


class _Reader(ValueReader):
    """The grammar of filters."""

    def __init__(self, text: str, fields: Fields, roots: Collection[str]) -> None:
        super().__init__(text, roots)
        self._fields = fields

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
        if (compared := self._comparison()) is not None:
            return compared
        match = _FIELD.match(self._text, self._at)
        if self._peek() in tuple("<>=~"):
            self._fail("a term; a comparison stands behind a place, such as state.total > 400")
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
            text = self._string()
        else:
            match = WORD.match(self._text, self._at)
            if match is None:
                self._fail(expected)
            text = match[0]
            self._at = match.end()
        if blanks:
            self._blanks()
        return text


def _fits(text: str, kind: str, *, compared: bool) -> bool:
    if kind == "text":
        return True
    if kind in ("since", "until"):
        return instant_us(text, 0) is not None
    if not compared and kind == "number" and re.fullmatch(r"[\d*?]+", text):
        return True
    return (span_us(text) if kind == "span" else number(text)) is not None
