"""Every way to go to another moment of a request: steps, numbers, writes, matches."""

from debugger.errors import DebuggerError
from debugger.timeline import StepKind, Timeline, Write, printable
from debugger.tui.desk import Desk, problem_of
from debugger.tui.face import Face
from debugger.tui.latest import Latest
from debugger.tui.wording import last_name, place_text
from debugger.tui.writes_pane import change_cells


class Moves(Face):
    """Turns keys into moments; showing them is left to the screen."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.target = 0
        """The moment the keys have reached; it is shown as soon as it is worked out."""
        self.path = ""
        """The focused leaf of the state; stays while steps pass moments without it."""
        self.matches: list[int] = []
        """Revisions that the search found, rising."""
        self._places = Latest(self, "timescape-place")
        self._changes = Latest(self, "timescape-change")
        """When a place last changed. No lane of the moments: what it does not find must not
        take the place of a moment that is still to be shown."""
        self._searches = Latest(self, "timescape-search")

    @property
    def timeline(self) -> Timeline | None:
        """The history that is shown."""
        raise NotImplementedError

    def go(self, revision: int) -> None:
        """Go to the moment *revision*."""
        raise NotImplementedError

    def found(self) -> None:
        """Show what the search found."""
        raise NotImplementedError

    def not_found(self, error: Exception) -> None:
        """Tell that something could not be looked for; what is shown stays right."""
        self.say(" ".join(problem_of(error)), "orange")

    # --- the ends ---

    # The row goes to its place with all the rest: one paint, not one for the row before it.

    def do_first_row(self) -> None:
        if self.timeline is not None and self._rows().id == "timeline":
            self.go(0)
        else:
            super().do_first_row()

    def do_last_row(self) -> None:
        timeline = self.timeline
        if timeline is not None and self._rows().id == "timeline":
            self.go(timeline.last)
        else:
            super().do_last_row()

    # --- steps ---

    def _step(self, kind: StepKind, *, forward: bool) -> None:
        timeline = self.timeline
        if timeline is None:
            return
        found = (timeline.next if forward else timeline.previous)(self.target, kind)
        if found is None:
            name = {"mutation": "change of state", "hook": "hook or handler"}.get(kind, kind)
            self.say(f"No {'later' if forward else 'earlier'} {name}.")
        else:
            self.go(found)

    def do_next_event(self) -> None:
        self._step("event", forward=True)

    def do_previous_event(self) -> None:
        self._step("event", forward=False)

    def do_next_mutation(self) -> None:
        self._step("mutation", forward=True)

    def do_previous_mutation(self) -> None:
        self._step("mutation", forward=False)

    def do_next_hook(self) -> None:
        self._step("hook", forward=True)

    def do_previous_hook(self) -> None:
        self._step("hook", forward=False)

    def do_next_effect(self) -> None:
        self._step("effect", forward=True)

    def do_previous_effect(self) -> None:
        self._step("effect", forward=False)

    def do_next_phase(self) -> None:
        self._step("phase", forward=True)

    def do_previous_phase(self) -> None:
        self._step("phase", forward=False)

    def do_next_failure(self) -> None:
        self._step("failure", forward=True)

    def do_previous_failure(self) -> None:
        self._step("failure", forward=False)

    def do_go_to(self) -> None:
        self.ask("seek", "go to", "1729  +50  50%  401ms  end  failure  hook NAME  FILE:38")

    def seek(self, text: str) -> bool:
        timeline = self.timeline
        if timeline is None:
            return False
        try:
            revision, exact = timeline.seek(text, self.target)
        except DebuggerError as error:
            self.say(f"{printable(error.problem)} {printable(error.remedy)}", "orange")
            return True
        self.go(revision)
        if not exact:
            self.say(f"The nearest moment before is #{revision}.")
        return True

    # --- when did this last change ---

    def do_previous_write(self) -> None:
        self._to_write(forward=False)

    def do_next_write(self) -> None:
        self._to_write(forward=True)

    def _to_write(self, *, forward: bool) -> None:
        timeline, path, target = self.timeline, self.path, self.target
        if timeline is None:
            return

        def work() -> Write | None:
            if forward:
                return timeline.next_change(path, target)
            return timeline.last_change(path, target - 1) if target else None

        def then(write: Write | None) -> None:
            if write is None:
                where = "later" if forward else "earlier"
                self.say(f"{printable(path[:80])} has no {where} change.")
                return
            self.go(write.revision)
            who = f" by {last_name(write.by)}" if write.by else ""
            line = f" at {place_text(write.site)}" if write.site else ""
            cells = change_cells(write, self.desk.look().glyphs.to, most=24)
            what = "".join(text for text, _ in cells)
            self.say(f"#{write.revision}  {printable(path[-40:])}  {what}{who}{line}")

        self._changes.ask(work, then, self.not_found)

    # --- search ---

    def do_search(self) -> None:
        self.ask("search", "/", "text in type, key, line or data of this request's facts")

    def answered(self, purpose: str, text: str) -> None:
        if purpose == "seek":
            self.seek(text)
        elif purpose == "search":
            self._search(text)
        else:
            super().answered(purpose, text)

    def _search(self, text: str) -> None:
        timeline = self.timeline
        if timeline is None:
            return

        def then(found: list[int]) -> None:
            self.matches = found
            self.found()
            if not found:
                self.say(f"Nothing here holds {printable(text[:60])}.")
                return
            self.do_next_match()
            many = "1 match" if len(found) == 1 else f"{len(found)} matches"
            keys = self.desk.keys
            on = keys.pair("next-match", "previous-match")
            self.say(f"{many}, marked =; {on} go on, {keys.key('back')} clears.")

        self._searches.ask(lambda: timeline.search(text), then, self.not_found)

    def do_next_match(self) -> None:
        self._to_match([found for found in self.matches if found > self.target][:1], "later")

    def do_previous_match(self) -> None:
        self._to_match([found for found in self.matches if found < self.target][-1:], "earlier")

    def _to_match(self, found: list[int], where: str) -> None:
        if found:
            self.go(found[0])
        else:
            self.say(f"No {where} match.")
