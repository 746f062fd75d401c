"""A screen of panes: which has the focus, and moving in it."""

from collections.abc import Sequence

from textual.screen import Screen

from debugger.tui.lines import Lines


class Panes(Screen[None], inherit_bindings=False):
    """What every screen does with its panes and their rows."""

    def lines(self) -> Sequence[Lines]:
        """Return the panes in the order of `tab`."""
        raise NotImplementedError

    @property
    def pane(self) -> Lines | None:
        """The pane that has the focus."""
        focused = self.focused
        return focused if isinstance(focused, Lines) else None

    def _rows(self) -> Lines:
        return self.pane or self.lines()[0]

    def do_row_down(self) -> None:
        self._rows().move(1)

    def do_row_up(self) -> None:
        self._rows().move(-1)

    def do_page_down(self) -> None:
        self._rows().turn(1)

    def do_page_up(self) -> None:
        self._rows().turn(-1)

    def do_first_row(self) -> None:
        pane = self._rows()
        pane.place(0, tell=True)

    def do_last_row(self) -> None:
        pane = self._rows()
        pane.place(pane.count - 1, tell=True)

    def do_next_pane(self) -> None:
        self._focus_next(1)

    def do_previous_pane(self) -> None:
        self._focus_next(-1)

    def _focus_next(self, by: int) -> None:
        panes = self.lines()
        here = panes.index(self.pane) if self.pane in panes else -by
        self.bring(panes[(here + by) % len(panes)])

    def bring(self, pane: Lines) -> None:
        """Show *pane* and give it the focus."""
        pane.focus()
