"""Screen 7: who changed what, and whether the log is as it was written (UI-7, AD-13)."""

from collections import deque
from collections.abc import Sequence
from typing import ClassVar

from debugger.errors import FilterError, RunEndedError
from debugger.session.auditing import audit
from debugger.timeline import ABSENT, printable, shown, width
from debugger.timeline.auditing import AuditRow
from debugger.tui.board import Board
from debugger.tui.cells import Cell, Cells, column
from debugger.tui.desk import Desk, problem_of
from debugger.tui.latest import Latest
from debugger.tui.wording import clock_text, moment_of
from eventstore import Verdict

MOST = 4_096
"""Changes that are shown: the newest."""


class AuditScreen(Board):
    """The first row is the verification; the others are changes, newest first."""

    face: ClassVar[str] = "audit"
    name_shown: ClassVar[str] = "7 Audit"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.rows: list[AuditRow] = []
        self.where = ""
        self.verdict: Verdict | None = None
        self._verified_at = 0
        self._wide = _widths(())
        self._verifies = Latest(self, "timescape-verify")

    def on_mount(self) -> None:
        self.reload()

    def on_unmount(self) -> None:
        self._verifies.close()

    @property
    def pending(self) -> bool:
        return super().pending or self._verifies.busy

    def about(self) -> list[Cell]:
        filtered = f"filter {printable(self.where)}  " if self.where else ""
        return [(filtered, "focus"), (_count(len(self.rows)), "dim")]

    def reload(self) -> None:
        session, where = self.desk.session, self.where
        self.list.dim()

        def work() -> list[AuditRow]:
            return list(deque(audit(session, where, limit=None, requests=False), MOST))[::-1]

        self._reads.ask(work, self._show, self._not_read)

    def _not_read(self, error: Exception) -> None:
        if isinstance(error, FilterError):
            where, self.where = self.where, ""
            self.list.dim(now=False)
            self.ask_again("audit", "/", where, error)
        else:
            self.failed(error)

    def _show(self, rows: list[AuditRow]) -> None:
        self.rows = rows
        self._wide = _widths(rows)
        self._lay_header()
        self.list.note = f"{moment_of(rows[0].at_us):%Y-%m-%d} UTC" if rows else ""
        self.list.show(len(rows) + 1, self._cells)
        self.renew_detail()
        self.show_title()

    def lay_out(self, width: int, height: int) -> None:
        super().lay_out(width, height)
        self._lay_header()

    def _lay_header(self) -> None:
        names = self._line(self.size.width - 2, "time", "who", "what", "of")
        self.list.header = [(f"{names} change", "")]

    def _line(self, room: int, *texts: str) -> str:
        """Put texts into columns as wide as what stands in them.

        The last leaves a third of the line to what was changed.
        """
        *known, longest = self._wide
        wide = (*known, max(min(longest, room * 2 // 3 - sum(known)), 8))
        return "".join(column(text, cells) for text, cells in zip(texts, wide, strict=True))

    def _cells(self, index: int, room: int) -> Cells:
        if index == 0:
            bad = self.verdict is not None and self.verdict.fault is not None
            return [(self.verified, "failed" if bad else "blue")]
        row = self.rows[index - 1]
        texts = (clock_text(row.at_us), printable(row.who), row.what, printable(row.subject))
        line = self._line(room, *texts)
        return [(line, ""), (f" {_change(row)}", "dim")]

    @property
    def verified(self) -> str:
        """What is known of the log as a whole; what came since is not."""
        verdict = self.verdict
        if verdict is None:
            return f"not verified yet: {self.desk.key('open')} checks the whole log"
        if verdict.fault is not None:
            again = f"{self.desk.key('open')} checks again"
            return f"position {verdict.position} is at fault ({verdict.fault}); {again}"
        ago = int(self.desk.clock() - self._verified_at)
        seals = "1 seal stands" if verdict.seals == 1 else f"{verdict.seals} seals stand"
        return f"as written up to position {verdict.verified_to}, {seals}, {ago} s ago"

    def renew_detail(self) -> None:
        row = self.rows[self.list.cursor - 1] if self.list.cursor else None
        if row is not None:
            self.list.note_is(f"{moment_of(row.at_us):%Y-%m-%d} UTC")
        super().renew_detail()

    def tell(self, index: int) -> list[Cells]:
        if index:
            return [
                [(column(name, 10), "dim"), (text, "")]
                for name, text in _fields(self.rows[index - 1])
            ]
        verdict = self.verdict
        if verdict is None:
            told = "Every row's hash is worked out again and held against the next one's and the "
            return [[(told + "seals. It reads all of the log, and can be cancelled.", "dim")]]
        return [
            [("checked   ", "dim"), (f"{verdict.checked} rows", "")],
            [("root      ", "dim"), (verdict.root.hex() or "none", "")],
            [("detail    ", "dim"), (printable(verdict.detail or "none"), "")],
        ]

    # --- actions ---

    def leads(self, index: int) -> bool:
        return index == 0

    def open_row(self, index: int) -> None:
        if index == 0:
            self._verify()
        else:
            super().open_row(index)

    def _verify(self) -> None:
        desk, session = self.desk, self.desk.session
        if desk.jobs.current is not None:
            self.say(f"{desk.jobs.current.text} goes on: {self.desk.key('back')} cancels it")
            return
        ended = False

        def cancel() -> None:
            nonlocal ended
            ended = True

        job = desk.jobs.begin("verify", cancel)

        def progress(done: int, total: int) -> None:
            job.progress(done, total)
            if ended:
                raise RunEndedError.cancelled()

        def then(verdict: Verdict) -> None:
            desk.jobs.end(job)
            self.verdict, self._verified_at = verdict, int(desk.clock())
            self.list.renew()
            self.renew_detail()
            self.show_title()

        def failed(error: Exception) -> None:
            desk.jobs.end(job)
            self.say(" ".join(problem_of(error)), "orange")
            self.show_title()

        self._verifies.ask(lambda: session.verify(progress), then, failed)
        self.show_title()

    def do_search(self) -> None:
        self.ask("audit", "/", "who:ann  what:version.tagged  subject:*orders*  since:1d")

    def answered(self, purpose: str, text: str) -> None:
        if purpose == "audit":
            self.where = text
            self.reload()
        else:
            super().answered(purpose, text)

    def do_back(self) -> None:
        if self.where:
            self.where = ""
            self.reload()
        else:
            super().do_back()


def _widths(rows: Sequence[AuditRow]) -> tuple[int, int, int, int]:
    """Return how wide time, who, what and subject are."""
    who = max((width(printable(row.who)) for row in rows), default=3)
    what = max((width(row.what) for row in rows), default=4)
    subject = max((width(printable(row.subject)) for row in rows), default=2)
    return 14, min(max(who, 3), 18) + 2, min(max(what, 4), 26) + 2, min(max(subject, 2), 60) + 1


def _change(row: AuditRow) -> str:
    known = [shown(value, 200) for value in (row.before, row.after) if value is not ABSENT]
    return " → ".join(known)


def _fields(row: AuditRow) -> list[tuple[str, str]]:
    fields = [
        ("position", str(row.position)),
        ("at", f"{moment_of(row.at_us):%Y-%m-%d %H:%M:%S.%f}Z"),
        ("before", shown(row.before, 400) if row.before is not ABSENT else ""),
        ("after", shown(row.after, 400) if row.after is not ABSENT else ""),
        ("version", row.version),
        ("manifest", row.manifest),
        ("outcome", row.outcome),
        ("chain", row.chain),
    ]
    return [(name, printable(text)) for name, text in fields if text]


def _count(changes: int) -> str:
    return "1 change" if changes == 1 else f"{changes} changes"
