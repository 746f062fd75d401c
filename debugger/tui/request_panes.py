"""How the panes of a request stand on the screen: side by side, as tabs, or one alone (UI-1)."""

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Container, Vertical

from debugger.tui.diff_pane import DiffPane
from debugger.tui.fact_pane import FactPane
from debugger.tui.lines import Lines
from debugger.tui.look import Look
from debugger.tui.source_pane import SourcePane
from debugger.tui.span_rows import WaterfallPane
from debugger.tui.state_pane import StatePane
from debugger.tui.timeline_pane import TimelinePane
from debugger.tui.watch_panes import LocalsPane, WatchesPane
from debugger.tui.writes_pane import WritesPane


class RequestPanes(Container):
    """Two strips of panes: what happened and where on the left, what it meant on the right."""

    DEFAULT_CSS = """
    RequestPanes { height: 1fr; }
    RequestPanes Vertical { width: 1fr; height: 1fr; }
    RequestPanes.side-by-side #left { padding-right: 1; }
    """

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__(id="panes")
        self.timeline = TimelinePane(look)
        self.source = SourcePane(look)
        self.diff = DiffPane(look)
        self.state = StatePane(look)
        self.writes = WritesPane(look)
        self.fact = FactPane(look)
        self.watches = WatchesPane(look)
        self.locals = LocalsPane(look)
        self.waterfall = WaterfallPane(look)
        """Seen only where there is but one pane of the strip: where panes stand side by side,
        it would take the place of the facts, and has a screen of its own."""
        self.left: Sequence[Lines] = (self.timeline, self.waterfall, self.source)
        self._lowers: Sequence[Lines] = (self.writes, self.fact, self.watches, self.locals)
        self.right: Sequence[Lines] = (self.state, self.diff, *self._lowers)
        self.lower: Lines = self.writes
        """Which of those stands at the lower right, where panes stand side by side."""
        self.used: set[Lines] = {self.timeline, self.waterfall, self.source, self.state,
                                 self.diff, self.writes, self.fact}  # fmt: skip
        """Panes that have something to say."""
        self.zoomed = False
        self._front: list[Lines] = [self.timeline, self.state]
        """The pane of each strip that is seen where only one is."""
        self._room = (0, 0)
        self._strips: list[Vertical] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="left") as left:
            yield from self.left
        with Vertical(id="right") as right:
            yield self.diff
            yield self.state
            yield from self._lowers
        self._strips = [left, right]

    @property
    def all(self) -> Sequence[Lines]:
        return (*self.left, *self.right)

    @property
    def order(self) -> Sequence[Lines]:
        """The panes in the order of `tab`, without one whose place another has."""
        if not self._wide:
            return [pane for pane in self.all if pane in self.used]
        lowers = [
            pane for pane in self._lowers
            if pane is self.lower or (pane in self.used and pane is not self.fact)
        ]  # fmt: skip
        if self.lower is self.fact:
            lowers.remove(self.writes)
        return (self.timeline, self.source, self.diff, self.state, *lowers)

    @property
    def _wide(self) -> bool:
        return self._room[0] >= 100

    @property
    def _one_strip(self) -> bool:
        return self._room[1] < 20 and not self._wide

    def bring(self, pane: Lines) -> None:
        """Make *pane* one that is seen."""
        self._front[pane in self.right] = pane
        self.used.add(pane)
        if pane in self._lowers:
            self.lower = pane
        self.lay_out(*self._room, focused=pane)

    def lay_out(self, width: int, height: int, *, focused: Lines) -> None:
        """Lay the panes out for a screen of *width* and *height*."""
        self._room = (width, height)
        if self._wide and focused is self.waterfall:
            focused = self.timeline
        if focused in self.all:
            self._front[focused in self.right] = focused
        seen = self._seen(focused)
        self.styles.layout = "horizontal" if self._wide else "vertical"
        for strip, panes in zip(self._strips, (self.left, self.right), strict=True):
            strip.styles.display = "block" if any(p in seen for p in panes) else "none"
            alone = sum(p in seen for p in panes) == 1 and (not self._wide or self.zoomed)
            for pane in panes:
                names = tuple(str(p.id) for p in self._named(panes))
                pane.titles = names if alone else ()
        self._show_only(seen, focused)
        self.set_class(self._wide and not self.zoomed, "side-by-side")
        self._share(height)

    def _named(self, strip: Sequence[Lines]) -> Sequence[Lines]:
        """Return the panes of a strip that can be brought to the front."""
        return [
            pane for pane in strip
            if pane in self.used and not (self._wide and pane is self.waterfall)
        ]  # fmt: skip

    def _show_only(self, seen: Sequence[Lines], focused: Lines) -> None:
        for pane in seen:
            pane.styles.display = "block"
        # The focus first: Textual gives that of a pane which goes to another of its choice.
        if focused in seen:
            self.screen.set_focus(focused)
        for pane in self.all:
            if pane not in seen:
                pane.styles.display = "none"

    def _seen(self, focused: Lines) -> Sequence[Lines]:
        if self.zoomed or self._one_strip:
            return (focused,)
        if self._wide:
            return (self.timeline, self.source, self.diff, self.state, self.lower)
        return tuple(self._front)

    def _share(self, height: int) -> None:
        """Give the lower panes their rows; timeline and state take the rest."""
        side_by_side = self._wide and not self.zoomed
        body = max(height - 4, 1)
        low = body * 10 // 32
        heights = dict.fromkeys((self.source, *self._lowers), low) | {self.diff: body * 9 // 32}
        for pane, rows in heights.items():
            pane.styles.height = max(rows, 3) if side_by_side else "1fr"
