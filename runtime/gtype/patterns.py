"""Patterns that mean the same everywhere: the syntax RE2 and ECMA-262 share (GT-14).

RE2 matches in time linear to the text. What it alone understands, such as flags and
POSIX classes, and what the two read differently, is refused, or written so that it means to
a JSON Schema validator what it means here.

Source: RE2 `doc/syntax.txt`; ECMA-262 with the `u` flag, as JSON Schema 2020-12, 6.4 asks.
"""

import re
from collections.abc import Callable
from typing import Final

import re2

from runtime.errors import PatternSyntaxError

_PLAIN = frozenset("^$\\.*+?()[]{}|/")
_CLASSES = frozenset("dDwW")
_CONTROLS = frozenset("tnrfv")
_SPACES = r"\t\n\f\r "
_TIMES = re.compile(r"\{(\d{1,4})(,\d{0,4})?\}", re.ASCII)
_PROPERTY = re.compile(r"[pP]\{[A-Z][a-z]?\}", re.ASCII)
_HEX = re.compile(r"x[0-9a-fA-F]{2}", re.ASCII)
_QUANTIFIERS: Final = "*+?"


def matcher(regex: str) -> Callable[[str], bool]:
    """Compile *regex* to a test of whole texts.

    Raises:
        PatternSyntaxError: RE2 cannot run it, or others would read it differently.
    """
    to_ecma(regex)
    options = re2.Options()
    options.log_errors = False
    try:
        match = re2.compile(regex, options).fullmatch
    except re2.error as error:
        raise PatternSyntaxError(pattern=regex, fault=f"RE2 refuses it: {_words(error)}") from None
    return lambda text: match(text) is not None


def to_ecma(regex: str) -> str:
    """Write *regex* so that ECMA-262 reads it as RE2 does.

    Raises:
        PatternSyntaxError: it holds something the two do not share.
    """
    return _Scanner(regex).written()


def _words(error: Exception) -> str:
    word = error.args[0] if error.args else ""
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)


class _Scanner:
    """Goes through a pattern once, from left to right."""

    def __init__(self, regex: str) -> None:
        self.regex = regex
        self.at = 0
        self.out: list[str] = []
        self.quantified = True
        """Nothing stands before that could be repeated."""

    def written(self) -> str:
        while self.at < len(self.regex):
            self._step(self.regex[self.at])
        return "".join(self.out)

    def _step(self, char: str) -> None:
        match char:
            case "\\":
                self._put(self._escape(inside=False))
            case "[":
                self._class()
            case "(":
                self._open()
            case "*" | "+" | "?" | "{":
                self._repeat()
            case "]" | "}":
                raise self._refused(what=f"a lone {char}", remedy=f"Write \\{char}.")
            case "|" | "^" | "$":
                self._take(1, repeatable=False)
            case ".":
                self.at += 1
                self._put(r"[^\n]")
            case _:
                self._take(1)

    def _take(self, count: int, *, repeatable: bool = True) -> None:
        self.out.append(self.regex[self.at : self.at + count])
        self.at += count
        self.quantified = not repeatable

    def _put(self, text: str) -> None:
        self.out.append(text)
        self.quantified = False

    def _open(self) -> None:
        if self.regex.startswith("(?", self.at) and not self.regex.startswith("(?:", self.at):
            what = self.regex[self.at : self.at + 4]
            raise self._refused(
                what=f"{what!r}", remedy="Groups are ( or (?: only, without flags or names."
            )
        self._take(3 if self.regex.startswith("(?:", self.at) else 1, repeatable=False)

    def _repeat(self) -> None:
        found = _TIMES.match(self.regex, self.at)
        if self.regex[self.at] == "{" and found is None:
            raise self._refused(what="a lone {", remedy=r"Write \{, or {n}, {n,} or {n,m}.")
        if self.quantified:
            raise self._refused(
                what="a repetition of nothing", remedy="Put what it repeats before it."
            )
        self._take(len(found[0]) if found else 1, repeatable=False)
        if self.regex.startswith("?", self.at):
            self._take(1, repeatable=False)

    def _escape(self, *, inside: bool) -> str:
        """Read an escape; give it as ECMA reads it."""
        after = self.regex[self.at + 1 : self.at + 2]
        for form in (_PROPERTY, _HEX):
            found = form.match(self.regex, self.at + 1)
            if found:
                self.at += 1 + len(found[0])
                return f"\\{found[0]}"
        self.at += 2
        if after == "s":
            return _SPACES if inside else f"[{_SPACES}]"
        if after == "S" and not inside:
            return f"[^{_SPACES}]"
        known = _PLAIN | _CLASSES | _CONTROLS | (frozenset("-") if inside else frozenset("bB"))
        if after not in known or not after:
            where = " in a class" if inside else ""
            raise self._refused(
                what=f"\\{after}{where}", remedy="Leave the backslash out, or use \\xHH."
            )
        return f"\\{after}"

    def _class(self) -> None:
        opening = "[^" if self.regex.startswith("[^", self.at) else "["
        self.at += len(opening)
        if self.regex.startswith("]", self.at):
            raise self._refused(
                what=f"{opening}]", remedy=r"An empty class matches nothing; write \]."
            )
        parts = [opening]
        while not self.regex.startswith("]", self.at):
            if self.at >= len(self.regex):
                raise self._refused(what="a class without end", remedy="Close it with ].")
            char = self.regex[self.at]
            if char == "[":
                raise self._refused(
                    what="[ in a class", remedy=r"Write \[; there are no POSIX classes."
                )
            if char == "\\":
                parts.append(self._escape(inside=True))
            else:
                parts.append(char)
                self.at += 1
        self.at += 1
        self._put("".join([*parts, "]"]))

    def _refused(self, *, what: str, remedy: str) -> PatternSyntaxError:
        return PatternSyntaxError(
            pattern=self.regex, fault=f"it holds {what} at {self.at}", remedy=remedy
        )
