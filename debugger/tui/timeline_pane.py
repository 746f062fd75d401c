"""The facts of a request, one a row; row n is the moment after fact n."""

from collections.abc import Callable, Sequence

from debugger.timeline import Timeline, is_failure, printable, subject, width
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

    def found(self, matches: frozenset[int]) -> None:
        """Mark what a search found."""
        self.matches = matches
        self.renew()

    @property
    def count(self) -> int:
        return self._timeline.last + 1 if self._timeline else 0

    def row(self, index: int, room: int) -> Cells:
        timeline = self._timeline
        assert timeline is not None  # noqa: S101 - there are no rows without one
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
            (kind + " ", "failed" if failed else _role(event)),
        ]
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
