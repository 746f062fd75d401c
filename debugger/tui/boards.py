"""The screens that few open: each is loaded, and made, when it is first asked for."""

import importlib
from collections.abc import Mapping

from debugger.tui.board import Board

BOARDS: Mapping[str, str] = {
    "waterfall": "WaterfallScreen",
    "versions": "VersionsScreen",
    "compare": "CompareScreen",
    "forks": "ForksScreen",
    "audit": "AuditScreen",
    "live": "LiveScreen",
}
"""What each is called; its file is called by the key."""


def board_class(name: str) -> type[Board]:
    """Return the class of the screen *name*, a key of `BOARDS`."""
    found = getattr(importlib.import_module(f"debugger.tui.{name}_screen"), BOARDS[name])
    if not issubclass(found, Board):
        raise TypeError(found)
    return found  # type: ignore[no-any-return]
