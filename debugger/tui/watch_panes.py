"""What is watched, and the locals of the code that runs: values a person keeps an eye on."""

from collections.abc import Callable, Sequence

from debugger.session.lines import Local
from debugger.session.watches import Watched
from debugger.timeline import ABSENT, Unknown, printable, shown, width
from debugger.tui.cells import Cell, Cells, column
from debugger.tui.lines import Lines
from debugger.tui.location import Location
from debugger.tui.look import Look

_MOST = 400


class WatchesPane(Lines):
    """Rows of what is watched, its value, and what it was."""

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__(look, "watches", id="watches")
        self.watched: Sequence[Watched] = ()
        self.empty = ("a in the state watches the focused place",)

    def show(self, location: Location) -> None:
        """Show the values of the moment."""
        if (location.watched, self.dimmed) != (self.watched, False):
            self.watched, self.dimmed = location.watched, False
            self.renew()

    @property
    def count(self) -> int:
        return len(self.watched)

    def row(self, index: int, room: int) -> Cells:
        each = self.watched[index]
        name = column(printable(each.text), min(width(each.text) + 2, room // 2))
        cells: list[Cell] = [
            ("~ " if each.changed else "  ", "blue"),
            (name, ""),
            (value_text(each.now), "blue" if each.changed else ""),
        ]
        if each.changed:
            cells.append((f"  was {value_text(each.before)}", "dim"))
        return cells


def value_text(value: object) -> str:
    """Say what a watch is, printable."""
    if isinstance(value, Unknown):
        return f"unknown: {value.reason}"
    return "absent" if value is ABSENT else shown(value, _MOST)


class LocalsPane(Lines):
    """Rows of the locals of the frame that is about to go on."""

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__(look, "locals", id="locals")
        self.frame: Sequence[Local] = ()
        self.empty = ("l steps from line to line once the request was traced",)

    def show(self, location: Location, function: str) -> None:
        """Show the locals of *function* at a step; `` outside of the trace."""
        self.title = f"locals {printable(function)}".rstrip()
        times = "once" if location.runs == 1 else f"{location.runs} times"
        self.note = f"line ran {times} so far" if location.runs else ""
        self.empty = (
            ("no locals: the code has yet to begin",)
            if location.wanted.step is not None
            else ("l steps from line to line once the request was traced",)
        )
        self.frame, self.dimmed = location.frame, False
        self.renew()

    @property
    def count(self) -> int:
        return len(self.frame)

    def row(self, index: int, room: int) -> Cells:
        each = self.frame[index]
        name = column(printable(each.name), min(width(each.name) + 2, room // 2))
        cells: list[Cell] = [
            ((each.sign or " ") + " ", "blue"),
            (name, ""),
            (printable(each.text[:_MOST]), "blue" if each.sign else ""),
        ]
        if each.was:
            cells.append((f"  was {printable(each.was[:_MOST])}", "dim"))
        return cells
