"""The fact under the cursor, as it is stored."""

from collections.abc import Callable, Sequence

import msgspec

from debugger.timeline import data_text, printable
from debugger.tui.cells import Cells
from debugger.tui.lines import Lines
from debugger.tui.look import Look
from debugger.tui.wording import moment_of, size
from eventstore import Event, UnknownEvent

_MOST = 262_144


class FactPane(Lines):
    """Lines of JSON under the envelope's fields."""

    quiet = True

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__(look, "fact", id="fact")
        self._lines: Sequence[tuple[str, str]] = ()

    def show(self, event: Event | None) -> None:
        """Show *event*; None: the moment before the first."""
        self.cursor = self.top = 0
        self.dimmed = False
        self.empty = ("before the first fact",)
        if event is None:
            self.title, self.note, self._lines = "fact", "", ()
        else:
            self.title = f"fact #{event.revision} {printable(event.type[:64])}"
            self.note = f"position {event.position}"
            self._lines = fact_lines(event)
        self.renew()

    @property
    def count(self) -> int:
        return len(self._lines)

    def row(self, index: int, room: int) -> Cells:
        del room  # cut where it is drawn
        name, text = self._lines[index]
        return [(name, "dim"), (text, "")]


def fact_lines(event: Event) -> list[tuple[str, str]]:
    """Return name and text of each line of a fact; a payload past 256 KiB is cut."""
    at = moment_of(event.at_us)
    lines = [
        ("at    ", at.strftime("%Y-%m-%d %H:%M:%S.%fZ")),
        ("key   ", printable((event.key or "none")[:1000])),
        ("site  ", printable((event.site or "none")[:1000])),
        ("schema", f" {event.schema}"),
    ]
    if isinstance(event.data, UnknownEvent):
        lines.append(("note  ", "this program does not know the type: shown as stored"))
    raw = data_text(event)
    text = msgspec.json.format(raw, indent=2) if len(raw) <= _MOST else raw
    lines += [("", printable(line)) for line in text[:_MOST].split("\n")]
    if len(raw) > _MOST:
        lines.append(("", f"{size(len(raw))} in all"))
    return lines
