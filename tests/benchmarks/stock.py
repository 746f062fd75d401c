"""The peer of the debugger's benchmarks: Textual's own widgets with the same things to show."""

from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.widgets import DataTable, Footer, Header

from debugger.session import RequestSummary
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
