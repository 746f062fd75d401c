"""What a person notes while walking a request: breakpoints, watches, bookmarks, marks."""

from collections.abc import Callable

from debugger.errors import BadInputError, FilterError
from debugger.session.again import Live
from debugger.session.watches import Hit, breakpoint_of, next_hit, place_text, watch_of
from debugger.timeline import printable, subject
from debugger.timeline.values import quoted
from debugger.tui.actions import Action
from debugger.tui.cells import Cell
from debugger.tui.desk import Desk
from debugger.tui.latest import Latest
from debugger.tui.line_steps import LineSteps
from debugger.tui.notes import Mark

_HINT = "kind:context.set key:total   state.total > 400   changed(state.total)   line:shop.py:36"


class Noting(LineSteps):
    """Turns keys into notes, and walks from hit to hit."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._hits = Latest(self, "timescape-hits")

    def blocked(self, action: Action) -> str | None:
        if action.id in ("next-hit", "previous-hit") and not self.desk.notes.breakpoints:
            return f"there is no breakpoint: {self.desk.key('breakpoint')} sets one"
        return super().blocked(action)

    @property
    def marked_here(self) -> int | None:
        """The moment of this request that is marked as A; None: none is."""
        mark, timeline = self.desk.notes.a, self.timeline
        here = mark is not None and timeline is not None and mark.stream == timeline.stream
        return mark.revision if here and mark is not None else None

    def subject(self) -> Mark | None:
        timeline = self.timeline
        if timeline is None:
            return None
        about = "before the first fact"
        if self.target:
            event = timeline.fact(self.target)
            about = f"{printable(event.type[:64])} {subject(event)}"[:160]
        return Mark(timeline.stream, self.target, about)

    def noted(self) -> list[Cell]:
        """Return what the title says of the notes."""
        notes = self.desk.notes
        cells: list[Cell] = []
        for name, mark in (("A", notes.a), ("B", notes.b)):
            if mark is not None:
                here = self.timeline is not None and mark.stream == self.timeline.stream
                cells.append((f"  {name} {f'#{mark.revision}' if here else mark.text}", "blue"))
        many = len(notes.breakpoints)
        if many:
            cells.append((f"  {many} breakpoint{'' if many == 1 else 's'}", "orange"))
        draft = self.timeline and notes.draft_of(self.timeline.stream)
        if draft:
            cells.append((f"  draft: {len(draft)} edit{'' if len(draft) == 1 else 's'}", "orange"))
        if draft and any(isinstance(each, Live) for each in draft):
            cells.append(("  LIVE", "failed"))
        return cells

    def marked(self) -> None:
        """Show that the notes changed."""
        self.show_title()
        self.panes.source.stops = frozenset(each.text for each in self.desk.notes.breakpoints)
        self.panes.source.renew()
        self.ask_place()

    # --- breakpoints ---

    def do_breakpoint(self) -> None:
        if self.pane is self.panes.source and self.panes.source.source is not None:
            self._set_breakpoint(f"line:{self.panes.source.site}")
        else:
            self.ask("breakpoint", "break at", _HINT, self._suggested())

    def _suggested(self) -> str:
        if self.pane is self.panes.state and self.path:
            return f"changed({place_text(self.path)})"
        if not self.target or self.timeline is None:
            return ""
        event = self.timeline.fact(self.target)
        return str(breakpoint_of(f"kind:{event.type}").text) + (
            f" key:{quoted(event.key)}" if event.key else ""
        )

    def _set_breakpoint(self, text: str) -> None:
        def setting() -> None:
            each = breakpoint_of(text)
            now = self.desk.notes.turn_breakpoint(each)
            self.marked()
            told = "Breakpoint" if now else "No breakpoint any more"
            on = self.desk.keys.pair("next-hit", "previous-hit")
            self.say(f"{told}: {printable(each.text)}. {on} go to its hits.")

        self._read("breakpoint", "break at", text, setting)

    def _read(self, purpose: str, label: str, text: str, reading: Callable[[], None]) -> None:
        """Do what *text* says; ask once more where it cannot be read."""
        try:
            reading()
        except FilterError as error:
            self.ask_again(purpose, label, text, error)
        except BadInputError as error:
            self.say(printable(f"{error.problem} {error.remedy}"), "orange")

    def do_next_hit(self) -> None:
        self._to_hit(forward=True)

    def do_previous_hit(self) -> None:
        self._to_hit(forward=False)

    def _to_hit(self, *, forward: bool) -> None:
        timeline, at = self.timeline, self.target
        if timeline is None:
            return
        session, points, lane = self.desk.session, tuple(self.desk.notes.breakpoints), self._hits

        def work() -> Hit:
            return next_hit(
                session, timeline, points, at, forward=forward, unwanted=lane.superseded
            )

        lane.ask(work, lambda hit: self._hit(hit, forward=forward), self.not_found)

    def _hit(self, hit: Hit, *, forward: bool) -> None:
        passed = f" {hit.unknown} passed, unknown: {hit.reason}." if hit.unknown else ""
        if hit.revision is None:
            self.say(f"No {'later' if forward else 'earlier'} hit.{passed}")
            return
        self.go(hit.revision)
        self.say(f"Hit: {printable(hit.text)}.{passed}")

    # --- watches and bookmarks ---

    def do_watch(self) -> None:
        here = self.path if self.pane in (self.panes.state, self.panes.writes) else ""
        if self.pane is self.panes.watches and self.panes.watches.count:
            here = self.panes.watches.watched[self.panes.watches.cursor].text
        self.ask("watch", "watch", "state.total   /items/0/sku   len(state.items) > 2",
                 place_text(here) if here.startswith("/") else here)  # fmt: skip

    def _set_watch(self, text: str) -> None:
        def setting() -> None:
            read = watch_of(text)
            now = self.desk.notes.turn_watch(read)
            if now:
                self.bring(self.panes.watches)
            self.ask_place()
            self.say(f"{'Watched' if now else 'Not watched any more'}: {printable(read)}.")

        self._read("watch", "watch", text, setting)

    def do_bookmark(self) -> None:
        here = self.subject()
        if here is not None:
            now = self.desk.notes.turn_bookmark(here)
            told = "Bookmarked" if now else "No bookmark any more at"
            self.say(f"{told} {here.text}; {self.desk.key('bookmarks')} lists them.")

    def answered(self, purpose: str, text: str) -> None:
        if purpose == "breakpoint":
            self._set_breakpoint(text)
        elif purpose == "watch":
            self._set_watch(text)
        else:
            super().answered(purpose, text)
