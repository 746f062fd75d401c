"""Names of keys: as people write them, and as Textual calls them. Pure."""

import re
import string
import unicodedata

_NAMED = frozenset(
    {
        "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "tab", "enter",
        "escape", "space", "backspace", "delete", "insert", *(f"f{n}" for n in range(1, 21)),
    }
)  # fmt: skip
_ALIASES = {"esc": "escape", "pgup": "pageup", "pgdn": "pagedown", "return": "enter"}
# As Textual names them, where it does not take Unicode's name.
_RENAMED = {"solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at",
            "hyphen_minus": "minus", "plus_sign": "plus", "low_line": "underscore"}  # fmt: skip
_MODIFIED = re.compile(r"((?:(?:ctrl|shift|alt)\+)+)(.+)")


def textual_key(text: str) -> str | None:
    """Return the name that Textual has for a key as people write it; None: it is no key."""
    modified = _MODIFIED.fullmatch(text)
    if modified is not None:
        of = textual_key(modified[2])
        return None if of is None or "+" in of else modified[1] + of
    name = _ALIASES.get(text, text)
    if name in _NAMED:
        return name
    if len(text) != 1 or not text.isprintable():
        return None
    if text == " ":
        return "space"
    if text.isalnum():
        return text
    official = unicodedata.name(text, "").lower().replace("-", "_").replace(" ", "_")
    return _RENAMED.get(official, official) or None


_READ = {
    **{name: alias for alias, name in _ALIASES.items() if name != "enter"},
    **{name: mark for mark in string.punctuation if (name := textual_key(mark)) is not None},
}


def key_text(key: str) -> str:
    """Return a key of Textual as people write it."""
    modifiers, plus, name = key.rpartition("+")
    return modifiers + plus + _READ.get(name, name)
