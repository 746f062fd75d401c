r"""Recorded text, made safe to show (RN-2).

A log holds what callers sent: escape sequences that would move the cursor, marks that
turn the reading direction, characters that take no room. `printable` turns them into
visible escapes such as `\x1b` or `\u202e`; everything shown to people goes through it.
`width` is exact for its answers, and `fit` cuts by it.
"""

import re
import unicodedata

_ALWAYS = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # invisible, or joined to others
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ud800-\udfff"  # lone surrogates: no terminal can be sent one
    "\u1161-\u11ff\ua960-\ua97f\ud7b0-\ud7ff"  # jamo, which terminals join or do not
    "\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff"  # flags' letters and skin tones, likewise
    "\U000e0000-\U000e0fff"  # tags, more variation selectors
    "\u2630-\u2637\u268a-\u268f\u4dc0-\u4dff\U0001d300-\U0001d376"  # widened by Unicode 16
)
_ALWAYS_ODD = re.compile(f"[{_ALWAYS}]")
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_MARKS = frozenset({"Mn", "Me", "Mc"})
_MOST_MARKS = 4
"""On one letter; more would climb over the lines above and below."""


def printable(text: str) -> str:
    r"""Return *text* on one line, what cannot be shown as escapes: `\n`, `\x1b`, `\u202e`.

    Done twice is done once. Backslashes stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks = _MOST_MARKS  # at the start there is no letter to carry one
    for char in text:
        if " " <= char <= "~":
            shown.append(char)
            marks = 0
        elif unicodedata.category(char) in _MARKS and not _ALWAYS_ODD.match(char):
            shown.append(char if marks < _MOST_MARKS else escape(char))
            # What now stands last is a letter, or the last digit of an escape.
            marks = marks + 1 if marks < _MOST_MARKS else 0
        else:
            shown.append(escape(char) if is_hidden(char) else char)
            marks = 0
    return "".join(shown)


def is_hidden(char: str) -> bool:
    """Say whether *char* must not reach a terminal as it is."""
    return _ALWAYS_ODD.match(char) is not None or unicodedata.category(char) in _HIDDEN


def escape(char: str) -> str:
    """Return the escape of *char*, ASCII only."""
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width(text: str) -> int:
    """Return how many cells a terminal gives *text*, which `printable` returned."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def _cells(char: str) -> int:
    if unicodedata.category(char) in _MARKS:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(text: str, cells: int, *, more: str = "…") -> str:
    """Cut *text*, which `printable` returned, to at most *cells*; a cut one ends in *more*."""
    if width(text) <= cells:
        return text
    room = cells - width(more)
    if room < 0:
        return more[: max(cells, 0)]
    used = 0
    for index, char in enumerate(text):
        used += _cells(char)
        if used > room:
            return text[:index] + more
    return text
