"""Names in generated code: always identifiers, never twice, the same for the same input (CG-5)."""

import builtins
import keyword
import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

_ODD = re.compile(r"[^A-Za-z0-9_]+")
_HUMP = re.compile(r"([a-z0-9])([A-Z])")
# Exceptions are left out: each Python has new ones, and nothing generated names them.
_BUILTINS: Final = frozenset(name for name in dir(builtins) if name.islower())
_PYTHON: Final = _BUILTINS.union(keyword.kwlist, keyword.softkwlist, ("self", "cls"))
_METHODS: Final = _PYTHON.union(("raw", "close", "aclose"))
_TYPESCRIPT_WORDS: Final = (
    "any arguments as async await boolean break case catch class const constructor continue "
    "debugger declare default delete do else enum eval export extends false finally for from "
    "function get if implements import in instanceof interface let module namespace never new null "
    "number object of package private prototype protected public raw request require return set "
    "static string super switch symbol this throw true try type typeof undefined unknown var void "
    "while with yield Array Date Error Map Object Promise Record Response Headers"
)
_TYPESCRIPT: Final = frozenset(_TYPESCRIPT_WORDS.split())


class Wanted(msgspec.Struct, frozen=True):
    """What is to be named, with what may tell it from others."""

    text: str
    """A handler id."""
    method: str
    params: Sequence[str] = ()


class Names:
    """Gives names of one scope, each once.

    Args:
        reserved: may not be given as they are.
    """

    def __init__(self, reserved: Iterable[str]) -> None:
        self._reserved = frozenset(reserved)
        self._taken: set[str] = set()
        self.changed: dict[str, str] = {}
        """Names that could not stay, and what they became."""

    def give(self, wanted: str, clean: str, others: Sequence[str] = ()) -> str:
        """Give a name.

        Args:
            wanted: as the user has it; for people.
            clean: an identifier, or empty.
            others: further identifiers, tried from the shortest if that one is taken.
        """
        first = self._free(clean or "operation")
        found = first
        if not clean or first in self._taken:
            more = sorted(map(self._free, others), key=lambda name: (len(name), name))
            found = next((name for name in more if name not in self._taken), "")
            found = found or self._numbered(first, from_=2 if clean else 1)
        self._taken.add(found)
        if found != clean:
            self.changed[wanted] = found
        return found

    def _free(self, name: str) -> str:
        is_dunder = name.startswith("__") and name.endswith("__")
        return f"{name}_" if name in self._reserved or is_dunder else name

    def _numbered(self, name: str, from_: int) -> str:
        n = from_
        while f"{name}_{n}" in self._taken:
            n += 1
        return f"{name}_{n}"


def cleaned(text: str) -> str:
    """Give *text* as an identifier of ASCII; empty: nothing of it can be one."""
    name = _ODD.sub("_", text).strip("_") if not text.isidentifier() else text
    name = _ODD.sub("_", name).lstrip("_")
    return f"n{name}" if name[:1].isdigit() else name


def snake(text: str) -> str:
    """Give *text* as Python names functions: `get_users`."""
    return _HUMP.sub(r"\1_\2", cleaned(text)).lower()


def camel(text: str) -> str:
    """Give *text* as TypeScript names functions: `getUsers`."""
    first, *more = [part for part in snake(text).split("_") if part] or [""]
    return first + "".join(part[:1].upper() + part[1:] for part in more)


def methods(wanted: Sequence[Wanted], *, python: bool) -> tuple[list[str], dict[str, str]]:
    """Name the methods of a client, in the order of their handlers; say what could not stay."""
    case = snake if python else camel
    names = Names(_METHODS if python else _TYPESCRIPT)
    given = []
    for each in wanted:
        others = [case(f"{each.method} {each.text}")]
        if each.params:
            others.append(case(f"{each.text} by {' '.join(each.params)}"))
        given.append(names.give(each.text, case(each.text), others))
    return given, names.changed


def members(wanted: Sequence[str], reserved: Iterable[str] = ()) -> list[str]:
    """Name the fields or parameters of one Python class or function, in their order."""
    names = Names({*_PYTHON, *reserved})
    return [names.give(each, cleaned(each) or "field") for each in wanted]


def class_name(text: str) -> str:
    """Name a class: as it is, where that can be."""
    name = cleaned(text) or "Type"
    return f"{name}_" if name in _PYTHON or name in _TYPESCRIPT else name
