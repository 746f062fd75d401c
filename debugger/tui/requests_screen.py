"""Screen 1: all requests, newest first, with a filter and a live tail (UI-2)."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Label
from textual.widgets.input import Selection

from debugger.errors import FilterError
from debugger.session import RequestSummary
from debugger.timeline import Timeline, printable
from debugger.tui.actions import Action
from debugger.tui.alike_line import AlikeLine
from debugger.tui.bars import Bar
from debugger.tui.cells import Cell
from debugger.tui.confirm import TextPane
from debugger.tui.desk import Desk, problem_of
from debugger.tui.face import LOW, SHORT, Face
from debugger.tui.fields import Field, typed_filter
from debugger.tui.later import Later
from debugger.tui.latest import Latest
from debugger.tui.lines import Lines
from debugger.tui.notes import Mark
from debugger.tui.pager import Pager
from debugger.tui.preview import heading, preview
from debugger.tui.requests_pane import RequestsPane

_MARGIN = 64
"""Rows from the end of the window at which the next page is asked for."""
_SLOWEST_S = 30.0
PATIENCE_S = 0.1
"""How long a start waits for the first rows before it shows that it reads them."""
LATE_S = 0.1
"""A preview that takes longer leaves the old one dimmed."""


class RequestsScreen(Face):
    """The list, a filter above it, a preview of the row under the cursor below."""

    DEFAULT_CSS = """
    RequestsScreen #filter-line { height: 1; }
    RequestsScreen #filter-line Label { color: $primary; padding: 0 1; }
    RequestsScreen #filter-line Field { background: $background; }
    RequestsScreen #count { width: auto; min-width: 24; }
    RequestsScreen #caret { display: none; }
    """
    face: ClassVar[str] = "requests"

    def __init__(self, desk: Desk, *, tail_s: float | None, rest_s: float) -> None:
        super().__init__(desk)
        self.list = RequestsPane(desk.look)
        self.preview = TextPane(desk.look, "preview", id="preview")
        self.pager = Pager(self, desk.session, self._changed, self._failed)
        self.following = True
        self._counted: int | None = None
        self._arrived_before = 0
        self._tail_s = tail_s
        self._rest_s = rest_s
        self._counts = Latest(self, "timescape-count")
        self._previews = Latest(self, "timescape-preview")
        self._alike = AlikeLine(self, desk.session, self.preview)
        self._previewed: RequestSummary | None = None
        self._resting = Later(self)
        self._late = Later(self)
        self._typing = Later(self)
        self._field = Field(
            id="filter",
            placeholder=f"{desk.key('search')} to filter: status:500  route:*orders*  since:15m",
        )
        self._count_bar = Bar(desk.look, id="count")
        self._caret = Bar(desk.look, id="caret")
        self._entered = False
        self._wants_end = False
        self._opens_first = False
        self._retry_in = 0.0
        self._tries = 0
        self._stale = False

    def body(self) -> ComposeResult:
        with Horizontal(id="filter-line"):
            yield Label("filter >")
            yield self._field
            yield self._count_bar
        yield self._caret
        yield self.list
        yield self.preview

    def begin(self) -> None:
        """Ask for the first rows before the screen is put together: most stores answer at once.

        Styling and layout would take the interpreter from the thread that reads, and rows that come
        a moment too late are a second paint of everything.
        """
        self.pager.restart("")
        self.pager.wait(PATIENCE_S)

    def on_mount(self) -> None:
        self.list.empty = ("reading the store",)
        self.list.note = "newest first"
        self.list.focus()
        self.show_title()
        if self._tail_s:
            self.set_interval(self._tail_s, self.tick)

    def on_unmount(self) -> None:
        self._resting.stop()
        self._late.stop()
        self._typing.stop()
        self.pager.close()
        self._counts.close()
        self._previews.close()
        self._alike.close()

    # --- what it tells ---

    @property
    def pending(self) -> bool:
        waits = self._resting.waiting or self._typing.waiting
        return (
            waits
            or self.pager.asking
            or self._counts.busy
            or self._previews.busy
            or self._alike.busy
        )

    def lines(self) -> list[Lines]:
        return [self.list, self.preview] if self.preview.display else [self.list]

    def blocked(self, action: Action) -> str | None:
        if action.id in ("copy",) and self.list.current is None:
            return "there is no request"
        return None

    def offers(self, name: str) -> bool:
        if name == "open" and self.list.problem is None:
            return self.list.current is not None
        return super().offers(name)

    def subject(self) -> Mark | None:
        current = self.list.current
        if current is None:
            return None
        return Mark(current.stream, current.facts, printable(current.outcome[:60]))

    def marked(self) -> None:
        notes = self.desk.notes
        self.list.marks = {mark.stream: name for name, mark in (("A", notes.a), ("B", notes.b))
                           if mark is not None}  # fmt: skip
        self.list.renew()

    def on_screen_resume(self) -> None:
        self.marked()

    def show_title(self) -> None:
        left: list[Cell] = [
            ("1 Requests  ", "strong"),
            (self.desk.store_name + "  ", ""),
            ("following" if self.following else "not following", "blue"),
        ]
        if self._stale:
            wait = f", next try in {self._retry_in:.0f} s" if self._retry_in else ""
            left.append((f"  stale{wait}", "failed"))
        self.title_bar.show(left, self.desk.mode())
        self._count_bar.show((), [(self.pager.count_text(self.total) + " ", "dim")])

    # --- pages and tail ---

    def _changed(self, shifted: int) -> None:
        """The window of requests changed; *shifted* rows came in front."""
        pane, listing = self.list, self.pager.listing
        self._stale, self._tries, self._retry_in = False, 0, 0.0
        current = pane.current
        pane.rows = listing.rows
        pane.problem = None
        pane.dim(now=False)
        self._keep_cursor(current, shifted)
        pane.renew()
        self._say_empty()
        self._note()
        if self._counted is None:
            self._count()
        self.show_title()
        self.bottom.renew()
        self._look_closer()
        self._fill()
        if self._opens_first:
            self._opens_first = False
            self.do_open()

    def _keep_cursor(self, current: RequestSummary | None, shifted: int) -> None:
        pane = self.list
        if self._wants_end and not self.pager.busy:
            self._wants_end = False
            pane.cursor = max(len(pane.rows) - 1, 0)
        elif shifted and not (self.following and pane.cursor == 0 and shifted > 0):
            pane.cursor = max(pane.cursor + shifted, 0)
            pane.top = max(pane.top + shifted, 0)
        elif current is not None and pane.cursor >= len(pane.rows):
            pane.cursor = 0

    def _say_empty(self) -> None:
        total = self.total
        if self.pager.where:
            rest = f"{total} without the filter." if total is not None else ""
            looked = f"{self.pager.scanned} looked at" if self.pager.listing.older else "no match"
            self.list.empty = (f"{looked}. {rest}", f"{self.desk.key('back')} clears the filter")
        else:
            self.list.empty = ("listening: no request yet", "they show here as they are served")

    def _note(self) -> None:
        pane = self.list
        new = self.pager.unseen
        plus = "+" if new >= 256 else ""
        told = f"{new}{plus} new, {self.desk.key('follow')} follows, " if new else ""
        self.list.note_is(f"{told}{pane.day()} newest first".strip())

    def _fill(self) -> None:
        """Ask for the next page where the cursor comes near the end of the window."""
        pane = self.list
        if pane.cursor + max(pane.body_height, _MARGIN) >= len(pane.rows):
            self.pager.more_older()
        elif pane.cursor < _MARGIN:
            self.pager.more_newer()

    def _failed(self, error: Exception) -> None:
        self._opens_first = False
        if isinstance(error, FilterError):
            self._bad_filter(error)
            return
        problem, remedy = problem_of(error, self.desk.retry)
        if self.list.rows:
            # The last good read stays; it is tried again by itself, ever more rarely (ST-4).
            self._tries += 1
            self._retry_in = min(2.0**self._tries, _SLOWEST_S)
            self._stale = True
            self.say(f"{problem} {remedy}", "orange")
            self.list.dim(now=False)
            self.show_title()
        else:
            self.list.problem = (problem, remedy)
            self.list.renew()

    def tick(self) -> None:
        """Look whether something was written; called again and again."""
        if self._retry_in:
            self._retry_in = max(self._retry_in - (self._tail_s or 0.0), 0.0)
            self.show_title()
            if self._retry_in:
                return
        if self.pager.loaded:
            self.pager.poll(follow=self.following)
        if self.desk.seconds_left or self.title_bar.right != self.desk.mode():
            self.show_title()
            self.bottom.renew()

    @property
    def total(self) -> int | None:
        """How many requests the store holds; None: not counted yet."""
        if self._counted is None:
            return None
        return self._counted + self.pager.arrived - self._arrived_before

    def _count(self) -> None:
        if self._counts.busy:
            return

        arrived = self.pager.arrived

        def counted(total: int) -> None:
            self._counted, self._arrived_before = total, arrived
            self._say_empty()
            self.show_title()

        # A count is no reason for an alarm: the list itself will tell of a lost store.
        self._counts.ask(self.desk.session.count, counted, lambda error: None)

    # --- the preview ---

    def _look_closer(self) -> None:
        current = self.list.current
        if current == self._previewed:
            return
        if self._late.waiting:
            self.preview.dim()  # whoever runs past rows sees that it is of none of these
        else:
            # One step is answered at once: dimmed before that, it would only flicker.
            self._late.ask(self._rest_s + LATE_S, self.preview.dim)
        self._resting.ask(self._rest_s, self._read_preview)

    def _read_preview(self) -> None:
        of = self.list.current
        self._previewed = of
        if of is None:
            self._late.stop()
            self.preview.title = "preview"
            self.preview.show([])
            return
        session, pane, to = self.desk.session, self.preview, self.desk.look().glyphs.to

        def told(timeline: Timeline) -> None:
            self._late.stop()
            pane.title = heading(of)
            pane.problem = None
            rows = preview(of, timeline, to)
            pane.show(rows)
            self._alike.want(of, rows)

        def failed(error: Exception) -> None:
            self._late.stop()
            pane.title = of.short_id
            pane.problem = problem_of(error, self.desk.retry)
            pane.show([])

        self._previews.ask(lambda: session.timeline(of.stream), told, failed)

    def on_lines_moved(self, message: Lines.Moved) -> None:
        if message.lines is self.list:
            self._note()
            self._look_closer()
            self._fill()

    def on_lines_opened(self) -> None:
        self.do_open()

    # --- the filter ---

    def do_search(self) -> None:
        # What is typed takes the place of the old filter; an arrow key goes into it instead.
        self.set_focus(self._field)  # at once: what is typed next is for it
        self._field.selection = Selection(0, len(self._field.value))

    def filter(self, text: str) -> None:
        self._field.value = typed_filter(text)
        self._entered = True
        self._try_filter()

    def on_input_changed(self, message: Input.Changed) -> None:
        if message.input is self._field and message.value.strip() != self.pager.where:
            self._typing.ask(2 * self._rest_s, self._try_filter)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        if message.input is self._field:
            self._entered = True
            self._try_filter()

    def on_field_left(self, message: Field.Left) -> None:
        if message.field is self._field:
            if not self._field.value.strip():
                self._try_filter()
            self.list.focus()

    def _try_filter(self) -> None:
        self._typing.stop()
        text = self._field.value.strip()
        if self._entered:
            self.list.focus()
        self._caret.styles.display = "none"
        if text == self.pager.where and self.pager.loaded and not self.list.problem:
            self._entered = False
            return
        self.list.dim()
        self.list.cursor = self.list.top = 0
        self._counted = None
        self.pager.restart(text)

    def _bad_filter(self, error: FilterError) -> None:
        """Show what cannot be read; while it is still typed, only that the list waits."""
        self.list.dim(now=False)
        if not self._entered:
            return
        self._entered = False
        start = len(" filter > ") - 1
        remedy = f"  {error.remedy}" if error.remedy else ""
        said = f"{' ' * (start + error.cells)}^ {printable(error.expected)}{remedy}"
        self._caret.show([(said, "failed")])
        self._caret.styles.display = "block"
        self._field.focus()

    # --- the rest of the actions ---

    def do_open(self) -> None:
        if self.list.problem is not None:
            self.list.problem = None
            self.pager.restart(self.pager.where)
        elif self.pager.busy and self._field.value.strip() != self.pager.where:
            # What is shown is not what was asked for: the first that matches is meant.
            self._opens_first = True
        elif self.list.current is not None:
            self.post_message(self.Open(self.list.current))
        else:
            self.say("There is no request to open.")

    def do_back(self) -> None:
        if self._field.value:
            self.filter("")
        elif self.desk.notes.unmark():
            self.marked()
            self.say("No mark any more.")
        else:
            self.say(f"Nothing to clear; {self.desk.key('level-up')} quits.")

    def do_level_up(self) -> None:
        self.do_quit()

    def do_follow(self) -> None:
        self.following = not self.following
        self.show_title()
        if self.following:
            self.list.place(0, tell=True)
            self.pager.restart(self.pager.where)
        self.say(
            "Following what is written."
            if self.following
            else f"Not following: {self.desk.key('follow')} follows."
        )

    def do_first_row(self) -> None:
        if self.pane is self.preview or self.pager.listing.newest:
            super().do_first_row()
            return
        self.list.dim()
        self.list.cursor = self.list.top = 0
        self.pager.restart(self.pager.where)

    def do_last_row(self) -> None:
        if self.pane is self.preview or self.pager.listing.older is None:
            super().do_last_row()
            return
        self.list.dim()
        self._wants_end = True
        self.pager.oldest()

    def to_copy(self) -> str:
        return self.list.current.request_id if self.list.current else ""

    # --- sizes ---

    def lay_out(self, width: int, height: int) -> None:
        del width
        self.preview.styles.height = 12 if height >= LOW else 6
        self.preview.styles.display = "none" if height < SHORT else "block"
