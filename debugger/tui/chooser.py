"""Help and palette: every action with its keys, filtered as typed (UI-8)."""

from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from debugger.tui.actions import Action
from debugger.tui.cells import Cell, Cells, column, cut_cells
from debugger.tui.fields import Field
from debugger.tui.keymap import Keymap
from debugger.tui.lines import Lines
from debugger.tui.look import Look
from debugger.tui.manual import manual

_KEY_CELLS = 12
_FORM_CELLS = 27


class Choice(msgspec.Struct, frozen=True):
    """A row: an action, or with an empty id a line to read."""

    id: str
    keys: str
    text: str
    reason: str = ""
    """Why it cannot run now; ``: it can."""


def choices(actions: Sequence[Action], reason: Callable[[str], str | None]) -> list[Choice]:
    """Return a row for every action, first those that can run; *reason* says why not."""
    rows = [Choice(a.id, _how(a), a.text, reason(a.id) or "") for a in actions]
    return sorted(rows, key=lambda row: bool(row.reason))


def keys(actions: Sequence[Action]) -> list[Choice]:
    """Return a row for every action."""
    return [Choice(a.id, _how(a), a.text) for a in actions]


def _how(action: Action) -> str:
    """Return its keys, or where it has none what is typed."""
    return action.shown or f":{action.id}"


def reading(keymap: Keymap) -> list[Choice]:
    """Return what help says besides the keys."""
    rows: list[Choice] = []
    for title, lines in manual(keymap):
        rows += [Choice("", "", ""), Choice("", "", title)]
        rows += [Choice("", keys, text) for keys, text in lines]
    return rows


class ChoicePane(Lines):
    """The rows that fit what was typed."""

    def __init__(self, look: Callable[[], Look], title: str, rows: Sequence[Choice]) -> None:
        super().__init__(look, title, id="choices")
        self._all = rows
        self.rows = rows
        self.empty = ("nothing is called that",)

    def narrow(self, text: str) -> None:
        """Show only rows that have every word of *text* in name or keys, or are that key."""
        words = text.casefold().split()
        self.rows = [row for row in self._all if _fits(row, text.strip(), words)]
        self.cursor = self.top = 0
        self.renew()

    @property
    def count(self) -> int:
        return len(self.rows)

    def row_key(self, index: int) -> Choice:
        return self.rows[index]

    def row(self, index: int, room: int) -> Cells:
        choice = self.rows[index]
        dim = "dim" if choice.reason else ""
        wide = _KEY_CELLS if choice.id else _FORM_CELLS if choice.keys else 0
        keys = column(choice.keys, wide) + "  " if wide else ""
        text_role = "" if wide else "strong"
        cells: list[Cell] = [(keys, dim or "focus"), (choice.text, dim or text_role)]
        if choice.reason:
            cells.append((f"  {choice.reason}", "orange"))
        return cut_cells(cells, room, self.look.glyphs.cut)


def _fits(row: Choice, text: str, words: Sequence[str]) -> bool:
    if not words:
        return True
    # One character is a key to look up, its case as typed: `s` is not `S`.
    if len(text) == 1 and text in row.keys.split():
        return True
    named = f"{row.id} {row.keys} {row.text}".casefold()
    return len(text) > 1 and all(word in named for word in words)


class Chooser(ModalScreen[str]):
    """Gives the id of the chosen action, `` for none."""

    DEFAULT_CSS = """
    Chooser { align: center middle; background: $background 60%; }
    Chooser > Vertical { width: 88; max-width: 96%; height: 30; max-height: 92%;
        background: $background; border: solid $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("ctrl+p", "leave", show=False),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "turn(1)", show=False),
        Binding("pageup", "turn(-1)", show=False),
        Binding("tab", "move(1)", show=False),
        Binding("shift+tab", "move(-1)", show=False),
    ]

    def __init__(self, look: Callable[[], Look], title: str, rows: Sequence[Choice]) -> None:
        super().__init__()
        self._pane = ChoicePane(look, title, rows)
        self._pane.can_focus = False

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Field(id="wanted", placeholder="type a name or a key; enter runs it; esc closes")
            yield self._pane

    def on_mount(self) -> None:
        self.query_one(Field).focus()

    def on_input_changed(self, message: Input.Changed) -> None:
        self._pane.narrow(message.value)

    def on_input_submitted(self) -> None:
        self._choose()

    def on_field_left(self) -> None:
        self.dismiss("")

    def on_lines_opened(self) -> None:
        self._choose()

    def _choose(self) -> None:
        rows = self._pane.rows
        self.dismiss(rows[self._pane.cursor].id if rows else "")

    def action_leave(self) -> None:
        self.dismiss("")

    def action_move(self, by: int) -> None:
        self._pane.move(by)

    def action_turn(self, pages: int) -> None:
        self._pane.turn(pages)
