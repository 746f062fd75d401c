"""A request's time on one line: how much happened when, what failed, where the cursor is."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from debugger.timeline import Timeline
from debugger.tui.cells import Cell, strip, width_of
from debugger.tui.look import Look
from debugger.tui.wording import density_glyph, duration, elapsed_text
from runtime.facts import ContextRestored


class Scrubber(Widget):
    """Density, snapshots and failures; a click seeks (UI-3)."""

    DEFAULT_CSS = "Scrubber { height: 1; }"
    ALLOW_SELECT = False

    @dataclass
    class Sought(Message):
        """The person pointed at another moment."""

        revision: int

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__(id="scrubber")
        self._look = look
        self._timeline: Timeline | None = None
        self._revision = 0
        self._times: list[int] = []
        self._ordered: list[int] = []
        self._bar: tuple[int, str] = (0, "")

    def show(self, timeline: Timeline) -> None:
        """Show another history, or the same one grown."""
        self._timeline = timeline
        # A shorter one may be painted before its moment is worked out and placed.
        self._revision = min(self._revision, timeline.last)
        started = timeline.events[0].at_us if timeline.last else 0
        self._times = [max(event.at_us - started, 0) for event in timeline.events]
        if timeline.last > 1 and is_fork(timeline):
            # Restored days later, it would press all else into one column.
            self._times[-1] = self._times[-2] + 1
        self._ordered = sorted(self._times)
        self._bar = (0, "")
        self.refresh()

    def place(self, revision: int) -> None:
        """Put the cursor at *revision*."""
        self._revision = revision
        self.refresh()

    def render_line(self, y: int) -> Strip:
        look, room, timeline = self._look(), self.size.width, self._timeline
        if timeline is None or y:
            return strip((), room, look)
        wide = room >= 100
        total = max(self._times[-1:] or [0])
        left: list[Cell] = [(" 0 ms " if wide else " ", "dim")]
        right: list[Cell] = [(f" {duration(total)}  " if wide else "  ", "dim")]
        right.append((self._place_text(timeline, wide=wide), ""))
        cells = room - width_of(left) - width_of(right) - 1
        if cells < 8:
            return strip(right, room, look)
        if self._bar[0] != cells:
            self._bar = (cells, self._draw(timeline, cells, total))
        return strip([*left, *self._with_cursor(self._bar[1], total), *right], room, look)

    def _place_text(self, timeline: Timeline, *, wide: bool) -> str:
        at = elapsed_text(self._times[self._revision - 1] if self._revision else 0)
        at = at if at.endswith("s") else f"{at} ms"
        of = " of " if wide else "/"
        return f"#{self._revision}{of}{timeline.last}  +{at}"

    def _with_cursor(self, bar: str, total: int) -> list[Cell]:
        at = self._times[self._revision - 1] if self._revision else 0
        here = column_of(at, total, len(bar))
        pieces: list[Cell] = []
        for number, char in enumerate(bar):
            role = "focus" if number == here else "failed" if char in "x@" else "blue"
            pieces.append(("^" if number == here else char, role))
        return pieces

    def _draw(self, timeline: Timeline, cells: int, total: int) -> str:
        glyphs = self._look().glyphs.density
        bar = [density_glyph(count, glyphs) for count in counts_in(self._ordered, total, cells)]
        for name in timeline.snapshots.values():
            bar[column_of(self._times[name - 1] if name else 0, total, cells)] = "@"
        for revision in timeline.stops("failure"):
            bar[column_of(self._times[revision - 1], total, cells)] = "x"
        return "".join(bar)

    def on_click(self, event: events.Click) -> None:
        bar_cells, bar = self._bar
        if not bar:
            return
        start = 6 if self.size.width >= 100 else 1
        cell = event.x - start
        if 0 <= cell < bar_cells:
            total = max(self._times[-1:] or [0])
            latest = (cell + 1) * (total + 1) // bar_cells
            self.post_message(self.Sought(max(bisect_right(self._times, latest), 0)))


def is_fork(timeline: Timeline) -> bool:
    """Say whether the history ends with its restoring as a fork."""
    last = timeline.fact(timeline.last).data
    return isinstance(last, ContextRestored) and last.origin == "fork"


def column_of(at: int, total: int, cells: int) -> int:
    """Return in which of *cells* a time from 0 to *total* falls."""
    return min(max(at, 0) * cells // (total + 1), cells - 1)


def counts_in(ordered: Sequence[int], total: int, cells: int) -> list[int]:
    """Count the times of each cell; *ordered* are rising, none below 0.

    The bar is drawn anew when the text beside it grows: 50 000 facts one by one took 100 ms.
    """
    edges = [-(-(cell + 1) * (total + 1) // cells) for cell in range(cells - 1)]
    ends = [*(bisect_left(ordered, edge) for edge in edges), len(ordered)]
    return [end - start for start, end in pairwise([0, *ends])]
