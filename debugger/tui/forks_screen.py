"""Screen 6: what was forked from the request, and its snapshots (UI-6)."""

from collections.abc import Callable
from typing import ClassVar, TypeAlias

import msgspec

from debugger.session.forks import Fork, fork_tree, name_fork, remove_fork
from debugger.timeline import Timeline, printable
from debugger.tui.actions import Action
from debugger.tui.board import Board
from debugger.tui.cells import Cell, Cells
from debugger.tui.confirm import Confirm
from debugger.tui.desk import Desk, problem_of
from debugger.tui.latest import Latest
from debugger.tui.notes import Mark
from debugger.tui.wording import clock_text
from eventstore import StreamId


class Snapshot(msgspec.Struct, frozen=True):
    """A moment that was named."""

    name: str
    stream: StreamId
    revision: int


Row: TypeAlias = Fork | Snapshot


class ForksScreen(Board):
    """The tree, then the snapshots of the request opened last."""

    face: ClassVar[str] = "forks"
    name_shown: ClassVar[str] = "6 Forks"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.rows: list[Row] = []
        self._timeline: Timeline | None = None
        """Of the request opened last, whose snapshots are shown."""
        self._stream: StreamId | None = None
        """Whose tree is shown."""
        self._changes = Latest(self, "timescape-forks-change")

    @property
    def pending(self) -> bool:
        return super().pending or self._changes.busy

    def on_unmount(self) -> None:
        self._changes.close()

    def look_at(self, timeline: Timeline) -> None:
        self._timeline, self._stream = timeline, timeline.stream
        self.reload()
        self.show_title()

    def reload(self) -> None:
        session, stream = self.desk.session, self._stream
        if stream is not None:
            self.list.dim()
            self._reads.ask(lambda: fork_tree(session, stream), self._show, self.failed)

    def about(self) -> list[Cell]:
        timeline = self._timeline
        return [(timeline.short_id, "focus")] if timeline else []

    def _show(self, forks: list[Fork]) -> None:
        timeline = self._timeline
        names = timeline.snapshots if timeline else {}
        snapshots = [Snapshot(name, timeline.stream, at) for name, at in names.items() if timeline]
        self.rows = [*forks, *snapshots]
        many = len(forks) - 1
        self.list.note = f"{_count(many, 'fork')}, {_count(len(snapshots), 'snapshot')}"
        self.list.show(len(self.rows), self._cells)
        here = [n for n, each in enumerate(forks) if each.summary.stream == self._stream]
        self.list.place(here[0] if here else 0)
        self.renew_detail()

    def _cells(self, index: int, room: int) -> Cells:
        del room
        row = self.rows[index]
        if isinstance(row, Snapshot):
            return [("@ ", "blue"), (printable(row.name[:80]), ""), (f"  #{row.revision}", "dim")]
        of, look = row.summary, self.desk.look().glyphs
        here = of.stream == self._stream
        indent = "  " * row.depth + (look.fork + " " if row.depth else "")
        cells: list[Cell] = [
            (indent, "dim"),
            (of.short_id + "  ", "focus" if here else ""),
            (f"{printable(row.name)}  " if row.name else "", "blue"),
            (f"at #{row.at}  " if row.at is not None else "", "dim"),
            (f"{row.how}  " if row.how else "", ""),
            (_edits(row.edits), "blue"),
            (printable(of.outcome[:60]) + "  ", "failed" if of.failed else ""),
            (clock_text(of.started_us), "dim"),
        ]
        if row.by:
            cells.append((f"  by {printable(row.by[:60])}", "dim"))
        return cells

    def tell(self, index: int) -> list[Cells]:
        row = self.rows[index]
        if isinstance(row, Snapshot):
            known = f"A snapshot of the request opened last; {self.desk.key('open')} goes to it."
            return [[(known, "dim")]]
        of = row.summary
        told: list[Cells] = [
            [("id        ", "dim"), (of.request_id, "")],
            [("request   ", "dim"), (printable(f"{of.method} {of.path}"[:300]), "")],
            [("facts     ", "dim"), (str(of.facts), "")],
        ]
        if row.at is not None:
            told.append([("its own   ", "dim"), (str(of.facts - row.at), "")])
        return told

    def subject(self) -> Mark | None:
        row = self.rows[self.list.cursor] if self.rows else None
        if row is None:
            return None
        if isinstance(row, Snapshot):
            return Mark(row.stream, row.revision, printable(row.name[:80]))
        return Mark(row.summary.stream, row.summary.facts, printable(row.summary.outcome[:60]))

    # --- names and removal ---

    @property
    def _fork(self) -> Fork | None:
        """The fork under the cursor."""
        row = self.rows[self.list.cursor] if self.rows else None
        return row if isinstance(row, Fork) and row.at is not None else None

    def blocked(self, action: Action) -> str | None:
        if action.id in ("name-fork", "remove-fork") and self._fork is None:
            return "the cursor is on no fork"
        return super().blocked(action)

    def do_name_fork(self) -> None:
        fork = self._fork
        if fork is not None:
            self.ask("name", "name", "at most 128 characters, one of its own", fork.name)

    def answered(self, purpose: str, text: str) -> None:
        fork, session, by = self._fork, self.desk.session, self.desk.by
        if purpose != "name" or fork is None:
            super().answered(purpose, text)
            return
        stream = fork.summary.stream
        self._change(lambda: name_fork(session, stream, text, by=by), f"Called {printable(text)}.")

    def do_remove_fork(self) -> None:
        fork, session, by = self._fork, self.desk.session, self.desk.by
        if fork is None:
            return
        stream, own = fork.summary.stream, fork.summary.facts - (fork.at or 0)
        rows: list[Cells] = [
            [("What only this fork says is dropped for good: ", ""), (f"{own} facts.", "strong")],
            [("Its hashes stay, so the log still verifies; the request is not touched.", "")],
            [(f"The log keeps that it was done, by {printable(by)} (claimed).", "dim")],
        ]

        def remove() -> None:
            remove_fork(session, stream, by=by, reason="removed in the debugger")

        def removed() -> None:
            if self._stream == stream:
                self._timeline, self._stream = None, fork.summary.parent

        def answered(yes: bool | None) -> None:  # noqa: FBT001 - how Textual answers
            if yes:
                self._change(remove, f"Removed {fork.summary.short_id}.", removed)

        title = f"remove {fork.summary.short_id} {printable(fork.name)}".rstrip()
        self.app.push_screen(Confirm(self.desk.look, title, rows), answered)

    def _change(
        self, work: Callable[[], None], told: str, done: Callable[[], None] = lambda: None
    ) -> None:
        why = self.desk.why_not_write()  # the time may have run out while it was asked
        if why is not None:
            self.say(why, "orange")
            return

        def then(_: None) -> None:
            self.say(told, "blue")
            done()
            self.reload()

        def failed(error: Exception) -> None:
            self.say(" ".join(problem_of(error)), "failed")

        self._changes.ask(work, then, failed)

    def open_row(self, index: int) -> None:
        row = self.rows[index]
        if isinstance(row, Snapshot):
            self.post_message(self.Open(row.stream, row.revision))
        else:
            self.post_message(self.Open(row.summary))


def _count(number: int, of: str) -> str:
    return f"{number} {of}" if number == 1 else f"{number} {of}s"


def _edits(count: int) -> str:
    return f"{count} edit{'s' if count > 1 else ''}  " if count else ""
