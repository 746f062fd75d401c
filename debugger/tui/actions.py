"""The one registry of actions (KB-1): bindings, help, keys line and palette are made of it.

A key means one thing everywhere (KB-2): where it cannot act, the screen says why. Of a
letter pair the small one goes forward, the capital back.
"""

import msgspec

from debugger.tui.keys import key_text


class Action(msgspec.Struct, frozen=True):
    """Something a person can do by a key, by the palette or as a `:` command."""

    id: str
    text: str
    keys: tuple[str, ...]
    """As `textual` names them."""
    scope: str = "any"
    """The screens where it acts; elsewhere it says so."""
    brief: str = ""
    """On the keys line; ``: not there."""
    pair: str = ""
    """Keys as the line shows them, where one entry stands for two actions."""
    writes: bool = False
    """Needs the unlocked store (KB-4)."""

    def acts_on(self, face: str) -> bool:
        """Say whether it acts on the screen called *face*."""
        return self.scope == "any" or face in self.scope.split()

    @property
    def shown(self) -> str:
        """The keys as people read them."""
        return " ".join(key_text(key) for key in self.keys)

    @property
    def method(self) -> str:
        """Name of the method that a screen answers it with."""
        return "do_" + self.id.replace("-", "_")


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
    Action("next-hit", "next hit of a breakpoint", ("c",), "request", "breakpoint", "c C"),
    Action("previous-hit", "previous hit of a breakpoint", ("C",), "request"),
    Action(
        "next-match",
        "next match of the search, or difference",
        ("n",),
        "request compare",
        "next found",
        "n N",
    ),
    Action(
        "previous-match", "previous match of the search, or difference", ("N",), "request compare"
    ),
    Action("next-line", "next line of code", ("l",), "request", "line", "l L"),
    Action("previous-line", "previous line of code", ("L",), "request"),
    Action("over", "on, over what is called or opened here", ("o",), "request", "over", "o O"),
    Action("over-back", "back, over what returned or closed here", ("O",), "request"),
    Action("out", "on to where this call or hook ends", ("u",), "request", "out", "u U"),
    Action("out-back", "back to where this call or hook began", ("U",), "request"),
    Action(
        "go-to",
        "go to a moment: 1729  +50  50%  401ms  end  failure",
        ("g",),
        "request versions",
        "go",
    ),
    # what is kept in mind
    Action("breakpoint", "a breakpoint here, or away with it", ("b",), "request"),
    Action("breakpoints", "all breakpoints", ()),
    Action("watch", "watch the focused place, or a filter", ("a",), "request"),
    Action("bookmark", "a bookmark at this moment, or away with it", ("asterisk",), "request"),
    Action("bookmarks", "all bookmarks", ("apostrophe",)),
    Action("mark", "mark as A, then as B", ("space",), "requests request waterfall forks", "mark"),
    Action(
        "compare", "compare A with B, or with what is shown", ("equals_sign",), "any", "compare"
    ),
    # what is shown
    Action(
        "next-base",
        "compare with: previous, start, end, A; other way round",
        ("d",),
        "request compare",
    ),
    Action(
        "variant",
        "other rows: all, what differs; facts alike in one row",
        ("v",),
        "compare request",
        "differences",
    ),
    Action("raw", "the fact as it is stored", ("i",), "request", "raw"),
    Action("zoom", "one pane on the whole screen, and back", ("z",), "request", "zoom"),
    # running again
    Action(
        "replay",
        "run the request again and compare",
        ("r",),
        "requests request waterfall compare forks",
        "replay",
    ),
    Action("edit", "change a value of the draft", ("tilde",), "request live", "edit"),
    Action("clear-draft", "forget the draft", (), "request live"),
    Action(
        "fork",
        "fork here: run on with the draft, or restore; keep the run",
        ("f",),
        "request compare live",
        "fork",
    ),
    Action("restore", "restore this moment as a fork", (), "request", writes=True),
    Action("name-fork", "give this fork a name", (), "forks", writes=True),
    Action("remove-fork", "drop this fork for good", (), "forks", writes=True),
    Action("trace", "run the request again, line by line", (), "request"),
    # live requests
    Action(
        "resume",
        "let the held request go on, with its draft",
        ("full_stop",),
        "live",
        "resume",
        writes=True,
    ),
    Action(
        "step-on",
        "let the held request go to its next point",
        ("semicolon",),
        "live",
        "step",
        writes=True,
    ),
    Action("fail", "let the held request fail", ("backslash",), "live", "fail", writes=True),
    Action("extend", "hold the request 30 s more", ("plus",), "live", "30 s more", writes=True),
    Action("arm-gate", "arm a gate, by a filter or the newest breakpoint", (), "live", writes=True),
    Action("disarm-gate", "disarm the gate; what it holds goes on", (), "live", writes=True),
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
    Action("copy-link", "copy a link to what is shown", (), "request waterfall compare forks"),
    Action("search", "filter the list; search the facts", ("slash",), "any", "search"),
    Action("command", "a command or a moment", ("colon",)),
    Action("next-pane", "next pane", ("tab",), "any", "pane"),
    Action("previous-pane", "previous pane", ("shift+tab",)),
    Action("requests", "all requests", ("1",)),
    Action("request", "the request opened last", ("2",)),
    Action("waterfall", "where its time went", ("3",)),
    Action("versions", "the versions of handlers, then and now", ("4",)),
    Action("comparison", "the last comparison", ("5",)),
    Action("forks", "forks and snapshots of the request", ("6",)),
    Action("audit", "who changed what in the log; is it whole?", ("7",)),
    Action("live", "gates, and the requests that they hold", ("8",)),
    Action("back", "close, or clear", ("escape",)),
    Action("level-up", "up a level", ("q",)),
    Action(
        "unlock",
        "allow writing for 5 minutes, or forbid it again",
        ("exclamation_mark",),
        "any",
        "writing",
    ),
    Action("theme", "next colours", ()),
    Action("palette", "every action, by name", ("ctrl+p",), "any", "actions"),
    Action("help", "every key", ("question_mark",), "any", "keys"),
    Action("quit", "quit", ("ctrl+q",), "any", "quit"),
)

BY_ID = {action.id: action for action in ACTIONS}

LINES: dict[str, tuple[str, ...]] = {
    "requests": ("open", "search", "mark", "compare", "replay", "follow", "next-pane", "palette",
                 "quit"),
    "request": (
        "next-match", "next-event", "next-mutation", "previous-write", "next-hit", "next-failure",
        "next-pane", "next-line", "go-to", "next-hook", "next-effect", "edit", "fork", "raw",
        "zoom",
    ),
    "waterfall": ("open", "next-pane", "palette", "quit"),
    "versions": ("search", "go-to", "open", "next-pane", "palette", "quit"),
    "compare": ("next-match", "open", "variant", "next-pane", "fork", "palette", "quit"),
    "forks": ("open", "mark", "compare", "replay", "next-pane", "palette", "quit"),
    "live": ("resume", "step-on", "extend", "fail", "edit", "fork", "open", "unlock", "palette",
             "quit"),
    "audit": ("search", "open", "next-pane", "palette", "quit"),
}  # fmt: skip
"""What the keys line shows on each screen, most wanted first, of what can be done just then;
`? keys` is always last."""
