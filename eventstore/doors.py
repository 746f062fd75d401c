"""Doors of packages that load what is behind them when it is asked for.

Python runs the `__init__` of a package whenever one of its rooms is imported. Where a door shows
much that few need, it names it and gives it on demand: a command that prints a list does not
wait for a server, nor a reader of a file for what writes one. A contract test holds that such a
door names the same rooms to the type checker, which reads its imports.
"""

import importlib
import sys
from collections.abc import Callable, Mapping


def opener(door: str, rooms: Mapping[str, str]) -> Callable[[str], object]:
    """Return the `__getattr__` of the package *door*.

    Args:
        door: its name.
        rooms: what it shows, and the module that defines each.
    """

    def open_(name: str) -> object:
        if name not in rooms:
            message = f"module {door!r} has no attribute {name!r}"
            raise AttributeError(message)
        found = getattr(importlib.import_module(rooms[name]), name)
        vars(sys.modules[door])[name] = found  # so that it is looked up here once
        return found

    return open_
