"""What every screen copies, and how the person hears where it went."""

from dataclasses import dataclass

from textual.message import Message

from debugger.timeline.links import Link
from debugger.tui.panes import Panes


class Copying(Panes, inherit_bindings=False):
    """A screen that something can be copied from; it asks for it, whoever hears `Copy` does it."""

    @dataclass
    class Copy(Message):
        """Put *text*, printable, on the clipboard."""

        text: str

    def to_copy(self) -> str:
        """Return what the cursor is on, printable; ``: nothing."""
        raise NotImplementedError

    def link(self) -> Link | None:
        """Return a link to what is shown; None: there is none to it."""
        raise NotImplementedError

    def say(self, message: str, role: str = "") -> None:
        """Tell the person something."""
        raise NotImplementedError

    def do_copy(self) -> None:
        self._copy(self.to_copy(), "There is nothing to copy here.")

    def do_copy_link(self) -> None:
        link = self.link()
        nothing = "There is no link to this: only what is on record has one."
        self._copy("" if link is None else str(link), nothing)

    def _copy(self, text: str, nothing: str) -> None:
        if text:
            self.post_message(self.Copy(text))
        else:
            self.say(nothing)
