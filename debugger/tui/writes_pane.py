"""Every write of the focused leaf: when did this key last change? (TM-5)."""

from collections.abc import Callable, Sequence

from debugger.timeline import ABSENT, Write, printable, shown
from debugger.tui.cells import Cell, Cells, column, spread
from debugger.tui.lines import Lines
from debugger.tui.look import Look
from debugger.tui.wording import last_name, place_text


class WritesPane(Lines):
    """Rows of moment, before and after, by whom, at which line."""

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__(look, "writes", id="writes")
        self.writes: Sequence[Write] = ()
        self._path = ""
        self._made_by = 0

    def show(self, path: str, writes: Sequence[Write]) -> None:
        """Show the writes of another leaf; an empty path: of none."""
        self.writes = writes
        changes = sum(write.changed for write in writes)
        self._path = path
        self.title = f"writes {printable(path[:200])}" if path else "writes"
        self.note = ("1 change" if changes == 1 else f"{changes} changes") if path else ""
        self.empty = ("never set",) if path else ("The focused row of the state has its",
                                                 "history here.")  # fmt: skip
        self._made_by = 0
        self.dimmed = False
        self.renew()

    def at(self, revision: int) -> None:
        """Mark the write that made the value of the moment *revision*."""
        past = [w.revision for w in self.writes if w.changed and w.revision <= revision]
        made_by = past[-1] if past else 0
        if made_by != self._made_by or not self._made_by:
            self._made_by = made_by
            rows = [row for row, write in enumerate(self.writes) if write.revision == made_by]
            self.cursor = rows[0] if rows else 0
            self.renew()

    @property
    def count(self) -> int:
        return len(self.writes)

    def row(self, index: int, room: int) -> Cells:
        write, glyphs = self.writes[index], self.look.glyphs
        number_cells = len(str(self.writes[-1].revision)) + 1
        made = write.revision == self._made_by
        who = f"  {last_name(write.by)} {place_text(write.site)}"
        right: list[Cell] = [(who.rstrip(), "dim")] if room > 40 else []
        cells: list[Cell] = [
            ("*" if made else " " if write.changed else "=", "orange"),
            (column(f"#{write.revision}", number_cells, right=True) + "  ", "dim"),
            *change_cells(write, glyphs.to),
        ]
        return spread(cells, right, room, glyphs.cut)


def change_cells(write: Write, to: str, most: int = 100) -> list[Cell]:
    """Say what a write did to its leaf."""
    if write.after is ABSENT:
        was = "" if write.before is ABSENT else f"  was {shown(write.before, most)}"
        return [("deleted", ""), (was, "dim")]
    if write.before is ABSENT:
        return [(f"set {shown(write.after, most)}", "blue")]
    if not write.changed:
        return [(f"{shown(write.after, most)} again", "dim")]
    return [
        (shown(write.before, most), "dim"),
        (f" {to} ", "dim"),
        (shown(write.after, most), "blue"),
    ]
