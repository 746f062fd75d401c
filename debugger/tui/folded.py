"""Rows of facts alike: folded and unfolded (TM-14)."""

from debugger.session.watches import hits
from debugger.tui.desk import Desk
from debugger.tui.drafting import Drafting
from debugger.tui.latest import Latest
from eventstore import StreamId


class Folding(Drafting):
    """Says which facts stand alone: what somebody looks for is in no row with others."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._folds = Latest(self, "timescape-fold")

    def do_variant(self) -> None:
        pane = self.panes.timeline
        pane.folded = not pane.folded
        self.refold()
        told = "Neighbours alike but for indices are one row" if pane.folded else "A row a fact"
        self.say(f"{told}.")

    def marked(self) -> None:
        super().marked()
        self.refold()

    def found(self) -> None:
        self.panes.timeline.found(frozenset(self.matches))
        self.bottom.renew()
        self.refold()

    def refold(self) -> None:
        """Work out anew which facts stand alone, if rows are folded."""
        timeline, pane, session = self.timeline, self.panes.timeline, self.desk.session
        if timeline is None or not pane.folded:
            pane.fold(frozenset())
            return
        points, matches = tuple(self.desk.notes.breakpoints), tuple(self.matches)
        marked = self._marked_in(timeline.stream)

        def work() -> frozenset[int]:
            found = hits(session, timeline, points, unwanted=self._folds.superseded)
            return frozenset({*found, *matches, *marked})

        self._folds.ask(work, pane.fold, self.not_found)

    def _marked_in(self, stream: StreamId) -> set[int]:
        notes = self.desk.notes
        marks = [*notes.bookmarks, *(mark for mark in (notes.a, notes.b) if mark is not None)]
        return {mark.revision for mark in marks if mark.stream == stream}

    def do_bookmark(self) -> None:
        super().do_bookmark()
        self.refold()
