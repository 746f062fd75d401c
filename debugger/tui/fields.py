"""Text fields: the filter of the list, and the line for commands, moments and searches."""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

from debugger.errors import FilterError
from debugger.timeline import REQUEST_FIELDS, is_hidden, parse, printable


class Field(Input):
    """A line of text; it takes every key but `esc`, `enter` and `tab` (KB-2).

    A character that cannot be seen is written as its escape (RN-2), which in the quoted text of
    a filter, and in JSON, means it.
    """

    DEFAULT_CSS = """
    Field { height: 1; border: none; padding: 0; width: 1fr; background: $panel; }
    Field:focus { border: none; background: $panel; }
    Field > .input--placeholder { color: $foreground 75%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("tab", "leave", show=False),
    ]

    @dataclass
    class Left(Message):
        """The person left without `enter`."""

        field: "Field"

        @property
        def control(self) -> "Field":
            return self.field

    def __init__(self, *, id: str, placeholder: str = "") -> None:  # noqa: A002
        super().__init__(id=id, placeholder=placeholder, compact=True, select_on_focus=False)

    def action_leave(self) -> None:
        self.post_message(self.Left(self))

    def _on_key(self, event: events.Key) -> None:  # type: ignore[override]
        # Of these Textual drops some, and takes others, which are then there unseen.
        char = event.character or ""
        if len(char) == 1 and char > "\x9f" and is_hidden(char):
            event.prevent_default().stop()
            self.replace(printable(char), *self.selection)

    def _on_paste(self, event: events.Paste) -> None:
        # Of several lines all that is said, on one; what cannot be seen as its escape (RN-2).
        event.prevent_default().stop()
        self.replace(printable(" ".join(event.text.split())), *self.selection)


def typed_filter(text: str) -> str:
    r"""Return a filter of requests as it can be seen and typed: hidden characters as `"\u202e"`.

    It means the same; what cannot be read as a filter is only shown.
    """
    if printable(text) == text:
        return text
    try:
        return str(parse(text, REQUEST_FIELDS))
    except FilterError:
        return printable(text)


class Prompt(Horizontal):
    """A label and a field in the place of the keys line, seen while it is asked."""

    DEFAULT_CSS = """
    Prompt { height: 1; display: none; background: $panel; margin-top: 1; }
    Prompt Label { color: $primary; text-style: bold; padding: 0 1; }
    """

    @dataclass
    class Given(Message):
        """The person pressed `enter`."""

        purpose: str
        text: str

    @dataclass
    class Gone(Message):
        """Nothing is asked any more."""

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.purpose = ""

    def compose(self) -> ComposeResult:
        yield Label("", markup=False)
        yield Field(id="asked")

    def ask(self, purpose: str, label: str, hint: str, value: str = "") -> None:
        """Ask for a line of text, at first *value*; the answer carries *purpose*."""
        self.purpose = purpose
        self.query_one(Label).update(label)
        field = self.query_one(Field)
        field.value = value
        field.cursor_position = len(value)
        field.placeholder = hint
        self.styles.display = "block"
        self.screen.set_focus(field)  # at once: what is typed next is for it

    def put_away(self) -> None:
        """Ask nothing any more."""
        self.styles.display = "none"
        self.post_message(self.Gone())

    def on_field_left(self, message: Field.Left) -> None:
        message.stop()
        self.put_away()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        message.stop()
        purpose, text = self.purpose, message.value.strip()
        self.put_away()
        if text:
            self.post_message(self.Given(purpose, text))

    def on_input_changed(self, message: Input.Changed) -> None:
        message.stop()
