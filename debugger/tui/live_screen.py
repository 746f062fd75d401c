"""Screen 8: gates, the requests they hold with state and draft, and what comes in (UI-7)."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from debugger.errors import BadInputError, DebuggerError
from debugger.session import RequestSummary, request_id
from debugger.session.again import StateEdit
from debugger.session.drafts import draft_edit
from debugger.timeline import Timeline, printable, shown
from debugger.tui.actions import Action
from debugger.tui.board import Board
from debugger.tui.cells import Cell, Cells, column
from debugger.tui.confirm import Confirm
from debugger.tui.desk import Desk, problem_of
from debugger.tui.latest import Latest
from debugger.tui.lines import Lines
from debugger.tui.live_rows import Row, about_gate, cells_of, draft_cells, key_of, stream_of
from debugger.tui.notes import Mark, edit_text
from debugger.tui.runs import Task
from eventstore.values import decode
from runtime.gates import GateView, PauseView, Wanted
from runtime.gates.views import Held
from runtime.lifecycle.editing import SetState

TAIL = 16
"""Requests that are shown as they come."""
HOLD_S = 30.0
"""What a gate that is armed here holds; + gives 30 s more (GA-6)."""
_OF_A_PAUSE = ("resume", "step-on", "fail", "extend", "edit", "fork", "clear-draft")


class LiveScreen(Board):
    """Gates, then what they hold, then the newest requests."""

    face: ClassVar[str] = "live"
    name_shown: ClassVar[str] = "8 Live"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.rows: list[Row] = []
        self.state: Timeline | None = None
        """History of the request under the cursor, if it is held."""
        self._acts = Latest(self, "timescape-gate")

    def on_mount(self) -> None:
        self.reload()

    def on_unmount(self) -> None:
        self._acts.close()

    @property
    def pending(self) -> bool:
        return super().pending or self._acts.busy

    def about(self) -> list[Cell]:
        gates = len(self.desk.live.held.gates)
        return [(f"{gates} gates" if gates != 1 else "1 gate", "dim")]

    # --- reading ---

    def reload(self) -> None:
        self._reads.ask(self._look, self._show, self.failed)

    def tick(self) -> None:
        super().tick()
        if not self.pending:
            self.reload()

    def _look(self) -> tuple[Held, str, list[RequestSummary]]:
        live, session = self.desk.live, self.desk.session
        newest = list(session.requests("", limit=TAIL).requests)
        if not live.can:
            return Held(), "Nothing is served from a file that was exported.", newest
        try:
            return live.gates().beat(), "", newest
        except DebuggerError as error:
            live.forget()
            return Held(), f"{error.problem} {error.remedy}", newest

    def _show(self, found: tuple[Held, str, list[RequestSummary]]) -> None:
        held, problem, newest = found
        self.desk.live.held = held
        none: list[Row] = [printable(problem) or "No gate is armed: `:arm gate` arms one."]
        before = self._key()
        self.rows = [*(held.gates or none), *held.paused, *newest]
        self.list.show(len(self.rows), self._cells)
        keys = [key_of(row) for row in self.rows]
        self.list.place(keys.index(before) if before in keys else min(self.list.cursor, len(keys)))
        self.show_title()
        self.renew_detail()
        self._read_state()

    def _key(self) -> str:
        return key_of(self.rows[self.list.cursor]) if self.rows else ""

    def _read_state(self) -> None:
        """Read the history of the request under the cursor, once it is held elsewhere."""
        pause = self.pause
        stream = None if pause is None else stream_of(pause)
        known = self.state
        if pause is None or stream is None:
            self.state = None
        elif known is None or known.stream != stream or known.last <= pause.revision:
            session = self.desk.session
            self._details.ask(lambda: session.timeline(stream), self._show_state, self.failed)

    def _show_state(self, timeline: Timeline) -> None:
        self.state = timeline
        self.renew_detail()

    def on_lines_moved(self, message: Lines.Moved) -> None:
        # Textual calls the board's, too, which shows what is known already.
        if message.lines is self.list:
            self._read_state()

    # --- showing ---

    @property
    def pause(self) -> PauseView | None:
        """The held request under the cursor; else the only one there is."""
        row = self.rows[self.list.cursor] if self.rows else None
        if isinstance(row, PauseView):
            return row
        paused = self.desk.live.held.paused
        return paused[0] if len(paused) == 1 else None

    def _cells(self, index: int, room: int) -> Cells:
        del room
        row = self.rows[index]
        edits = self.desk.live.draft(row.pause) if isinstance(row, PauseView) else ()
        return cells_of(row, len(edits))

    def tell(self, index: int) -> list[Cells]:
        pause, timeline = self.pause, self.state
        if pause is None or timeline is None or stream_of(pause) != timeline.stream:
            return about_gate(self.rows[index]) if index < len(self.rows) else []
        values = timeline.state_at(min(pause.revision, timeline.last)).values
        draft = self._draft(values, pause)
        state: list[Cells] = [
            [(column(f"/{printable(key)}", 24), ""), (shown(value, 200), "dim")]
            for key, value in values.items()
        ]
        return [*draft, *(state or [[("It has no state yet.", "dim")]])]

    def _draft(self, values: Mapping[str, object], pause: PauseView) -> list[Cells]:
        edits, to = self.desk.live.draft(pause.pause), self.desk.look().glyphs.to
        return [draft_cells(values, edit, to) for edit in edits]

    def subject(self) -> Mark | None:
        row = self.rows[self.list.cursor] if self.rows else None
        if isinstance(row, RequestSummary):
            return Mark(row.stream, row.facts, printable(row.outcome[:60]))
        pause = self.pause
        return None if pause is None else Mark(stream_of(pause), pause.revision, pause.point)

    def leads(self, index: int) -> bool:
        return isinstance(self.rows[index], RequestSummary | PauseView)

    def open_row(self, index: int) -> None:
        row = self.rows[index]
        if isinstance(row, RequestSummary):
            self.post_message(self.Open(row))
        elif isinstance(row, PauseView):
            self.post_message(self.Open(stream_of(row), row.revision))
        else:
            super().open_row(index)

    # --- actions ---

    def blocked(self, action: Action) -> str | None:
        if action.id in _OF_A_PAUSE and self.pause is None:
            return "no request is held, or several: choose one"
        if action.id == "disarm-gate" and not isinstance(self._row(), GateView):
            return "choose a gate"
        if action.id == "fork":
            return self.desk.why_not_run() or self.desk.why_not_write()
        if action.id == "arm-gate" and not self.desk.live.can:
            return "nothing is served from a file that was exported"
        return super().blocked(action)

    def _row(self) -> Row | None:
        return self.rows[self.list.cursor] if self.rows else None

    def _do(self, text: str, work: Callable[[], object]) -> None:
        """Ask the process that serves; then look again."""
        if self._acts.busy:
            self.say("One thing at a time: the last is not answered yet.")
            return

        def then(_: object) -> None:
            self.say(text, "blue")
            self.reload()

        def failed(error: Exception) -> None:
            self.say(" ".join(problem_of(error)), "orange")
            self.reload()

        self._acts.ask(work, then, failed)

    def _release(self, how: str, text: str, fork: str = "") -> None:
        pause, live = self.pause, self.desk.live
        if pause is None:
            return
        edits = tuple(_set_state(each) for each in live.draft(pause.pause))
        given = edits if how in ("resumed", "step") else ()

        def work() -> None:
            live.gates().release(pause.pause, how, edits=given, fork=fork)
            live.forget_draft(pause.pause)

        self._do(f"req-{pause.request[-6:]} {text}.", work)

    def _sure(self, title: str, rows: list[Cells], then: Callable[[], None]) -> None:
        def answered(yes: bool | None) -> None:  # noqa: FBT001 - how Textual answers
            if yes:
                then()

        self.app.push_screen(Confirm(self.desk.look, title, rows), answered)

    def do_resume(self) -> None:
        pause, timeline = self.pause, self.state

        def go() -> None:
            self._release("resumed", "goes on")

        if pause is None or timeline is None or not self.desk.live.draft(pause.pause):
            go()
            return
        values = timeline.state_at(min(pause.revision, timeline.last)).values
        told: Cells = [("The live request goes on with these values; it is recorded.", "")]
        self._sure("resume, edited", [told, [], *self._draft(values, pause)], go)

    def do_step_on(self) -> None:
        self._release("step", "goes to its next point")

    def do_fail(self) -> None:
        told: Cells = [("It fails here with GateFailedError; its caller gets a 503.", "")]
        self._sure("fail the request", [told], lambda: self._release("failed", "fails"))

    def do_extend(self) -> None:
        pause, live = self.pause, self.desk.live
        if pause is not None:
            self._do("30 s more.", lambda: live.gates().extend(pause.pause, 30.0))

    def do_fork(self) -> None:
        pause = self.pause
        if pause is not None:
            edits = tuple(self.desk.live.draft(pause.pause))
            fork = self.desk.session.new_request()
            self.post_message(self.Rerun(Task(stream_of(pause), pause.revision, edits, fork=fork)))
            name = request_id(fork)
            self._release("forked", f"goes on unedited, its fork is {name}", fork=name)

    def do_edit(self) -> None:
        pause = self.pause
        if pause is not None:
            self.ask("edit", "draft", "/total = 3.50")

    def do_clear_draft(self) -> None:
        if self.pause is not None:
            self.desk.live.forget_draft(self.pause.pause)
            self.list.renew()
            self.renew_detail()

    def do_arm_gate(self) -> None:
        points = self.desk.notes.breakpoints
        first = points[-1].text if points else ""
        self.ask("gate", "gate", "hook:tax state.total > 400   holds each request once", first)

    def do_disarm_gate(self) -> None:
        row, live = self._row(), self.desk.live
        if isinstance(row, GateView):
            self._do(f"{row.gate} is disarmed.", lambda: live.gates().disarm(row.gate))

    def answered(self, purpose: str, text: str) -> None:
        if purpose == "gate":
            live = self.desk.live
            wanted = Wanted(when=text, hold=HOLD_S)
            self._do("Armed, for requests to come.", lambda: live.gates().arm(wanted))
        elif purpose == "edit":
            self._edit(text)
        else:
            super().answered(purpose, text)

    def _edit(self, text: str) -> None:
        pause = self.pause
        try:
            edit = draft_edit(text)
        except BadInputError as error:
            self.say(printable(f"{error.problem} {error.remedy}"), "orange")
            return
        if pause is None or not isinstance(edit, StateEdit):
            self.say("Of a live request the state can be edited: /total = 3.50", "orange")
            return
        self.desk.live.edit(pause.pause, edit)
        self.list.renew()
        self.renew_detail()
        self.say(f"Draft: {edit_text(edit)}. `.` resumes the request with it.")


def _set_state(edit: StateEdit) -> SetState:
    return SetState(tuple(edit.path), decode(edit.value))
