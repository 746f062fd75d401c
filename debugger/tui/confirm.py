"""Asks once before something is written, and says what that does (KB-4)."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from debugger.tui.cells import Cells, wrap_cells
from debugger.tui.lines import Lines
from debugger.tui.look import Look


class TextPane(Lines):
    """Lines to read."""

    quiet = True
    lines_each = 4
    """Into how many lines a long one is broken, at most."""

    def __init__(self, look: Callable[[], Look], title: str, *, id: str) -> None:  # noqa: A002
        super().__init__(look, title, id=id)
        self.rows: Sequence[Cells] = ()
        self._laid: Sequence[Cells] = ()

    def show(self, rows: Sequence[Cells]) -> None:
        """Show other lines."""
        self.rows = rows
        self.cursor = self.top = 0
        self.dimmed = False
        self._lay()

    def on_resize(self) -> None:
        self._lay()
        super().on_resize()

    def _lay(self) -> None:
        room = self.size.width - 2
        self._laid = [line for row in self.rows for line in wrap_cells(row, room, self.lines_each)]
        self.renew()

    @property
    def count(self) -> int:
        return len(self._laid)

    def row(self, index: int, room: int) -> Cells:
        del room  # broken or cut to it
        return self._laid[index]


class Confirm(ModalScreen[bool]):
    """`enter` does it, `esc` does not; the lines say what."""

    DEFAULT_CSS = """
    Confirm { align: center middle; background: $background 60%; }
    Confirm > Vertical { width: 76; max-width: 96%; height: auto; max-height: 80%;
        background: $background; border: solid $primary; }
    Confirm TextPane { height: 10; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "answer(True)", show=False),
        Binding("y", "answer(True)", show=False),
        Binding("escape", "answer(False)", show=False),
        Binding("n", "answer(False)", show=False),
        Binding("q", "answer(False)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
    ]

    def __init__(self, look: Callable[[], Look], title: str, rows: Sequence[Cells]) -> None:
        super().__init__()
        self.pane = TextPane(look, title, id="confirm")
        self.pane.note = "enter yes, esc no"
        self._rows = rows

    def compose(self) -> ComposeResult:
        with Vertical():
            yield self.pane

    def on_mount(self) -> None:
        # All of it is seen if the screen allows: what is agreed to must be read.
        room = min(76, self.app.size.width * 96 // 100) - 4
        needed = sum(len(wrap_cells(row, room, self.pane.lines_each)) for row in self._rows)
        self.pane.styles.height = min(needed + 2, max(self.app.size.height - 6, 4))
        self.pane.show(self._rows)
        self.pane.focus()

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001
        self.dismiss(yes)

    def action_move(self, by: int) -> None:
        self.pane.move(by)
