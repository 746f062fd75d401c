"""A pane of lines with a cursor: the base of every list, tree and text here.

Drawn by the line API (RN-1): a frame builds the rows that are seen and no more, a step
repaints the two lines that changed, and nothing causes a layout pass (RN-6). There is no
widget per row, and no scroll view either: a pane knows the first row it shows.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from textual import events
from textual.geometry import Offset, Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from debugger.tui.cells import Cell, Cells, spread, strip, width_of, wrap
from debugger.tui.look import Look

_KEPT = 4096
"""Strips remembered, at most: 16 pages of 256 (RN-1)."""


class Lines(Widget, can_focus=True):
    """Rows under a heading; says `Moved` and `Opened`, reads no store."""

    DEFAULT_CSS = "Lines { height: 1fr; width: 1fr; }"
    ALLOW_SELECT = False

    quiet = False
    """Whether the cursor is seen only where the focus is: text to read, nothing to pick."""
    titles: Sequence[str] = ()
    """Names of the panes of this strip, where only one of them is seen; else empty."""

    @dataclass
    class Moved(Message):
        """The cursor went to another row."""

        lines: "Lines"
        row: int

        @property
        def control(self) -> "Lines":
            return self.lines

    @dataclass
    class Opened(Message):
        """The row under the cursor was clicked again."""

        lines: "Lines"
        row: int

        @property
        def control(self) -> "Lines":
            return self.lines

    @dataclass
    class Named(Message):
        """The name of another pane of the strip was clicked."""

        name: str

    def __init__(self, look: Callable[[], Look], title: str, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._look = look
        self.title = title
        self.note = ""
        """At the right of the heading."""
        self.header: Cells = ()
        """A line under the heading that does not scroll; empty: none."""
        self.empty: Sequence[str] = ()
        """What to say where there are no rows."""
        self.problem: tuple[str, str] | None = None
        """What went wrong and the remedy: said in the pane (ST-3)."""
        self.dimmed = False
        """Whether what is seen is old: it is dimmed, never blanked (ST-2)."""
        self.cursor = 0
        self.top = 0
        self._strips: dict[tuple[Any, ...], Strip] = {}
        self._drawn_for: tuple[int, Look] | None = None

    # --- what a pane tells about its rows ---

    @property
    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def row(self, index: int, room: int) -> Cells:
        """Return row *index*, at most *room* cells wide, without the cursor's sign."""
        raise NotImplementedError

    def row_key(self, index: int) -> Any:
        """Return what row *index* is remembered by; equal keys must look alike."""
        return index

    # --- changes ---

    @property
    def look(self) -> Look:
        return self._look()

    def renew(self) -> None:
        """Draw everything anew: the rows are others."""
        self._strips.clear()
        self.cursor = self._inside(self.cursor)
        self._keep_seen()
        self.refresh()

    def note_is(self, note: str) -> None:
        """Change the right of the heading."""
        if note != self.note:
            self.note = note
            self.refresh_line(0)

    def dim(self, *, now: bool = True) -> None:
        """Show that what is seen is old, or that it is not any more."""
        if now != self.dimmed:
            self.dimmed = now
            self.refresh()

    def place(self, row: int, *, tell: bool = False) -> None:
        """Put the cursor on *row*, or the nearest there is; repaint only what changed."""
        row = self._inside(row)
        before, top = self.cursor, self.top
        self.cursor = row
        self._keep_seen()
        if self.top != top:
            self.refresh()
        elif row != before:
            self.refresh_line(self._line_of(before))
            self.refresh_line(self._line_of(row))
        if row != before and tell:
            self.post_message(self.Moved(self, row))

    def move(self, by: int) -> None:
        """Move the cursor by rows, as the person asked."""
        self.place(self.cursor + by, tell=True)

    def turn(self, pages: int) -> None:
        """Move the cursor by pages; the view goes with it."""
        step = pages * max(self.body_height - 1, 1)
        self.top = max(0, min(self.top + step, self.count - self.body_height))
        self.refresh()
        self.place(self.cursor + step, tell=True)

    def refresh_line(self, line: int) -> None:
        """Repaint one line of the screen."""
        if 0 <= line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))

    @property
    def body_height(self) -> int:
        """How many rows are seen at once."""
        return max(self.size.height - self._body_top, 0)

    @property
    def _body_top(self) -> int:
        return 2 if self.header else 1

    def _line_of(self, row: int) -> int:
        return row - self.top + self._body_top

    def _inside(self, row: int) -> int:
        return max(0, min(row, self.count - 1))

    def _keep_seen(self) -> None:
        height = self.body_height
        if height <= 0:
            return
        far = not self.top - 1 <= self.cursor <= self.top + height
        if far:
            # A jump shows what stands around it, a step moves the view by a row.
            last_top = max(self.count - height, 0)
            self.top = max(0, min(self.cursor - height // 3, last_top))
        self.top = max(self.cursor - height + 1, min(self.top, self.cursor), 0)
        self._show_terminal_cursor()

    def _show_terminal_cursor(self) -> None:
        # Screen readers and magnifiers follow the terminal's own cursor (AC-1).
        if self.has_focus and self.count:
            self.app.cursor_position = self.region.offset + Offset(0, self._line_of(self.cursor))

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        room, look = self.size.width, self.look
        if self._drawn_for != (room, look):
            self._strips.clear()
            self._drawn_for = (room, look)
        if y == 0:
            return strip(self._heading(room), room, look)
        if y < self._body_top:
            return strip([("  ", ""), *self.header], room, look, only="dim")
        index = self.top + y - self._body_top
        if self.problem is not None:
            return self._problem_line(y, room)
        if index < self.count:
            return self._row_strip(index, room)
        if not self.count:
            said = [line for text in self.empty for line in wrap(text, max(room - 4, 8))]
            said = said[y - self._body_top : y - self._body_top + 1]
            return strip([("  " + line, "dim") for line in said], room, look)
        return strip((), room, look)

    def _row_strip(self, index: int, room: int) -> Strip:
        here = index == self.cursor and (self.has_focus or not self.quiet)
        ground = ("cursor" if self.has_focus else "resting") if here else ""
        key = (self.row_key(index), ground, self.dimmed)
        drawn = self._strips.get(key)
        if drawn is None:
            sign = self.look.glyphs.cursor + " " if here else "  "
            cells: list[Cell] = [(sign, "focus"), *self.row(index, room - 2)]
            only = "dim" if self.dimmed else None
            drawn = strip(cells, room, self.look, ground, only)
            if len(self._strips) >= _KEPT:
                self._strips.clear()
            self._strips[key] = drawn
        return drawn

    def _heading(self, room: int) -> Cells:
        glyphs = self.look.glyphs
        fill = glyphs.focused_rule if self.has_focus else glyphs.rule
        role = "focus" if self.has_focus else "strong"
        left: list[Cell] = [(fill + " ", "dim")]
        if self.titles:
            left += [(text, role if text.startswith("[") else "dim") for text in self._tabs()]
        else:
            left.append((self.title + " ", role))
        note = f" {self.note} " if self.note else ""
        right: list[Cell] = [(note, "dim"), (fill, "dim")] if note else []
        if width_of(right) > room * 3 // 4:
            right = []
        return spread(left, right, room, glyphs.cut, fill)

    def _tabs(self) -> list[str]:
        own = self.title.split(" ")[0]
        return [f"[{name}] " if name == own else f"{name} " for name in self.titles]

    def _tab_at(self, x: int) -> str:
        """Return the name that stands in column *x* of the heading, `` if none does."""
        ends = accumulate(map(len, self._tabs()), initial=2)
        found = bisect_right([*ends], x) - 1
        return self.titles[found] if 0 <= found < len(self.titles) else ""

    def _problem_line(self, y: int, room: int) -> Strip:
        problem, remedy = self.problem or ("", "")
        lines = [(line, "orange") for line in wrap(problem, max(room - 5, 8))]
        lines += [(line, "") for line in wrap(remedy, max(room - 5, 8))]
        number = y - self._body_top
        if number >= len(lines):
            return strip((), room, self.look)
        sign = "  ! " if number == 0 else "    "
        return strip([(sign, "failed"), lines[number]], room, self.look)

    # --- what the person does to the pane itself ---

    def on_focus(self) -> None:
        self.refresh()
        self._show_terminal_cursor()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self._keep_seen()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        row = self.top + event.y - self._body_top
        if event.y == 0 and (name := self._tab_at(event.x)):
            self.post_message(self.Named(name))
        if event.y < self._body_top or row >= self.count:
            return
        if row == self.cursor and event.chain > 1:
            self.post_message(self.Opened(self, row))
        else:
            self.place(row, tell=True)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll_view(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll_view(-3)

    def _scroll_view(self, by: int) -> None:
        # The cursor stays in the part that is seen: what is marked is what keys act on.
        top = max(0, min(self.top + by, self.count - self.body_height))
        if top != self.top:
            self.top = top
            self.refresh()
            self.place(max(top, min(self.cursor, top + self.body_height - 1)), tell=True)
