"""The lines above and below the panes: title, message, keys."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from debugger.timeline import width
from debugger.tui.actions import LINES, Action
from debugger.tui.cells import Cell, Cells, spread, strip, width_of, wrap
from debugger.tui.keymap import Keymap
from debugger.tui.look import Look

_MOST_LINES = 3
"""Of a message."""


class Bar(Widget):
    """One line with something at both ends."""

    DEFAULT_CSS = "Bar { height: 1; }"
    ALLOW_SELECT = False

    def __init__(self, look: Callable[[], Look], *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._look = look
        self.left: Cells = ()
        self.right: Cells = ()

    def show(self, left: Cells, right: Cells = ()) -> None:
        """Change what it says."""
        if (left, right) != (self.left, self.right):
            self.left, self.right = left, right
            self.refresh()

    def render_line(self, y: int) -> Strip:
        look, room = self._look(), self.size.width
        if y:
            return strip((), room, look, "raised")
        right = [("  ", ""), *self.right] if self.right else []
        cells = spread([(" ", ""), *self.left], right, room, look.glyphs.cut)
        return strip(cells, room, look, "raised")


class Bottom(Widget):
    """The keys that matter here; above them, or where there is one line instead, a message."""

    DEFAULT_CSS = "Bottom { height: 2; }"
    ALLOW_SELECT = False

    @dataclass
    class Chosen(Message):
        """Keys were clicked: those of this action."""

        action: str

    def __init__(
        self, look: Callable[[], Look], face: str, keys: Keymap, offers: Callable[[str], bool]
    ) -> None:
        super().__init__(id="bottom")
        self._look = look
        self._all = [keys.by_id[name] for name in LINES[face]]
        self._offers = offers
        self._actions: Sequence[Action] = ()
        self._help = keys.key("help")
        self.message = ""
        self._role = ""
        self._lines: Sequence[str] = ("",)
        self._height: int | None = None

    def say(self, message: str, role: str = "") -> None:
        """Show *message*, printable, until the next key; all of it, if it is about a fault."""
        if (message, role) != (self.message, self._role):
            self.message, self._role = message, role
            self._lay()
            self.refresh()

    def on_resize(self) -> None:
        self._lay()

    def _lay(self) -> None:
        room = max(self.app.size.width - 2, 8)
        many = wrap(self.message, room) if self._role and width(self.message) > room else []
        self._lines = many[:_MOST_LINES] or [self.message]
        # Only then: another height lays out the whole screen (RN-6).
        height = None if len(self._lines) == 1 else len(self._lines) + (not self._is_low)
        if height != self._height:
            self._height = height
            self.styles.height = height

    @property
    def _is_low(self) -> bool:
        return self.screen.has_class("compact")

    def renew(self) -> None:
        """Show the keys of what can be done now, and of nothing else."""
        actions = [action for action in self._all if self._offers(action.id)]
        if actions != self._actions:
            self._actions = actions
            self.refresh()

    def render_line(self, y: int) -> Strip:
        look, room = self._look(), self.size.width
        if y != self._keys_line:
            said = self._lines[y] if y < len(self._lines) else ""
            ground = "raised" if self._is_low else ""
            return strip([(" " + said, self._role)] if said else (), room, look, ground)
        cells = [cell for _, entry in self._entries(room) for cell in entry]
        return strip([(" ", ""), *cells], room, look, "raised")

    @property
    def _keys_line(self) -> int | None:
        return None if self._is_low and self.message else self.size.height - 1

    def _entries(self, room: int) -> list[tuple[str, list[Cell]]]:
        return keys_entries(self._actions, self._help, room)

    def on_click(self, event: events.Click) -> None:
        if event.y != self._keys_line:
            return
        entries = self._entries(self.size.width)
        starts = [*accumulate((width_of(entry) for _, entry in entries), initial=1)]
        found = bisect_right(starts, event.x) - 1
        if 0 <= found < len(entries):
            self.post_message(self.Chosen(entries[found][0]))


def keys_entries(
    actions: Sequence[Action], all_keys: str, room: int
) -> list[tuple[str, list[Cell]]]:
    """Return actions and how their keys are shown, as many as fit.

    *all_keys*, which leads to all, always does.
    """
    last: list[Cell] = [(f"{all_keys} ", "focus"), ("keys", "dim")]
    entries: list[tuple[str, list[Cell]]] = []
    left = room - width_of(last) - 1
    for action in actions:
        entry: list[Cell] = [
            ((action.pair or action.shown) + " ", "focus"),
            (action.brief + "  ", "dim"),
        ]
        needed = width_of(entry)
        if needed > left:
            break
        entries.append((action.id, entry))
        left -= needed
    return [*entries, ("help", last)]
