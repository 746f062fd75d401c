"""Screen 3: where the time of the request went (UI-4)."""

from typing import ClassVar

from debugger.timeline import Timeline, printable
from debugger.timeline.spans import Span
from debugger.tui.board import Board
from debugger.tui.cells import Cell, Cells
from debugger.tui.desk import Desk
from debugger.tui.notes import Mark
from debugger.tui.span_rows import SpanRows, spans_of
from debugger.tui.wording import duration


class WaterfallScreen(Board):
    """A bar for everything that took time, one within the other."""

    face: ClassVar[str] = "waterfall"
    name_shown: ClassVar[str] = "3 Waterfall"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.rows = SpanRows()
        self._timeline: Timeline | None = None

    def look_at(self, timeline: Timeline) -> None:
        self._timeline = timeline
        clock = self.desk.session.sources[0]
        self.list.dim()
        self._reads.ask(lambda: spans_of(timeline, clock), self._show, self.failed)
        self.show_title()

    def reload(self) -> None:
        if self._timeline is not None:
            self.look_at(self._timeline)

    def about(self) -> list[Cell]:
        timeline = self._timeline
        return [(timeline.short_id, "focus")] if timeline else []

    def subject(self) -> Mark | None:
        timeline = self._timeline
        if timeline is None or not self.rows.spans:
            return None
        return Mark(timeline.stream, self.rows.spans[self.list.cursor].start)

    def _show(self, found: list[Span]) -> None:
        self.rows = SpanRows(found)
        self.list.note = self.rows.note
        self.list.show(len(found), self.rows.cells)
        self.renew_detail()

    def lay_out(self, width: int, height: int) -> None:
        super().lay_out(width, height)
        self.list.header = self.rows.header(width - 2)

    def tell(self, index: int) -> list[Cells]:
        span = self.rows.spans[index]
        ended = f"#{span.end}" if span.end is not None else "not yet"
        return [
            [("name      ", "dim"), (printable(span.name[:300]), "")],
            [("began     ", "dim"), (f"#{span.start}, after {duration(span.start_us)}", "")],
            [("ended     ", "dim"), (f"{ended}, after {duration(span.end_us)}", "")],
            [("its own   ", "dim"), (duration(span.own_us), "")],
        ]

    def open_row(self, index: int) -> None:
        if self._timeline is not None:
            self.post_message(self.Open(self._timeline.stream, self.rows.spans[index].start))
