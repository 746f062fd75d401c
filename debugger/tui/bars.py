"""The lines above and below the panes: title, message, keys."""

from collections.abc import Callable, Sequence

from textual.strip import Strip
from textual.widget import Widget

from debugger.tui.actions import LINES, Action
from debugger.tui.cells import Cell, Cells, spread, strip, width_of
from debugger.tui.keymap import Keymap
from debugger.tui.look import Look


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
        cells = spread([(" ", ""), *self.left], self.right, room, look.glyphs.cut)
        return strip(cells, room, look, "raised")


class Bottom(Widget):
    """The keys that matter here; above them, or where there is one line instead, a message."""

    DEFAULT_CSS = "Bottom { height: 2; } .compact Bottom { height: 1; }"
    ALLOW_SELECT = False

    def __init__(self, look: Callable[[], Look], face: str, keys: Keymap) -> None:
        super().__init__(id="bottom")
        self._look = look
        self._actions = [keys.by_id[name] for name in LINES[face]]
        self._help = keys.key("help")
        self.message = ""
        self._role = ""

    def say(self, message: str, role: str = "") -> None:
        """Show *message*, printable, until the next key."""
        if (message, role) != (self.message, self._role):
            self.message, self._role = message, role
            self.refresh()

    def render_line(self, y: int) -> Strip:
        look, room = self._look(), self.size.width
        message: list[Cell] = [(" " + self.message, self._role)]
        if self.size.height > 1 and y == 0:
            return strip(message if self.message else (), room, look)
        if self.size.height == 1 and self.message:
            return strip(message, room, look, "raised")
        return strip(
            keys_cells(self._actions, self._help, room),
            room,
            look,
            "raised",
        )


def keys_cells(actions: Sequence[Action], all_keys: str, room: int) -> list[Cell]:
    """Return as many of the keys as fit; *all_keys*, which leads to all, always does."""
    last: list[Cell] = [(f"{all_keys} ", "focus"), ("keys", "dim")]
    cells: list[Cell] = [(" ", "")]
    left = room - width_of(last) - 1
    for action in actions:
        entry: list[Cell] = [
            ((action.pair or action.shown) + " ", "focus"),
            (action.brief + "  ", "dim"),
        ]
        needed = width_of(entry)
        if needed > left:
            break
        cells += entry
        left -= needed
    return cells + last
