"""The program around the screens: keys, looks, going from one screen to the other."""

import asyncio
import contextlib
import signal
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from debugger.session import RequestSummary
from debugger.tui.actions import ACTIONS
from debugger.tui.desk import Desk, problem_of
from debugger.tui.face import Face
from debugger.tui.latest import Latest
from debugger.tui.look import THEMES, textual_theme
from debugger.tui.request_screen import RequestScreen
from debugger.tui.requests_screen import RequestsScreen
from eventstore import StreamId

TAIL_S = 0.5
"""How often the store is asked for what is new."""
REST_S = 0.06
"""How long a cursor or typing rests before more is read for it."""


class DebuggerApp(App[None]):
    """The debugger on one store.

    Args:
        desk: the session and everything that screens share.
        tail_s: how often to look for what is new; None: only when told, by `tick`.
        rest_s: how long cursor and typing rest before more is read for them.
        request: opened at once; None: the list.
    """

    TITLE = "timescape debug"
    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False
    ALLOW_SELECT = False
    CSS = "Screen { background: $background; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"act('{action.id}')", action.text, show=False, priority=action.id == "quit")
        for action in ACTIONS
        for key in action.keys
    ]

    def __init__(
        self,
        desk: Desk,
        *,
        tail_s: float | None = TAIL_S,
        rest_s: float = REST_S,
        request: StreamId | None = None,
    ) -> None:
        super().__init__()
        self.desk = desk
        self.requests = RequestsScreen(desk, tail_s=tail_s, rest_s=rest_s)
        self.request = RequestScreen(desk, tail_s=tail_s)
        self._first = request
        self._finds = Latest(self, "timescape-find")
        self._signals: list[signal.Signals] = []

    def on_mount(self) -> None:
        for colours in THEMES:
            self.register_theme(textual_theme(colours))
        self.theme = f"timescape-{THEMES[self.desk.theme].name}"
        self.animation_level = "none"
        self._hear_signals()
        self.install_screen(self.requests, "requests")
        self.install_screen(self.request, "request")
        self.push_screen("requests")
        if self._first is not None:
            self._open(self._first)

    def on_unmount(self) -> None:
        self._finds.close()
        loop = asyncio.get_running_loop()
        for number in self._signals:
            loop.remove_signal_handler(number)

    def _hear_signals(self) -> None:
        """Leave as if asked to, when we are ended: the terminal is given back (RN-7)."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._end_by, number)
                self._signals.append(number)

    def _end_by(self, number: signal.Signals) -> None:
        self.exit(return_code=128 + number)

    @property
    def pending(self) -> bool:
        """Whether any answer is still to come."""
        return self._finds.busy or self.requests.pending or self.request.pending

    @property
    def face(self) -> Face | None:
        """The screen that is seen, under a dialog too."""
        faces = [screen for screen in self.screen_stack if isinstance(screen, Face)]
        return faces[-1] if faces else None

    def action_act(self, name: str) -> None:
        """Run an action of the registry."""
        if name == "quit":
            self.exit()
        elif self.face is not None:
            self.face.act(name)

    def action_help_quit(self) -> None:
        """`ctrl+c` ends nothing: say what does."""
        if self.face is not None:
            self.face.say("ctrl+q quits.")

    # --- from screen to screen ---

    def on_face_show(self, message: Face.Show) -> None:
        if message.face == "request" and self.request.loaded is None:
            self.requests.say("No request was opened yet: enter opens one.")
        else:
            self._switch(message.face)

    def _switch(self, name: str) -> None:
        face = self.face
        if face is not None and face.face != name:
            self.switch_screen(name)

    def on_face_open(self, message: Face.Open) -> None:
        what = message.what
        if isinstance(what, RequestSummary):
            self._open(what.stream)
        elif isinstance(what, str):
            session, face = self.desk.session, self.face

            def failed(error: Exception) -> None:
                if face is not None:
                    face.say(" ".join(problem_of(error)), "orange")

            self._finds.ask(lambda: session.find(what), self._open, failed)
        else:
            self._open(what)

    def _open(self, stream: StreamId) -> None:
        self._switch("request")
        self.request.open(stream)
