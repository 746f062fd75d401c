"""What changed in user state from the base to the shown moment."""

from collections.abc import Callable, Sequence

from debugger.timeline import Change, printable, shown, width
from debugger.tui.cells import Cells, column
from debugger.tui.lines import Lines
from debugger.tui.location import Location
from debugger.tui.look import Look

_MOST = 400


class DiffPane(Lines):
    """Rows of sign, path, before and after (TM-12)."""

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__(look, "diff", id="diff")
        self.changes: Sequence[Change] = ()
        self._path_cells = 0

    def show(self, location: Location) -> None:
        """Show the difference that leads to *location*."""
        self.changes = location.changes
        longest = max((width(printable(c.path[:200])) for c in self.changes[:256]), default=0)
        self._path_cells = longest
        to = self.look.glyphs.to
        self.title = f"diff #{location.base_revision} {to} #{location.revision}"
        self.note = f"base {location.wanted.base}"
        self.empty = ("no difference in the state",)
        self.cursor = self.top = 0
        self.dimmed = False
        self.renew()

    @property
    def count(self) -> int:
        return len(self.changes)

    def row(self, index: int, room: int) -> Cells:
        change = self.changes[index]
        look = self.look.glyphs
        path_cells = min(self._path_cells, max(room // 2, 12))
        path = column(printable(change.path[:200]), path_cells, more=look.cut)
        if change.sign == "+":
            said = [(shown(change.after, _MOST), "blue")]
        elif change.sign == "-":
            said = [(shown(change.before, _MOST), "dim")]
        else:
            before, after = shown(change.before, _MOST), shown(change.after, _MOST)
            said = _both(before, after, room - path_cells - 4, look.to, look.cut)
        return [(change.sign + " ", "blue"), (path + "  ", ""), *said]


def _both(before: str, after: str, room: int, to: str, cut: str) -> list[tuple[str, str]]:
    """Show both ends of a change, however little room there is: the former gives way."""
    arrow = f" {to} "
    spare = room - width(arrow) - width(after)
    if spare < width(before):
        share = max(spare, (room - width(arrow)) // 3, 0)
        before = column(before, min(width(before), share), more=cut)
    return [(before, "dim"), (arrow, "dim"), (after, "blue")]
