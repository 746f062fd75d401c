"""What the screens share: the session, how things look, whether the store may be written."""

from collections.abc import Callable, Sequence
from pathlib import Path

from debugger.errors import DebuggerError
from debugger.session import Session
from debugger.session.again import Again
from debugger.timeline import printable
from debugger.tui.cells import Cell
from debugger.tui.clipboard import Clipboard
from debugger.tui.jobs import Jobs
from debugger.tui.keymap import Keymap
from debugger.tui.live import Gates, Live
from debugger.tui.look import TERMINAL, THEMES, Glyphs, Look
from debugger.tui.notes import Notes
from eventstore import EventStoreError

UNLOCKED_S = 300.0
"""How long an unlocked store stays so (KB-4)."""


class Desk:
    """One store on the table of one person.

    Args:
        session: of the store.
        glyphs: what the terminal can show.
        roots: folders that the app's source lies in.
        by: who writes, as the record will say it.
        clock: seconds, never going back.
        read_only: whether the store can be unlocked at all.
        again: runs requests again; None: no app is named that could.
        gates: finds who holds live requests; None: nobody does.
        keys: what each key does.
        store_alias: what links call the store; ``: by the id of its log.
        coloured: whether there may be colours; else the terminal's own are all there are.
        clipboard: where copies go; None: to the terminal.
    """

    def __init__(  # noqa: PLR0913 - all but one by name
        self,
        session: Session,
        *,
        glyphs: Glyphs,
        roots: Sequence[Path],
        by: str,
        clock: Callable[[], float],
        read_only: bool,
        again: Again | None = None,
        gates: Callable[[], Gates] | None = None,
        keys: Keymap | None = None,
        store_alias: str = "",
        coloured: bool = True,
        clipboard: Clipboard | None = None,
    ) -> None:
        self.session = session
        self.again = again
        self.keys = keys or Keymap()
        self.store_alias = store_alias
        self.clipboard = clipboard or Clipboard({})
        self.notes = Notes()
        self.jobs = Jobs(clock)
        self.live = Live(gates)
        self.roots = roots
        self.by = by
        self.clock = clock
        self.read_only = read_only or session.read_only
        self.coloured = coloured
        self.theme = 0 if coloured else TERMINAL
        self._glyphs = glyphs
        self._look = Look(THEMES[self.theme], glyphs)
        self._locked_at: float | None = None

    def key(self, name: str) -> str:
        """Return the key of an action, as people read it."""
        return self.keys.key(name)

    @property
    def retry(self) -> str:
        """The remedy where a pane shows a problem that has none of its own."""
        return f"Press {self.key('open')} to try again."

    # --- looks ---

    def look(self) -> Look:
        """Return how things look now."""
        return self._look

    def next_theme(self, name: str | None = None) -> str:
        """Change the colours to *name*, or to the next; return the name, `` if there is none."""
        names = [colours.name for colours in THEMES]
        if name is None:
            self.theme = (self.theme + 1) % len(names)
        elif name in names:
            self.theme = names.index(name)
        else:
            return ""
        self._look = Look(THEMES[self.theme], self._glyphs)
        return names[self.theme]

    # --- writing ---

    @property
    def store_name(self) -> str:
        """`shop` of `sqlite:////srv/shop.db`."""
        last = self.session.store.url.rstrip("/").rpartition("/")[2]
        return printable(last.removesuffix(".db") or self.session.store.url)

    @property
    def seconds_left(self) -> float:
        """How long writing is still allowed; 0: it is not."""
        left = (self._locked_at or 0.0) - self.clock() if self._locked_at is not None else 0.0
        return max(left, 0.0)

    def unlock(self) -> None:
        """Allow writing for a while."""
        self._locked_at = self.clock() + UNLOCKED_S

    def lock(self) -> None:
        """Allow no writing."""
        self._locked_at = None

    def why_not_unlock(self) -> str | None:
        """Say why the store cannot be unlocked; None: it can."""
        return "opened for reading only: start without --read-only" if self.read_only else None

    def why_not_write(self) -> str | None:
        """Say why nothing may be written now; None: it may."""
        if self.read_only:
            return self.why_not_unlock()
        return (
            None if self.seconds_left else f"the store is locked: {self.key('unlock')} unlocks it"
        )

    def why_not_noted(self, action: str) -> str | None:
        """Say why *action* finds no note that it acts on; None: it does, or needs none."""
        notes, key = self.notes, self.key
        match action:
            case "compare" if notes.a is None:
                return f"nothing is marked: {key('mark')} marks A, then B"
            case "bookmarks" if not notes.bookmarks:
                return f"there is no bookmark: {key('bookmark')} in a request sets one"
            case "breakpoints" if not notes.breakpoints:
                return f"there is no breakpoint: {key('breakpoint')} in a request sets one"
            case _:
                return None

    def why_not_run(self) -> str | None:
        """Say why no request can be run again; None: it can."""
        if self.again is None:
            return "no app is named: start with --app module:app"
        if self.jobs.current is not None:
            return f"{self.jobs.current.text} goes on: {self.key('back')} cancels it"
        return None

    def mode(self) -> list[Cell]:
        """Return READ-ONLY, or WRITE and how long still (ST-6), behind what goes on."""
        left, job = int(self.seconds_left), self.jobs.current
        cells: list[Cell] = [(f"{job.told}, {self.key('back')} cancels  ", "blue")] if job else []
        if self.live.held.paused:
            cells.append((f"{len(self.live.held.paused)} paused  ", "orange"))
        if not left:
            return [*cells, ("READ-ONLY ", "dim")]
        return [*cells, (f"WRITE {left // 60}m{left % 60:02}s ", "failed")]


def problem_of(error: Exception, retry: str = "") -> tuple[str, str]:
    """Return problem and remedy of any error, printable; *retry*: what helps if it names none."""
    if isinstance(error, DebuggerError | EventStoreError):
        return printable(error.problem[:400]), printable(error.remedy[:400]) or retry
    said = printable(f"{type(error).__name__}: {error}"[:400])
    return said, retry
