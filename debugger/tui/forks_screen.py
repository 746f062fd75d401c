"""Screen 6: what was forked from the request, and its snapshots (UI-6)."""

from typing import ClassVar, TypeAlias

import msgspec

from debugger.session.forks import Fork, fork_tree
from debugger.timeline import Timeline, printable
from debugger.tui.board import Board
from debugger.tui.cells import Cell, Cells
from debugger.tui.desk import Desk
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

    def look_at(self, timeline: Timeline) -> None:
        self._timeline = timeline
        session = self.desk.session
        self.list.dim()
        self._reads.ask(lambda: fork_tree(session, timeline.stream), self._show, self.failed)
        self.show_title()

    def reload(self) -> None:
        if self._timeline is not None:
            self.look_at(self._timeline)

    def about(self) -> list[Cell]:
        timeline = self._timeline
        return [(timeline.request_id[:4] + timeline.request_id[-6:], "focus")] if timeline else []

    def _show(self, forks: list[Fork]) -> None:
        timeline = self._timeline
        names = timeline.snapshots if timeline else {}
        snapshots = [Snapshot(name, timeline.stream, at) for name, at in names.items() if timeline]
        self.rows = [*forks, *snapshots]
        many = len(forks) - 1
        self.list.note = f"{_count(many, 'fork')}, {_count(len(snapshots), 'snapshot')}"
        self.list.show(len(self.rows), self._cells)
        here = [
            n for n, each in enumerate(forks) if timeline and each.summary.stream == timeline.stream
        ]
        self.list.place(here[0] if here else 0)
        self.renew_detail()

    def _cells(self, index: int, room: int) -> Cells:
        del room
        row = self.rows[index]
        if isinstance(row, Snapshot):
            return [("@ ", "blue"), (printable(row.name[:80]), ""), (f"  #{row.revision}", "dim")]
        of, look = row.summary, self.desk.look().glyphs
        here = self._timeline is not None and of.stream == self._timeline.stream
        indent = "  " * row.depth + (look.fork + " " if row.depth else "")
        cells: list[Cell] = [
            (indent, "dim"),
            (of.short_id + "  ", "focus" if here else ""),
            (f"at #{row.at}  " if row.at is not None else "", "dim"),
            (f"{row.how}  " if row.how else "", ""),
            (f"{row.edits} edits  " if row.edits else "", "blue"),
            (printable(of.outcome[:60]) + "  ", "failed" if of.failed else ""),
            (clock_text(of.started_us), "dim"),
        ]
        if row.by:
            cells.append((f"  by {printable(row.by[:60])}", "dim"))
        return cells

    def tell(self, index: int) -> list[Cells]:
        row = self.rows[index]
        if isinstance(row, Snapshot):
            return [[("A snapshot of the request opened last; enter goes to it.", "dim")]]
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

    def open_row(self, index: int) -> None:
        row = self.rows[index]
        if isinstance(row, Snapshot):
            self.post_message(self.Open(row.stream, row.revision))
        else:
            self.post_message(self.Open(row.summary))


def _count(number: int, of: str) -> str:
    return f"{number} {of}" if number == 1 else f"{number} {of}s"
