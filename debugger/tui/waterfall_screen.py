"""Screen 3: where the time of the request went (UI-4)."""

from typing import ClassVar

from debugger.timeline import Timeline, printable
from debugger.timeline.spans import Span, spans
from debugger.tui.board import Board
from debugger.tui.cells import Cell, Cells, column
from debugger.tui.desk import Desk
from debugger.tui.notes import Mark
from debugger.tui.wording import duration, last_name

_NAME_CELLS = 40


class WaterfallScreen(Board):
    """A bar for everything that took time, one within the other."""

    face: ClassVar[str] = "waterfall"
    name_shown: ClassVar[str] = "3 Waterfall"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.spans: list[Span] = []
        self._timeline: Timeline | None = None

    def look_at(self, timeline: Timeline) -> None:
        self._timeline = timeline
        clock = self.desk.session.sources[0]
        open_ = not timeline.state_at(timeline.last).terminal
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
        return [(timeline.request_id[:4] + timeline.request_id[-6:], "focus")] if timeline else []

    def subject(self) -> Mark | None:
        timeline = self._timeline
        if timeline is None or not self.spans:
            return None
        return Mark(timeline.stream, self.spans[self.list.cursor].start)

    def _show(self, found: list[Span]) -> None:
        self.spans = found
        self.list.header = [("what, how long, of that its own; = work, . waits", "")]
        self.list.note = f"{len(found)} spans"
        self.list.show(len(found), self._cells)
        self.renew_detail()

    def _cells(self, index: int, room: int) -> Cells:
        span, total = self.spans[index], max(self.spans[0].end_us, 1)
        name_cells = min(_NAME_CELLS, room // 3)
        name = "  " * min(span.depth, 6) + f"{span.kind} {printable(last_name(span.name))}"
        cells: list[Cell] = [
            (column(name, name_cells) + " ", "failed" if "failed" in span.note else ""),
            (column(duration(span.end_us - span.start_us), 9, right=True) + " ", ""),
            (column(duration(span.own_us), 9, right=True) + " ", "dim"),
        ]
        bar_cells = max(room - name_cells - 22 - (12 if span.note else 0), 8)
        start = span.start_us * (bar_cells - 1) // total
        wide = max((span.end_us - span.start_us) * bar_cells // total, 1)
        fill = "." if span.waits else "="
        bar = " " * start + fill * min(wide, bar_cells - start)
        cells.append((column(bar, bar_cells), "dim" if span.waits else "blue"))
        if span.note:
            cells.append((f" {span.note}", "orange"))
        return cells

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
