"""The requests, newest first."""

from collections.abc import Callable, Mapping, Sequence

from debugger.session import RequestSummary
from debugger.session.requests import TENTHS
from debugger.timeline import printable
from debugger.tui.cells import Cell, Cells, column
from debugger.tui.lines import Lines
from debugger.tui.look import Look
from debugger.tui.wording import clock_text, density_glyph, milliseconds, moment_of
from eventstore import StreamId

_WIDE = 100
_WIDEST = 116


class RequestsPane(Lines):
    """Rows of time, id, route, version, outcome, duration, facts, principal."""

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__(look, "requests", id="requests")
        self.rows: Sequence[RequestSummary] = ()
        self.marks: Mapping[StreamId, str] = {}
        """Requests that are marked, as A or B."""

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def current(self) -> RequestSummary | None:
        """The request under the cursor."""
        return self.rows[self.cursor] if self.rows else None

    def row_key(self, index: int) -> RequestSummary:
        return self.rows[index]

    def on_resize(self) -> None:
        self.header = self._cells(_NAMES, self.size.width - 2, "dim")
        super().on_resize()

    def day(self) -> str:
        """Return the day of the row under the cursor."""
        return f"{moment_of(self.current.started_us):%Y-%m-%d} UTC" if self.current else ""

    def row(self, index: int, room: int) -> Cells:
        of = self.rows[index]
        glyphs = self.look.glyphs
        kind = glyphs.fork if of.parent else "!" if of.failed else " "
        sign = self.marks.get(of.stream, kind)
        route = of.route or f"{of.method} {of.path}"
        running = of.status is None and of.parent is None and not of.failed
        texts = {
            "sign": sign,
            "started": clock_text(of.started_us),
            "request": of.short_id,
            "route": printable(route[:300]),
            "version": printable((of.edition or of.version or "")[:60]),
            "outcome": printable(of.outcome[:120]),
            "ms": "" if running else milliseconds(of.duration_us),
            "facts": str(of.facts),
            "by": printable(of.principal[:60]),
            "rhythm": self._rhythm(of),
        }
        return self._cells(texts, room, "", failed=of.failed)

    def _rhythm(self, of: RequestSummary) -> str:
        glyphs = self.look.glyphs.density
        drawn = "".join("x" if n < 0 else density_glyph(n, glyphs) for n in of.rhythm)
        return f"{drawn[:-2]}||" if drawn and of.outcome.startswith("paused") else drawn

    def _cells(
        self, texts: dict[str, str], room: int, role: str, *, failed: bool = False
    ) -> list[Cell]:
        columns = _ALL if room >= _WIDEST - 2 else _COLUMNS if room >= _WIDE - 2 else _FEW
        fixed = sum(cells for _, cells, _ in columns) + 2 * (len(columns) - 2) + 1
        cells: list[Cell] = []
        for name, given, right in columns:
            wide = given or max(room - fixed, 8)
            text = column(texts[name], wide, right=right, more=self.look.glyphs.cut)
            mine = "failed" if failed and name in ("sign", "outcome") else role
            mine = "dim" if name in ("started", "version", "by") and not role else mine
            mine = "blue" if name == "rhythm" and not role else mine
            cells.append((text + (" " if name == "sign" else "  "), mine))
        return [*cells[:-1], (cells[-1][0].rstrip(), cells[-1][1])]


_NAMES = {
    "sign": "", "started": "started", "request": "request", "route": "route",
    "version": "version", "outcome": "outcome", "ms": "ms", "facts": "facts", "by": "by",
    "rhythm": "when",
}  # fmt: skip
_COLUMNS = (
    ("sign", 1, False), ("started", 12, False), ("request", 10, False), ("route", 0, False),
    ("version", 10, False), ("outcome", 17, False), ("ms", 6, True), ("facts", 5, True),
    ("by", 9, False),
)  # fmt: skip
_ALL = (*_COLUMNS, ("rhythm", TENTHS, False))
_FEW = (
    ("sign", 1, False), ("started", 12, False), ("route", 0, False), ("version", 10, False),
    ("outcome", 17, False), ("ms", 6, True),
)  # fmt: skip
"""Name, cells (0: what is left), at the right."""
