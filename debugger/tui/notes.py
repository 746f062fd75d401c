"""What a person keeps in mind while walking: breakpoints, watches, bookmarks, marks, the draft.

It lasts as long as the debugger is open and is written nowhere. Pure.
"""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from debugger.session.again import AnswerEdit, DraftEdit, InputEdit, Live, StateEdit, Stub, Unset
from debugger.session.requests import short_id
from debugger.session.watches import Breakpoint
from debugger.timeline import printable, shown
from debugger.timeline.pointers import join
from eventstore import StreamId

T = TypeVar("T")


class Mark(msgspec.Struct, frozen=True):
    """A moment of a request."""

    stream: StreamId
    revision: int
    about: str = ""
    """What stands there, printable."""

    @property
    def text(self) -> str:
        """`req-9f31c2 #17`."""
        return f"{short_id(self.stream)} #{self.revision}"


class Draft(msgspec.Struct, frozen=True):
    """What is to be other when a request is run on from a moment."""

    stream: StreamId
    edits: tuple[DraftEdit, ...] = ()

    def with_(self, edit: DraftEdit) -> "Draft":
        """Return it with *edit*, in the place of an earlier one of the same thing."""
        kept = tuple(each for each in self.edits if about_of(each) != about_of(edit))
        return Draft(self.stream, (*kept, edit))


def about_of(edit: DraftEdit) -> str:
    """Say what an edit changes, as a person types it."""
    match edit:
        case StateEdit(path=path) | Unset(path=path):
            return join(path)
        case InputEdit(path=path):
            return "input " + join(path)
        case AnswerEdit(n=n):
            return f"answer {n}"
        case Stub(name=name):
            return f"stub {name}"
        case Live(name=name):
            return f"live {name}"


def edit_text(edit: DraftEdit) -> str:
    """Say what an edit does, printable."""
    about = printable(about_of(edit)[:80])
    match edit:
        case Unset():
            return f"unset {about}"
        case Live(name=name):
            return f"LIVE: {printable(name[:80])} is really called"
        case _:
            return f"{about} = {shown(edit.value, 60)}"


class Notes:
    """All of it, shared by the screens."""

    def __init__(self) -> None:
        self.breakpoints: list[Breakpoint] = []
        self.watches: list[str] = []
        self.bookmarks: list[Mark] = []
        self.a: Mark | None = None
        self.b: Mark | None = None
        self.draft: Draft | None = None

    def turn_breakpoint(self, each: Breakpoint) -> bool:
        """Set a breakpoint, or take it away; say whether it is set now."""
        return _turn(self.breakpoints, each)

    def turn_watch(self, text: str) -> bool:
        """Watch something, or watch it no more; say whether it is watched now."""
        return _turn(self.watches, text)

    def turn_bookmark(self, mark: Mark) -> bool:
        """Set a bookmark, or take it away; say whether it is set now."""
        known = [
            m for m in self.bookmarks if (m.stream, m.revision) == (mark.stream, mark.revision)
        ]
        for each in known:
            self.bookmarks.remove(each)
        if not known:
            self.bookmarks.append(mark)
        return not known

    def mark(self, mark: Mark) -> str:
        """Mark a moment as A, then as B; a third one is A again. Return which."""
        if self.a is None or self.b is not None:
            self.a, self.b = mark, None
            return "A"
        self.b = mark
        return "B"

    def unmark(self) -> bool:
        """Forget the marks; say whether there were any."""
        had = self.a is not None
        self.a = self.b = None
        return had

    def draft_of(self, stream: StreamId) -> Sequence[DraftEdit]:
        """Return what was changed in the draft of a request."""
        return self.draft.edits if self.draft and self.draft.stream == stream else ()

    def edit(self, stream: StreamId, edit: DraftEdit) -> None:
        """Change something in the draft of a request; a draft of another one is forgotten."""
        draft = self.draft if self.draft and self.draft.stream == stream else Draft(stream)
        self.draft = draft.with_(edit)


def _turn(among: list[T], each: T) -> bool:
    if each in among:
        among.remove(each)
        return False
    among.append(each)
    return True
