"""The last look at what is painted: no character that could command a terminal leaves here.

What panes show is escaped where it comes from (RN-2). What a text field holds is not: a filter
out of a link, a value that a draft is suggested for.
"""

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from debugger.timeline.printable import is_hidden


class Harmless(LineFilter):
    """Drops what `printable` would have escaped; a row stays as wide as it was.

    Args:
        ascii_only: whether what cuts a value short, too, is to be in ASCII.
    """

    def __init__(self, *, ascii_only: bool) -> None:
        super().__init__()
        self._ascii_only = ascii_only

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [
            each if each.text.isascii() and each.text.isprintable() else self._harmless(each)
            for each in segments
        ]

    def _harmless(self, segment: Segment) -> Segment:
        text = segment.text.replace("…", "~") if self._ascii_only else segment.text
        kept = "".join("?" * cell_len(char) if is_hidden(char) else char for char in text)
        return Segment(kept, segment.style, segment.control)
