"""Spans as rows: what took time, how long, and when; the same in screen 3 and in the tab of 2."""

from collections.abc import Callable, Sequence

from textual.message_pump import MessagePump

from debugger.timeline import Timeline, printable
from debugger.timeline.spans import Span, spans
from debugger.tui.cells import Cell, Cells, column, cut_cells
from debugger.tui.latest import Latest
from debugger.tui.lines import Lines
from debugger.tui.look import Look
from debugger.tui.scrubber import is_fork
from debugger.tui.wording import duration, last_name

_NAME_CELLS = 40
_TIME_CELLS = 9
_FEWEST_BAR_CELLS = 8


class SpanRows:
    """Bars that stand below one another where the time is the same.

    Args:
        found: the spans of one request.
    """

    def __init__(self, found: Sequence[Span] = ()) -> None:
        self.spans = found
        self._note_cells = max((len(span.note) + 2 for span in found if span.note), default=0)

    @property
    def note(self) -> str:
        """How many there are, and what the bars are made of."""
        return f"{len(self.spans)} spans; = works, . waits"

    def header(self, room: int) -> Cells:
        """Return the names of the columns."""
        head = _columns(min(_NAME_CELLS, room // 3), "what", "took")
        return [(head + column("its own", _TIME_CELLS, right=True) + "  when", "")]

    def cells(self, index: int, room: int) -> Cells:
        """Return row *index* for a line of *room* cells."""
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

    def at(self, revision: int) -> int:
        """Return the row of the innermost span that a moment lies in."""
        within = (
            row for row, span in enumerate(self.spans)
            if span.start <= revision <= (span.end or revision)
        )  # fmt: skip
        return max(within, key=lambda row: self.spans[row].start, default=0)


class WaterfallPane(Lines):
    """The spans beside the other panes, where there is no room for both; follows the cursor."""

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__(look, "waterfall", id="waterfall")
        self.rows = SpanRows()

    def show(self, rows: SpanRows) -> None:
        """Show other spans."""
        self.rows = rows
        self.dimmed, self.problem = False, None
        self.note = rows.note
        self.renew()

    @property
    def count(self) -> int:
        return len(self.rows.spans)

    def row(self, index: int, room: int) -> Cells:
        return cut_cells(self.rows.cells(index, room), room, self.look.glyphs.cut)

    def on_resize(self) -> None:
        self.header = self.rows.header(self.size.width - 2)
        super().on_resize()


class SpanHistory:
    """Fills the pane with the spans of what is shown, worked out off the screen's thread.

    Args:
        host: hands out the answers.
        pane: shows them.
        now_us: the time, at which open spans end.
        retry: what to do when they cannot be worked out.
    """

    def __init__(
        self, host: MessagePump, pane: WaterfallPane, now_us: Callable[[], int], retry: str
    ) -> None:
        self._lane = Latest(host, "timescape-spans")
        self._pane = pane
        self._now_us = now_us
        self._retry = retry
        self._shown: Timeline | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._lane.busy

    def close(self) -> None:
        """End the thread as soon as it is free."""
        self._lane.close()

    def want(self, timeline: Timeline, revision: int) -> None:
        """Show the spans of *timeline*, with the cursor where *revision* lies; only if seen."""
        if not self._pane.display:
            return
        if self._shown is timeline:
            self._pane.place(self._pane.rows.at(revision))
            return

        def then(found: list[Span]) -> None:
            self._shown = timeline
            self._pane.show(SpanRows(found))
            self._pane.place(self._pane.rows.at(revision))

        def failed(error: Exception) -> None:
            self._pane.problem = (printable(str(error)[:400]), self._retry)
            self._pane.renew()

        self._pane.dim()
        self._lane.ask(lambda: spans_of(timeline, self._now_us), then, failed)


def spans_of(timeline: Timeline, now_us: Callable[[], int]) -> list[Span]:
    """Return the spans of a request; those that are open end now."""
    # A restored fork goes on nowhere: what it had open ended where it was forked.
    open_ = not (timeline.state_at(timeline.last).terminal or is_fork(timeline))
    return spans(timeline.events, now_us=now_us() if open_ else None)


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
