"""What both screens have: title, keys line, prompt, messages, and how an action is run."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget

from debugger.errors import FilterError
from debugger.session import RequestSummary
from debugger.session.requests import is_named
from debugger.timeline import printable
from debugger.timeline.links import Link, is_link
from debugger.tui.actions import ACTIONS, BY_ID, Action
from debugger.tui.bars import Bar, Bottom
from debugger.tui.chooser import Choice, Chooser, choices, keys, reading
from debugger.tui.confirm import Confirm
from debugger.tui.copying import Copying
from debugger.tui.desk import Desk
from debugger.tui.fields import Prompt
from debugger.tui.look import wear
from debugger.tui.notes import Mark
from debugger.tui.runs import Task
from eventstore import StreamId

WIDE = 100
"""Columns from which panes stand side by side (UI-1)."""
LOW = 30
"""Rows below which message and keys share a line."""
SHORT = 20
"""Rows below which one strip of panes is seen."""
SMALLEST = (60, 15)


class Face(Copying, inherit_bindings=False):
    """A screen of the debugger; its `do_…` methods are what the actions do."""

    DEFAULT_CSS = """
    Face { layout: vertical; background: $background; color: $foreground; }
    Face { layers: panes above; overflow: hidden; }
    Face #too-small { display: none; layer: above; position: absolute;
        width: 100%; height: 100%; }
    Face.tiny #too-small { display: block; }
    Face #prompt-caret { display: none; }
    Face.compact #bottom { height: 1; }
    Face.compact #prompt, Face.faulty #prompt { margin-top: 0; }
    """
    AUTO_FOCUS: ClassVar[str | None] = None
    face: ClassVar[str]

    @dataclass
    class Open(Message):
        """Open a request: known by its row, its stream, or what a person typed."""

        what: RequestSummary | StreamId | str
        revision: int | None = None
        """The moment to show; None: the first failure, else the end."""

    @dataclass
    class Rerun(Message):
        """Run a request again, and compare."""

        task: Task

    @dataclass
    class Compare(Message):
        """Compare two moments."""

        a: Mark
        b: Mark

    @dataclass
    class Show(Message):
        """Show another screen."""

        face: str

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.bottom = Bottom(desk.look, self.face, desk.keys, self.offers)
        self.title_bar = Bar(desk.look, id="title")
        self.prompt = Prompt()
        self._banner = Bar(desk.look, id="banner")
        self._fault = Bar(desk.look, id="prompt-caret")
        self._too_small = Bar(desk.look, id="too-small")
        self._focus_before: Widget | None = None

    def compose(self) -> ComposeResult:
        yield self._too_small
        yield self.title_bar
        if self.desk.keys.problems:
            self._banner.show([("config: ", "orange"), ("  ".join(self.desk.keys.problems), "")])
            yield self._banner
        yield from self.body()
        yield self.bottom
        yield self._fault
        yield self.prompt

    def body(self) -> ComposeResult:
        """Give what stands between title and keys."""
        raise NotImplementedError

    # --- what a screen tells ---

    @property
    def pending(self) -> bool:
        """Whether an answer is still to come."""
        return False

    def blocked(self, action: Action) -> str | None:
        """Say why *action* cannot run now, beyond what its scope and access tell."""
        del action
        return None

    def subject(self) -> Mark | None:
        """Return the moment that the cursor is on; None: there is none."""
        return None

    def link(self) -> Link | None:
        here, store = self.subject(), self.desk.store_alias
        if here is None or not store:
            return None
        screen = "" if self.face == "request" else self.face
        return Link(store, here.stream, here.revision, screen=screen)

    def show_title(self) -> None:
        """Say in the title what is looked at."""
        raise NotImplementedError

    def tick(self) -> None:
        """Look whether anything was written; called again and again."""
        raise NotImplementedError

    def seek(self, text: str) -> bool:
        """Go to the moment *text* means; False: there are no moments here."""
        del text
        return False

    # --- running actions ---

    def reason(self, name: str) -> str | None:
        """Say why the action cannot run now; None: it can."""
        action = BY_ID[name]
        if not action.acts_on(self.face):
            return _elsewhere(action, self.face)
        if name == "replay" and (why := self.desk.why_not_run()) is not None:
            return why
        if name in ("replay", "mark") and self.subject() is None:
            return "there is no request"
        if (why := self.desk.why_not_noted(name)) is not None:
            return why
        blocked = self.blocked(action)
        if blocked is None and action.writes:
            return self.desk.why_not_write()
        return blocked

    def offers(self, name: str) -> bool:
        """Say whether the keys line shows the action: whether it would do something now."""
        return self.reason(name) is None

    def on_bottom_chosen(self, message: Bottom.Chosen) -> None:
        self.act(message.action)

    def on_screen_resume(self) -> None:
        self.bottom.renew()

    def act(self, name: str) -> None:
        """Run an action, or say why it cannot run."""
        self.say("")
        if name == "back" and self.desk.jobs.cancel():
            self.say("Cancelled.")
            return
        why = self.reason(name)
        if why is not None:
            self.say(f"{BY_ID[name].text}: {why}", "orange")
            return
        do: Callable[[], None] = getattr(self, BY_ID[name].method)
        do()
        self.bottom.renew()

    def say(self, message: str, role: str = "") -> None:
        self.bottom.say(message, role)

    def do_requests(self) -> None:
        self.post_message(self.Show("requests"))

    def do_request(self) -> None:
        self.post_message(self.Show("request"))

    def do_waterfall(self) -> None:
        self.post_message(self.Show("waterfall"))

    def do_versions(self) -> None:
        self.post_message(self.Show("versions"))

    def do_comparison(self) -> None:
        self.post_message(self.Show("compare"))

    def do_forks(self) -> None:
        self.post_message(self.Show("forks"))

    def do_audit(self) -> None:
        self.post_message(self.Show("audit"))

    def do_live(self) -> None:
        self.post_message(self.Show("live"))

    # --- marks and runs ---

    def do_mark(self) -> None:
        here = self.subject()
        if here is not None:
            which = self.desk.notes.mark(here)
            hint = (
                f"mark another as B, or {self.desk.key('compare')} compares it with what is shown"
            )
            hint = hint if which == "A" else f"{self.desk.key('compare')} compares A and B"
            self.say(f"{which} is {here.text}: {hint}.")
            self.marked()

    def marked(self) -> None:
        """Show that a mark was set."""

    def do_compare(self) -> None:
        notes = self.desk.notes
        here = notes.b or self.subject()
        assert notes.a is not None  # noqa: S101 - `reason` has asked
        if here is None or (here.stream, here.revision) == (notes.a.stream, notes.a.revision):
            self.say("A is what is shown: go elsewhere, or mark another as B.")
        else:
            self.post_message(self.Compare(notes.a, here))

    def do_bookmarks(self) -> None:
        marks = self.desk.notes.bookmarks
        rows = [Choice(str(n), "", f"{m.text}  {m.about}") for n, m in enumerate(marks)]

        def chosen(name: str | None) -> None:
            if name:
                mark = marks[int(name)]
                self.post_message(self.Open(mark.stream, mark.revision))

        self.app.push_screen(Chooser(self.desk.look, "bookmarks", rows), chosen)

    def do_breakpoints(self) -> None:
        points = self.desk.notes.breakpoints
        rows = [Choice(str(n), "", printable(each.text)) for n, each in enumerate(points)]

        def chosen(name: str | None) -> None:
            if name:
                self.desk.notes.turn_breakpoint(points[int(name)])
                self.marked()
                self.say("The breakpoint is gone.")

        title = "breakpoints: enter takes one away"
        self.app.push_screen(Chooser(self.desk.look, title, rows), chosen)

    def do_replay(self) -> None:
        here = self.subject()
        if here is not None:
            self.post_message(self.Rerun(Task(here.stream)))

    def do_unlock(self) -> None:
        desk = self.desk
        if desk.seconds_left:
            desk.lock()
            self.show_title()
            self.say("The store is locked again.")
            return
        if (why := desk.why_not_unlock()) is not None:
            self.say(f"{BY_ID['unlock'].text}: {why}", "orange")
            return
        rows = [
            [("For 5 minutes this debugger may add forks to the store", "")],
            [(f"{printable(desk.session.store.url)}.", "strong")],
            [("Nothing that is recorded is ever changed.", "")],
            [(f"What is written says: by {printable(desk.by)} (claimed).", "dim")],
            [("At a gate it says the name of your token instead, if it has one.", "dim")],
        ]

        def answered(yes: bool | None) -> None:  # noqa: FBT001 - how Textual answers
            if yes:
                desk.unlock()
                self.show_title()
                self.say(f"Unlocked for 5 minutes; {self.desk.key('unlock')} locks it again.")

        self.app.push_screen(Confirm(desk.look, "allow writing", rows), answered)

    def do_theme(self) -> None:
        self.change_theme(None)

    def change_theme(self, name: str | None) -> None:
        """Change the colours, to *name* or the next."""
        if not self.desk.coloured:
            self.say("NO_COLOR is set: colours are the terminal's own.", "orange")
            return
        chosen = self.desk.next_theme(name)
        if not chosen:
            self.say(f"There is no theme {printable(name or '')[:40]}.", "orange")
            return
        wear(self.app, self.desk.theme)
        for widget in self.query("*"):
            widget.refresh()
        self.say(f"Colours: {chosen}.")

    def do_palette(self) -> None:
        self._choose("every action", reading_too=False)

    def do_help(self) -> None:
        self._choose("keys", reading_too=True)

    def _choose(self, title: str, *, reading_too: bool) -> None:
        actions = self.desk.keys.actions
        rows = (
            [*keys(actions), *reading(self.desk.keys)]
            if reading_too
            else choices(actions, self.reason)
        )

        def chosen(name: str | None) -> None:
            if name:
                self.act(name)

        self.app.push_screen(Chooser(self.desk.look, title, rows), chosen)

    def do_quit(self) -> None:
        job = self.desk.jobs.current
        if job is None:
            self.app.exit()
            return

        def answered(yes: bool | None) -> None:  # noqa: FBT001 - how Textual answers
            if yes:
                self.desk.jobs.cancel()
                self.app.exit()

        rows = [[(f"{job.told}: it is cancelled.", "")]]
        self.app.push_screen(Confirm(self.desk.look, "quit", rows), answered)

    # --- the prompt ---

    def ask(self, purpose: str, label: str, hint: str, value: str = "") -> None:
        """Ask for a line of text in the place of the keys, at first *value*."""
        self._focus_before = self.focused
        self.bottom.styles.display = "none"
        self._fault.styles.display = "none"
        self.prompt.ask(purpose, label, hint, value)

    def ask_again(self, purpose: str, label: str, value: str, error: FilterError) -> None:
        """Ask once more for what could not be read, with a caret under the fault (TM-10)."""
        self.ask(purpose, label, "", value)
        remedy = f"  {error.remedy}" if error.remedy else ""
        space = " " * (len(label) + 1 + error.cells)
        self._fault.show([(f"{space}^ {printable(error.expected)}{remedy}", "failed")])
        self._fault.styles.display = "block"
        self.add_class("faulty")

    @property
    def asks(self) -> bool:
        """Whether a line of text is being asked for."""
        return self.prompt.display

    def do_command(self) -> None:
        self.ask("command", ":", "a moment, an action, open ID, theme NAME, quit")

    def on_prompt_gone(self) -> None:
        self.remove_class("faulty")
        self._fault.styles.display = "none"
        self.bottom.styles.display = "block"
        # At once: what the answer brings to the front takes the focus after that.
        self.set_focus(self._focus_before or self.lines()[0])

    def on_prompt_given(self, message: Prompt.Given) -> None:
        # Textual calls the handler of every class, so only this one may be called so.
        self.answered(message.purpose, message.text)

    def answered(self, purpose: str, text: str) -> None:
        """Do what was asked for by `ask` with *purpose*."""
        if purpose == "command":
            self.command(text)

    def command(self, text: str) -> None:
        """Do what a `:` line says: an action, a verb, or a moment to go to."""
        verb, _, rest = text.partition(" ")
        rest = rest.strip()
        if verb in ("q", "quit", "exit"):
            self.do_quit()
        elif verb == "open" or is_named(verb) or is_link(verb):
            self.post_message(self.Open(rest if verb == "open" else text))
        elif verb == "theme":
            self.change_theme(rest or None)
        elif verb == "filter" and self.face == "requests":
            self.filter(rest)
        elif text.replace(" ", "-") in BY_ID:
            self.act(text.replace(" ", "-"))
        elif not self.seek(text):
            near = difflib.get_close_matches(verb, [a.id for a in ACTIONS], 1, 0.5)
            hint = (
                f" Did you mean {near[0]}?" if near else f" {self.desk.key('palette')} lists all."
            )
            self.say(f"There is no command {printable(text[:60])}.{hint}", "orange")

    def filter(self, text: str) -> None:
        """Show only what matches *text*."""
        del text

    # --- sizes ---

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        tiny = width < SMALLEST[0] or height < SMALLEST[1]
        self._too_small.show([("60x15 is needed, ", "orange"), (f"not {width}x{height}", "")])
        self.set_class(tiny, "tiny")
        self.set_class(height < LOW, "compact")
        if not tiny:
            self.lay_out(width, height)

    def lay_out(self, width: int, height: int) -> None:
        """Lay out the panes for a new size."""
        raise NotImplementedError


def _elsewhere(action: Action, face: str) -> str:
    """Say where *action* can run, if not on *face*."""
    if face == "requests" and action.acts_on("request"):
        return "open a request first"
    return f"it acts on the screens {', '.join(action.scope.split())}"
