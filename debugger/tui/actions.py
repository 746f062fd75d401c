"""The one registry of actions (KB-1): bindings, help, keys line and palette are made of it.

A key means one thing everywhere (KB-2): where it cannot act, the screen says why. Of a
letter pair the small one goes forward, the capital back.
"""

from typing import Literal, TypeAlias

import msgspec

Scope: TypeAlias = Literal["any", "requests", "request"]


class Action(msgspec.Struct, frozen=True):
    """Something a person can do by a key, by the palette or as a `:` command."""

    id: str
    text: str
    keys: tuple[str, ...]
    """As `textual` names them."""
    scope: Scope = "any"
    """Where it acts; elsewhere it says so."""
    brief: str = ""
    """On the keys line; ``: not there."""
    pair: str = ""
    """Keys as the line shows them, where one entry stands for two actions."""
    writes: bool = False
    """Needs the unlocked store (KB-4)."""

    @property
    def shown(self) -> str:
        """The keys as people read them."""
        return " ".join(key_text(key) for key in self.keys)

    @property
    def method(self) -> str:
        """Name of the method that a screen answers it with."""
        return "do_" + self.id.replace("-", "_")


_NAMES = {
    "question_mark": "?",
    "exclamation_mark": "!",
    "colon": ":",
    "slash": "/",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "shift+tab": "shift+tab",
}


def key_text(key: str) -> str:
    """Return *key* as people write it."""
    return _NAMES.get(key, key)


ACTIONS: tuple[Action, ...] = (
    # moving in history
    Action("next-event", "next event", ("s",), "request", "event", "s S"),
    Action("previous-event", "previous event", ("S",), "request"),
    Action("next-mutation", "next change of state", ("m",), "request", "change", "m M"),
    Action("previous-mutation", "previous change of state", ("M",), "request"),
    Action("next-hook", "next start or end of a hook or handler", ("h",), "request", "hook", "h H"),
    Action("previous-hook", "previous start or end of a hook or handler", ("H",), "request"),
    Action("next-effect", "next effect", ("e",), "request", "effect", "e E"),
    Action("previous-effect", "previous effect", ("E",), "request"),
    Action("next-phase", "next phase", ("p",), "request"),
    Action("previous-phase", "previous phase", ("P",), "request"),
    Action("next-failure", "next failure", ("x",), "request", "failure", "x X"),
    Action("previous-failure", "previous failure", ("X",), "request"),
    Action(
        "previous-write",
        "back to what last changed the focused key",
        ("W",),
        "request",
        "write",
        "w W",
    ),
    Action("next-write", "on to the next change of the focused key", ("w",), "request"),
    Action("next-match", "next match of the search", ("n",), "request"),
    Action("previous-match", "previous match of the search", ("N",), "request"),
    Action("go-to", "go to a moment: 1729  +50  50%  401ms  end  failure", ("g",), "request", "go"),
    # what is shown
    Action("next-base", "compare with: previous, start, end", ("d",), "request"),
    Action("raw", "the fact as it is stored", ("i",), "request", "raw"),
    Action("zoom", "one pane on the whole screen, and back", ("z",), "request", "zoom"),
    Action("fork", "restore this moment as a fork", ("f",), "request", "fork", writes=True),
    # rows
    Action("row-down", "row down", ("j", "down")),
    Action("row-up", "row up", ("k", "up")),
    Action("page-down", "page down", ("pagedown",)),
    Action("page-up", "page up", ("pageup",)),
    Action("first-row", "first row", ("home",)),
    Action("last-row", "last row", ("end",)),
    Action("open", "open; fold or unfold; try again", ("enter",), "any", "open"),
    Action("follow", "follow what is written, or stop", ("t",), "any", "follow"),
    Action("copy", "copy what the cursor is on", ("y",)),
    # everywhere
    Action("search", "filter the list; search the facts", ("slash",), "any", "search"),
    Action("command", "a command or a moment", ("colon",)),
    Action("next-pane", "next pane", ("tab",), "any", "pane"),
    Action("previous-pane", "previous pane", ("shift+tab",)),
    Action("requests", "all requests", ("1",)),
    Action("request", "the request opened last", ("2",)),
    Action("back", "close, or clear", ("escape",)),
    Action("level-up", "up a level", ("q",)),
    Action("unlock", "allow writing for 5 minutes, or forbid it again", ("exclamation_mark",)),
    Action("theme", "next colours", ()),
    Action("palette", "every action, by name", ("ctrl+p",), "any", "actions"),
    Action("help", "every key", ("question_mark",), "any", "keys"),
    Action("quit", "quit", ("ctrl+q",), "any", "quit"),
)

BY_ID = {action.id: action for action in ACTIONS}

LINES: dict[str, tuple[str, ...]] = {
    "requests": ("open", "search", "follow", "next-pane", "palette", "quit"),
    "request": (
        "next-event", "next-mutation", "previous-write", "next-pane", "next-failure", "go-to",
        "next-hook", "next-effect", "raw", "fork", "zoom",
    ),
}  # fmt: skip
"""What the keys line shows on each screen, most wanted first; `? keys` is always last."""
