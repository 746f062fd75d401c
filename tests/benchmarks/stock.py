"""The peer of the debugger's benchmarks: Textual's own widgets with the same things to show."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Footer, Header, Static, Tree

from debugger.session import RequestSummary
from debugger.timeline import Timeline, shown, subject
from debugger.tui.wording import clock_text, milliseconds

COLUMNS = ("started", "request", "route", "version", "outcome", "ms", "facts", "principal")


class StockApp(App[None]):
    """The requests in a `DataTable`, under a header and over a footer."""

    def __init__(self, requests: Sequence[RequestSummary]) -> None:
        super().__init__()
        self.requests = requests
        self.table: DataTable[str] = DataTable(cursor_type="row")

    def compose(self) -> ComposeResult:
        yield Header()
        yield self.table
        yield Footer()

    def on_mount(self) -> None:
        self.animation_level = "none"
        self.table.add_columns(*COLUMNS)
        self.table.add_rows(cells(of) for of in self.requests)
        self.table.focus()


def cells(of: RequestSummary) -> tuple[str, ...]:
    return (
        clock_text(of.started_us), of.short_id, of.route, of.edition or "", of.outcome,
        milliseconds(of.duration_us), str(of.facts), of.principal,
    )  # fmt: skip


class StockRequest(App[None]):
    """The panes of a request in stock widgets: facts, state, difference and source."""

    BINDINGS: ClassVar[list[BindingType]] = [("s", "step", "Step")]
    CSS = "#panes > Vertical { width: 1fr; } #panes Vertical > * { height: 1fr; }"

    def __init__(self, timeline: Timeline, source: str) -> None:
        super().__init__()
        self.timeline = timeline
        self.revision = 0
        self._source = source
        self.facts: DataTable[str] = DataTable(cursor_type="row")
        self.changes: DataTable[str] = DataTable()
        self.state: Tree[None] = Tree("state")
        self.line = Static("", markup=False)

    def compose(self) -> ComposeResult:
        yield Header()
        with Horizontal(id="panes"):
            with Vertical():
                yield self.facts
                yield Static(self._source, markup=False)
            with Vertical():
                yield self.changes
                yield self.state
                yield self.line
        yield Footer()

    def on_mount(self) -> None:
        self.animation_level = "none"
        self.facts.add_columns("#", "type", "subject")
        self.facts.add_rows(
            (str(n), event.type, subject(event)) for n, event in enumerate(self.timeline.events, 1)
        )
        self.changes.add_columns("", "path", "before", "after")
        self.state.root.expand()
        self.facts.focus()

    def action_step(self) -> None:
        """Go to the next fact, and show what there is of it."""
        self.revision = min(self.revision + 1, self.timeline.last)
        at, timeline = self.revision, self.timeline
        self.facts.move_cursor(row=at - 1)
        self.changes.clear()
        for change in timeline.diff(at - 1, at):
            self.changes.add_row(
                change.sign, change.path, shown(change.before), shown(change.after)
            )
        self.state.clear()
        for key, value in timeline.state_at(at).values.items():
            self.state.root.add_leaf(f"{key} {shown(value)}")
        self.line.update(timeline.fact(at).site or "")
