"""A draft of what could have been: values changed at the cursor, run on as a fork (WI-1, WI-2)."""

from debugger.errors import BadInputError
from debugger.session import request_id
from debugger.session.again import DraftEdit, Live
from debugger.session.drafts import draft_edit, suggested
from debugger.timeline import printable
from debugger.tui.actions import Action
from debugger.tui.cells import Cells
from debugger.tui.confirm import Confirm
from debugger.tui.desk import Desk, problem_of
from debugger.tui.keymap import Keymap
from debugger.tui.latest import Latest
from debugger.tui.location import Location
from debugger.tui.notes import edit_text
from debugger.tui.noting import Noting
from debugger.tui.restoring import explain, moment_to_restore
from debugger.tui.runs import Task
from eventstore import StreamId

_HINT = '/total = 3.50   input /body/sku = "tea"   answer 2 = {"net": 5}'


class Drafting(Noting):
    """Edits, and what becomes of them."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.location: Location | None = None
        self._restores = Latest(self, "timescape-restore")

    def blocked(self, action: Action) -> str | None:
        if action.id == "fork":
            return self._why_not_fork()
        if action.id == "clear-draft" and not self._edits:
            return f"there is no draft: {self.desk.key('edit')} changes a value"
        return super().blocked(action)

    def _why_not_fork(self) -> str | None:
        desk, edits = self.desk, self._edits
        if desk.again is None:
            return desk.why_not_run() if edits else desk.why_not_write()
        if why := desk.why_not_run():
            return why
        live = any(isinstance(each, Live) for each in edits)
        return desk.why_not_write() if live else None

    @property
    def _edits(self) -> tuple[DraftEdit, ...]:
        timeline = self.timeline
        return tuple(self.desk.notes.draft_of(timeline.stream)) if timeline is not None else ()

    # --- the draft ---

    def do_edit(self) -> None:
        timeline = self.timeline
        if timeline is None:
            return
        path = self.path if self.pane in (self.panes.state, self.panes.writes) else ""
        self.ask("edit", "draft", _HINT, suggested(timeline, self.target, path))

    def _edit(self, text: str) -> None:
        timeline = self.timeline
        if timeline is None:
            return
        try:
            edit = draft_edit(text)
        except BadInputError as error:
            self.say(printable(f"{error.problem} {error.remedy}"), "orange")
            return
        self.desk.notes.edit(timeline.stream, edit)
        self.show_title()
        self.say(f"Draft: {edit_text(edit)}. {self.desk.key('fork')} runs on from here with it.")

    def do_clear_draft(self) -> None:
        self.desk.notes.draft = None
        self.show_title()
        self.say("The draft is forgotten.")

    def answered(self, purpose: str, text: str) -> None:
        if purpose == "edit":
            self._edit(text)
        else:
            super().answered(purpose, text)

    # --- run on ---

    def do_fork(self) -> None:
        desk = self.desk
        timeline, at, again = self.timeline, self.target, desk.again
        if again is None:
            self.do_restore()
            return
        if timeline is None:
            return
        edits = tuple(self.desk.notes.draft_of(timeline.stream))
        task = Task(timeline.stream, at, edits)

        def answered(yes: bool | None) -> None:  # noqa: FBT001 - how Textual answers
            if yes:
                self.post_message(self.Rerun(task))

        title = f"LIVE fork at #{at}" if task.live else f"fork at #{at}"
        rows = _told_before(task, again.app, desk.keys)
        self.app.push_screen(Confirm(self.desk.look, title, rows), answered)

    # --- restore ---

    def do_restore(self) -> None:
        timeline, location, desk = self.timeline, self.location, self.desk
        if timeline is None or location is None:
            return
        revision, name = moment_to_restore(timeline, location.revision)
        rows = explain(timeline, revision, name, by=desk.by, to=desk.look().glyphs.to)

        def answered(yes: bool | None) -> None:  # noqa: FBT001 - how Textual answers
            if yes:
                self._restore(timeline.stream, revision, name)

        self.app.push_screen(Confirm(desk.look, f"restore {name} as a fork", rows), answered)

    def _restore(self, stream: StreamId, revision: int, name: str) -> None:
        desk = self.desk
        why = desk.why_not_write()  # the time may have run out while it was asked
        if why is not None:
            self.say(f"restore: {why}", "orange")
            return

        def then(fork: StreamId) -> None:
            self.say(f"Restored {name} as {request_id(fork)}; the request is untouched.", "blue")

        def failed(error: Exception) -> None:
            self.say(" ".join(problem_of(error)), "failed")

        self.say("Writing the fork.")
        self._restores.ask(lambda: desk.session.restore(stream, revision, by=desk.by), then, failed)


def _told_before(task: Task, app: str, keys: Keymap) -> list[Cells]:
    """Say what running on does, before it is done."""
    simulated = "Effects are simulated from the record: nothing is performed."
    live = "LIVE: what is named below is really called, once the run has left its record."
    keeps = f"The request is not touched; {keys.key('fork')} in the comparison keeps the run."
    rows: list[Cells] = [
        [("The request is run on from ", ""), (f"#{task.at}", "strong"),
         (f" by the code of {printable(app)}.", "")],
        [(live, "failed") if task.live else (simulated, "")],
        [("The request is not touched; a live run is kept at once.", "dim") if task.live
         else (keeps, "dim")],
        [],
        *([(edit_text(edit), "failed" if isinstance(edit, Live) else "blue")]
          for edit in task.edits),
    ]  # fmt: skip
    if not task.edits:
        rows.append([(f"Nothing is changed: {keys.key('edit')} changes a value first.", "dim")])
    return rows
