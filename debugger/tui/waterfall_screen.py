"""Screen 3: where the time of the request went (UI-4)."""

from typing import ClassVar

from debugger.timeline import Timeline, printable
from debugger.timeline.spans import Span, spans
from debugger.tui.board import Board
from debugger.tui.cells import Cell, Cells, column
from debugger.tui.desk import Desk
from debugger.tui.notes import Mark
from debugger.tui.scrubber import is_fork
from debugger.tui.wording import duration, last_name

_NAME_CELLS = 40
_TIME_CELLS = 9
_FEWEST_BAR_CELLS = 8


class WaterfallScreen(Board):
    """A bar for everything that took time, one within the other."""

    face: ClassVar[str] = "waterfall"
    name_shown: ClassVar[str] = "3 Waterfall"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.spans: list[Span] = []
        self._timeline: Timeline | None = None
        self._note_cells = 0

    def look_at(self, timeline: Timeline) -> None:
        self._timeline = timeline
        clock = self.desk.session.sources[0]
        # A restored fork goes on nowhere: what it had open ended where it was forked.
        open_ = not (timeline.state_at(timeline.last).terminal or is_fork(timeline))
        self.list.dim()
        self._reads.ask(
            lambda: spans(timeline.events, now_us=clock() if open_ else None),
            self._show,
            self.failed,
        )
        self.show_title()

    def reload(self) -> None:
        if self._timeline is not None:
            self.look_at(self._timeline)

    def about(self) -> list[Cell]:
        timeline = self._timeline
        return [(timeline.short_id, "focus")] if timeline else []

    def subject(self) -> Mark | None:
        timeline = self._timeline
        if timeline is None or not self.spans:
            return None
        return Mark(timeline.stream, self.spans[self.list.cursor].start)

    def _show(self, found: list[Span]) -> None:
        self.spans = found
        self._note_cells = max((len(span.note) + 2 for span in found if span.note), default=0)
        self.list.note = f"{len(found)} spans; = works, . waits"
        self.list.show(len(found), self._cells)
        self.renew_detail()

    def _cells(self, index: int, room: int) -> Cells:
        span, total = self.spans[index], max(self.spans[0].end_us, 1)
        name_cells = min(_NAME_CELLS, room // 3)
        failed = "failed" in span.note
        cells: list[Cell] = [
            (_columns(name_cells, named(span), duration(span.end_us - span.start_us)),
             "failed" if failed else ""),
            (column(duration(span.own_us), _TIME_CELLS, right=True) + "  ", "dim"),
        ]  # fmt: skip
        # As long in every row: times that stand below one another are the same time.
        taken = name_cells + 2 * _TIME_CELLS + 4 + self._note_cells
        bar_cells = max(room - taken, _FEWEST_BAR_CELLS)
        start = span.start_us * (bar_cells - 1) // total
        wide = max((span.end_us - span.start_us) * bar_cells // total, 1)
        fill = "." if span.waits else "="
        bar = " " * start + fill * min(wide, bar_cells - start)
        cells.append((column(bar, bar_cells), "dim" if span.waits else "blue"))
        if span.note:
            cells.append((f"  {span.note}", "failed" if failed else "orange"))
        return cells

    def lay_out(self, width: int, height: int) -> None:
        super().lay_out(width, height)
        head = _columns(min(_NAME_CELLS, (width - 2) // 3), "what", "took")
        self.list.header = [(head + column("its own", _TIME_CELLS, right=True) + "  when", "")]

    def tell(self, index: int) -> list[Cells]:
        span = self.spans[index]
        ended = f"#{span.end}" if span.end is not None else "not yet"
        return [
            [("name      ", "dim"), (printable(span.name[:300]), "")],
            [("began     ", "dim"), (f"#{span.start}, after {duration(span.start_us)}", "")],
            [("ended     ", "dim"), (f"{ended}, after {duration(span.end_us)}", "")],
            [("its own   ", "dim"), (duration(span.own_us), "")],
        ]

    def open_row(self, index: int) -> None:
        if self._timeline is not None:
            self.post_message(self.Open(self._timeline.stream, self.spans[index].start))


def named(span: Span) -> str:
    """Name a span, as far to the right as it lies within others."""
    indent = "  " * min(span.depth, 6)
    if not span.depth:
        return "request"
    # Of an effect the module counts, of a hook or handler the file it stands in does not.
    name = printable(span.name[:200]) if span.kind == "effect" else last_name(span.name)
    return f"{indent}{span.kind} {name}"


def _columns(name_cells: int, name: str, took: str) -> str:
    return column(name, name_cells) + " " + column(took, _TIME_CELLS, right=True) + " "
