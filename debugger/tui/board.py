"""A screen of a list and what there is to know of its row: the plain kind of screen."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container

from debugger.timeline import Timeline
from debugger.tui.cells import Cell, Cells, cut_cells
from debugger.tui.confirm import TextPane
from debugger.tui.desk import Desk, problem_of
from debugger.tui.face import Face
from debugger.tui.latest import Latest
from debugger.tui.lines import Lines
from debugger.tui.look import Look

Make = Callable[[int, int], Cells]
"""Gives row and room; returns what stands there."""


class BoardPane(Lines):
    """Rows that are made when they are seen."""

    def __init__(self, look: Callable[[], Look], title: str) -> None:
        super().__init__(look, title, id="board")
        self._count = 0
        self._make: Make = lambda index, room: ()
        self.empty = ("reading the store",)

    def show(self, count: int, make: Make) -> None:
        """Show other rows."""
        self._count, self._make = count, make
        self.dimmed, self.problem = False, None
        self.renew()

    @property
    def count(self) -> int:
        return self._count

    def row(self, index: int, room: int) -> Cells:
        return cut_cells(self._make(index, room), room, self.look.glyphs.cut)


class Board(Face):
    """Reads something once, shows it as rows; the lower pane tells of the row under the cursor."""

    DEFAULT_CSS = """
    Board #board-body { height: 1fr; layout: vertical; }
    """
    name_shown: ClassVar[str]
    """`5 Compare`"""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.list = BoardPane(desk.look, self.name_shown.partition(" ")[2].lower())
        self.detail = TextPane(desk.look, "detail", id="detail")
        self._reads = Latest(self, f"timescape-{self.face}")
        self._details = Latest(self, f"timescape-{self.face}-row")

    def body(self) -> ComposeResult:
        with Container(id="board-body"):
            yield self.list
            yield self.detail

    def on_mount(self) -> None:
        self.list.focus()
        self.show_title()

    def on_unmount(self) -> None:
        self._reads.close()
        self._details.close()

    @property
    def pending(self) -> bool:
        return self._reads.busy or self._details.busy

    def lines(self) -> list[Lines]:
        return [self.list, self.detail] if self.detail.styles.display != "none" else [self.list]

    # --- what a board tells ---

    def about(self) -> Sequence[Cell]:
        """Return what the title says besides the name."""
        return ()

    def tell(self, index: int) -> Sequence[Cells]:
        """Return what there is to know of row *index*."""
        del index
        return ()

    def look_at(self, timeline: Timeline) -> None:
        """Show what there is of the request opened last."""
        del timeline

    def reload(self) -> None:
        """Read again what is shown."""

    def leads(self, index: int) -> bool:
        """Say whether `enter` on row *index* does anything."""
        del index
        return True

    # --- the rest ---

    def offers(self, name: str) -> bool:
        if name == "open" and self.list.problem is None:
            return bool(self.list.count) and self.leads(self.list.cursor)
        return super().offers(name)

    def failed(self, error: Exception) -> None:
        """Tell that something could not be read: in the pane where nothing is seen yet."""
        problem, remedy = problem_of(error, self.desk.retry)
        if self.list.count:
            self.say(" ".join(problem_of(error)), "orange")
            self.list.dim(now=False)
        else:
            self.list.problem = (problem, remedy)
            self.list.renew()

    def show_title(self) -> None:
        left: list[Cell] = [(self.name_shown + "  ", "strong"), *self.about()]
        self.title_bar.show(left, self.desk.mode())

    def tick(self) -> None:
        if self.title_bar.right != self.desk.mode():
            self.show_title()
            self.bottom.renew()

    def renew_detail(self) -> None:
        """Show what there is to know of the row under the cursor."""
        self.detail.show(self.tell(self.list.cursor) if self.list.count else ())
        self.bottom.renew()

    def on_lines_moved(self, message: Lines.Moved) -> None:
        if message.lines is self.list:
            self.renew_detail()

    def on_lines_opened(self) -> None:
        self.act("open")

    def do_open(self) -> None:
        if self.list.problem is not None:
            self.list.problem = None
            self.reload()
        elif self.list.count:
            self.open_row(self.list.cursor)
        else:
            self.say("There is nothing to open.")

    def open_row(self, index: int) -> None:
        """Go where row *index* leads."""
        del index
        self.say("This row leads nowhere else.")

    def do_follow(self) -> None:
        self.say(f"Nothing is followed here: {self.desk.key('follow')} follows in 1 and 2.")

    def do_search(self) -> None:
        self.say("There is nothing to filter here.")

    def do_back(self) -> None:
        self.do_level_up()

    def do_level_up(self) -> None:
        self.post_message(self.Show("request"))

    def to_copy(self) -> str:
        pane = self._rows()
        cells = pane.row(pane.cursor, 2_000) if pane.count else ()
        return "".join(text for text, _ in cells).strip()

    def lay_out(self, width: int, height: int) -> None:
        del width
        self.detail.styles.height = max(height // 3, 4)
        self.detail.styles.display = "none" if height < 20 else "block"
