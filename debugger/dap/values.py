"""Recorded values as variables: expanded as they are asked for, a bounded number at a time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from debugger.dap.handles import Handles
from debugger.dap.protocol import Variable, Variables
from debugger.errors import NotFoundError
from debugger.session.lines import Local
from debugger.session.watches import place_text
from debugger.timeline import fit, printable, shown
from debugger.timeline.pointers import envelope, join, parts

MOST = 1_000
"""Variables in one answer; a client that pages asks for fewer."""
_PREVIEW = 160
"""Cells of a value that can be opened."""
_CELLS = 1_024
"""Of one that cannot."""


class Tree(msgspec.Struct, frozen=True):
    """Parts of an encoded value that can be opened."""

    thread: int
    value: Any
    path: tuple[str, ...] | None = None
    """Where it stands in the state; None: elsewhere."""


class Locals(msgspec.Struct, frozen=True):
    """The locals of a frame."""

    of: Sequence[Local]


Opened: TypeAlias = Tree | Locals
"""What a number of variables stands for."""


def variable(name: str, tree: Tree, handles: Handles[Opened]) -> Variable:
    """Show a value; one that has parts gets a number to open it by."""
    value, path = tree.value, tree.path
    inside = parts(value)
    count = len(inside) if inside is not None else 0
    return Variable(
        name=printable(name),
        value=shown(value, _PREVIEW if count else _CELLS),
        variables_reference=handles.add(tree) if count else 0,
        type=kind_of(value),
        evaluate_name=_asked_by(path) if path else None,
        named_variables=count if isinstance(inside, Mapping) else 0,
        indexed_variables=0 if isinstance(inside, Mapping) else count,
    )


def _asked_by(path: tuple[str, ...]) -> str | None:
    """Return how a value is asked for; None: its name has what must not be shown as it is."""
    text = place_text(join(path))
    return text if text == printable(text) else None


def variables(opened: Opened, asked: Variables, handles: Handles[Opened]) -> list[Variable]:
    """Show the parts of what was opened, as many as were asked for and are shown at once."""
    if isinstance(opened, Locals):
        rows = [_local(each) for each in opened.of if each.sign != "-"]
        return rows[asked.start : asked.start + _room(asked)]
    inside = parts(opened.value)
    named = isinstance(inside, Mapping)
    if inside is None or asked.filter == ("indexed" if named else "named"):
        return []
    last = min(max(asked.start, 0) + _room(asked), len(inside))
    found = [
        variable(name, _below(opened, name, value), handles)
        for name, value in _items(inside, max(asked.start, 0), last)
    ]
    left = len(inside) - last
    if left and not asked.count:
        found.append(Variable("…", f"{left} more", 0))
    return found


def _below(tree: Tree, name: str, value: Any) -> Tree:
    return Tree(tree.thread, value, None if tree.path is None else (*tree.path, name))


def _room(asked: Variables) -> int:
    return min(asked.count, MOST) if asked.count > 0 else MOST


def _items(
    inside: Mapping[str, Any] | list[Any], first: int, last: int
) -> Iterator[tuple[str, Any]]:
    if isinstance(inside, Mapping):
        names = list(inside)[first:last]
        return ((name, inside[name]) for name in names)
    return ((str(n), inside[n]) for n in range(first, last))


def _local(of: Local) -> Variable:
    """Show a local; what its line's predecessor did to it stands where a type would (LN-3)."""
    signs = {"+": "new", "~": f"was {fit(printable(of.was), _PREVIEW)}"}
    return Variable(printable(of.name), printable(of.text), 0, type=signs.get(of.sign))


def token_of(tree: Tree, name: str) -> str:
    """Return the key or index that is shown as *name* in *tree*.

    Raises:
        NotFoundError: there is none.
    """
    inside = parts(tree.value)
    if isinstance(inside, Mapping):
        for token in (name, *inside):
            if token in inside and name in (token, printable(token)):
                return token
    elif inside is not None and name.isascii() and name.isdecimal() and int(name) < len(inside):
        return name
    problem = f"There is no {name[:80]!r} there."
    raise NotFoundError(problem, "Names are those of the list of variables.")


def kind_of(value: Any) -> str:
    """Name the kind of an encoded value: `decimal`, `list of 3`, the class of an object."""
    match envelope(value):
        case "$obj":
            return printable(str(value["$obj"][0]).partition("@")[0])
        case str(tag):
            return tag[1:]
        case None:
            return _plain_kind(value)


def _plain_kind(value: Any) -> str:
    if isinstance(value, list):
        return f"list of {len(value)}"
    if isinstance(value, Mapping):
        return "dict"
    return "null" if value is None else type(value).__name__
