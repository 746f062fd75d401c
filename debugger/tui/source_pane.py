"""The handler's source at the line that spoke."""

from collections import Counter
from collections.abc import Callable, Sequence

from debugger.session import Source
from debugger.timeline import Timeline, printable
from debugger.tui.cells import Cell, Cells, spread
from debugger.tui.lines import Lines
from debugger.tui.location import Location
from debugger.tui.look import Look
from debugger.tui.wording import place_text


class SourcePane(Lines):
    """Lines of a file: `>` the one that spoke, `*` those that spoke at other moments."""

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__(look, "source", id="source")
        self.source: Source | None = None
        self._counts: Counter[str] = Counter()
        self.stops: frozenset[str] = frozenset()
        """Breakpoints, as they are written."""

    def know(self, timeline: Timeline) -> None:
        """Learn which lines speak in this request, and how often."""
        self._counts = Counter(event.site for event in timeline.events if event.site)
        self.source = None

    def show(self, location: Location) -> None:
        """Show the place that *location* came from."""
        source, known = location.source, self.source
        self.dimmed = False
        if source is None:
            self.source, self.title, self.note, self.problem = None, "source", "", None
            self.empty = ("no line of the app has spoken yet",)
            self.renew()
            return
        note = self._note(source, spoke=location.spoke)
        if (
            known is not None
            and note == self.note
            and (known.site, known.lines)
            == (
                source.site,
                source.lines,
            )
        ):
            self.place(source.line - 1)
            return
        self.source, self.note = source, note
        self.title = f"source {place_text(self._file)}"
        self.problem = None if source.lines else (printable(source.problem), _REMEDY)
        row = source.line - 1
        if not (known and known.path == source.path and self._sees(row)):
            self.top = max(0, row - self.body_height // 2)
        self.cursor = row
        self.renew()

    def _sees(self, row: int) -> bool:
        return self.top <= row < self.top + self.body_height

    def _note(self, source: Source, *, spoke: bool) -> str:
        told = f"line {source.line}" if spoke else f"line {source.line} spoke last"
        return f"{told}, code differs from what ran" if source.lines and source.problem else told

    @property
    def _file(self) -> str:
        return self.source.site.rpartition(":")[0] if self.source else ""

    @property
    def site(self) -> str:
        """The line under the cursor, as the record would name it."""
        return f"{self._file}:{self.cursor + 1}"

    @property
    def count(self) -> int:
        return len(self._lines)

    @property
    def _lines(self) -> Sequence[str]:
        return self.source.lines if self.source else ()

    def row(self, index: int, room: int) -> Cells:
        number = index + 1
        here = self.source is not None and number == self.source.line
        times = self._counts.get(f"{self._file}:{number}", 0)
        stop = f"line:{self._file}:{number}" in self.stops
        cells: list[Cell] = [
            (
                ">" if here else "b" if stop else "*" if times else " ",
                "orange" if here or stop else "blue",
            ),
            (f"{number:>5} ", "dim"),
            (printable(self._lines[index][:2000].expandtabs(4)), "strong" if here else ""),
        ]
        told: list[Cell] = [(f"  {times} facts", "dim")] if times > 1 else []
        return spread(cells, told, room, self.look.glyphs.cut)


_REMEDY = "Start the debugger in the app's folder to see the code."
