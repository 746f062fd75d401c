"""The facts of a request, one a row; row n is the moment after fact n."""

from collections.abc import Callable, Sequence
from typing import Any

from debugger.timeline import Timeline, is_failure, printable, subject, width
from debugger.timeline.folding import Run, fold, open_at, row_of
from debugger.tui.cells import Cell, Cells, column
from debugger.tui.lines import Lines
from debugger.tui.look import Look
from debugger.tui.wording import detail_of, elapsed_text, last_name, sign_of
from eventstore import Event
from runtime.facts import RequestReceived

_TYPE_CELLS = 22
_DEEPEST = 3
_NAMED = ("hook.", "handler.", "effect.", "compensation.", "cleanup.")


class TimelinePane(Lines):
    """Shows where in the history the cursor is, and what happened around it."""

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__(look, "timeline", id="timeline")
        self._timeline: Timeline | None = None
        self._depths: list[int] = []
        self._number_cells = self._time_cells = 1
        self.matches: frozenset[int] = frozenset()
        """Revisions that a search found."""
        self.folded = False
        """Whether neighbours alike but for indices stand in one row."""
        self._runs: Sequence[Run] = ()
        """The rows, where they are folded and the cursor is nowhere."""
        self._rows: Sequence[Run] | None = None
        """The rows that are seen after the first; None: one a fact."""

    def show(self, timeline: Timeline) -> None:
        """Show another history, or the same one grown."""
        self._timeline = timeline
        self._depths = depths(timeline.events)
        self._number_cells = len(str(timeline.last))
        self._time_cells = max(
            (len(_elapsed(timeline.events, n)) for n in _ends(timeline)), default=1
        )
        self.note_is(f"all {timeline.last}")
        self.renew()

    def fold(self, alone: frozenset[int]) -> None:
        """Fold the rows, if that is wanted; facts at *alone* stand in rows of their own."""
        at, timeline = self.revision, self._timeline
        folded = self.folded and timeline is not None
        self._runs = fold(timeline.events, alone) if folded and timeline is not None else ()
        self._rows = open_at(self._runs, at) if folded else None
        self.cursor = self._row_at(at)
        self.renew()

    @property
    def revision(self) -> int:
        """The moment that the cursor is at."""
        return self.moment_of(self.cursor)

    def moment_of(self, row: int) -> int:
        """Return the moment that a row means: of several facts the nearest to the cursor.

        Whoever comes from below is at the first of them, so that all are passed by one step.
        """
        if self._rows is None or row == 0 or row > len(self._rows):
            return row
        run = self._rows[row - 1]
        return run.first if row < self.cursor else run.last

    def _row_at(self, revision: int) -> int:
        if self._rows is None or revision < 1:
            return revision
        return row_of(self._rows, revision) + 1

    def at(self, revision: int) -> None:
        """Put the cursor on the row of a moment, which is never in a row with others."""
        if self._rows is not None:
            rows = open_at(self._runs, revision)
            if rows != self._rows:
                self._rows = rows
                self.cursor = self._row_at(revision)
                self.renew()
        self.place(self._row_at(revision))

    def place(self, row: int, *, tell: bool = False) -> None:
        """Put the cursor on *row*; tells the moment that it means."""
        row = self._inside(row)
        moment, moved = self.moment_of(row), row != self.cursor
        super().place(row)
        if tell and moved:
            self.post_message(self.Moved(self, moment))

    def found(self, matches: frozenset[int]) -> None:
        """Mark what a search found."""
        self.matches = matches
        self.renew()

    @property
    def count(self) -> int:
        if self._rows is not None:
            return len(self._rows) + 1
        return self._timeline.last + 1 if self._timeline else 0

    def row_key(self, index: int) -> Any:
        return index if self._rows is None or index == 0 else self._rows[index - 1]

    def row(self, index: int, room: int) -> Cells:
        timeline = self._timeline
        assert timeline is not None  # noqa: S101 - there are no rows without one
        run = None if self._rows is None or index == 0 else self._rows[index - 1]
        index = index if run is None else run.last
        number = column(str(index), self._number_cells, right=True)
        if index == 0:
            blank = " " * self._time_cells
            return [(f"{number} {blank}  ", "dim"), ("before the first fact", "dim")]
        event = timeline.fact(index)
        failed = is_failure(event)
        sign, role = sign_of(event, failed=failed)
        elapsed = column(_elapsed(timeline.events, index), self._time_cells, right=True)
        indent = " " * min(self._depths[index - 1], _DEEPEST)
        kind = column(indent + printable(event.type[:64]), _TYPE_CELLS, more=self.look.glyphs.cut)
        found = "=" if index in self.matches else " "
        cells: list[Cell] = [
            (f"{number} {elapsed}", "dim"),
            (found, "orange"),
            (sign + " ", role),
        ]
        if run is not None and run.count > 1:
            many = f"{run.count} x {printable(event.type[:64])} "
            return [*cells, (many, _role(event)), (printable(run.about[:400]), "")]
        cells.append((kind + " ", "failed" if failed else _role(event)))
        rest = room - sum(width(text) for text, _ in cells)
        return [*cells, *_about(event, rest)]


def _about(event: Event, room: int) -> list[Cell]:
    about = subject(event)
    if isinstance(event.data, RequestReceived):
        about = printable(f"{event.data.method} {event.data.path}"[:400])
    elif event.type.startswith(_NAMED) and width(about) > room * 2 // 3:
        # The end of such a name tells more than its beginning.
        about = last_name(event.key or "")
    cells: list[Cell] = [(about, "")]
    left = room - width(about) - 2
    if left > 3:
        detail = detail_of(event, most=left + 8)
        if detail:
            cells.append(("  " + detail, "dim"))
    return cells


def _role(event: Event) -> str:
    return "blue" if event.type.startswith("context.") else ""


def _elapsed(events: Sequence[Event], revision: int) -> str:
    return elapsed_text(events[revision - 1].at_us - events[0].at_us)


def _ends(timeline: Timeline) -> Sequence[int]:
    """Return the facts whose times may be the widest: the last two, as a fork's is far off."""
    return range(max(timeline.last - 1, 1), timeline.last + 1)


def depths(events: Sequence[Event]) -> list[int]:
    """Return how many hooks and handlers each fact stands inside of."""
    found: list[int] = []
    depth = 0
    for event in events:
        subject, _, what = event.type.partition(".")
        spans = subject in ("hook", "handler")
        if spans and what in ("ended", "failed"):
            depth = max(depth - 1, 0)
        found.append(depth)
        if spans and what == "started":
            depth += 1
    return found
