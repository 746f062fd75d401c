"""The program around the screens: keys, looks, going from one screen to the other."""

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.driver import Driver
from textual.screen import Screen

from debugger.session import RequestSummary
from debugger.timeline import printable
from debugger.timeline.links import Link, is_link, read_link
from debugger.tui.board import Board
from debugger.tui.boards import BOARDS, board_class
from debugger.tui.copying import Copying
from debugger.tui.desk import Desk, problem_of
from debugger.tui.face import Face
from debugger.tui.fields import Field
from debugger.tui.harmless import Harmless
from debugger.tui.keymap import Keymap
from debugger.tui.latest import Latest
from debugger.tui.look import ASCII, TERMINAL, THEMES, textual_theme
from debugger.tui.notes import Mark
from debugger.tui.requests_screen import RequestsScreen
from debugger.tui.runs import Held, Outcome, held_marks, held_of, run_task, told_of
from eventstore import StreamId
from runtime.gates.views import BEAT_S
from runtime.gates.views import Held as GatesHeld

if TYPE_CHECKING:
    from debugger.tui.compare_screen import CompareScreen
    from debugger.tui.request_screen import RequestScreen

TAIL_S = 0.5
"""How often the store is asked for what is new."""
REST_S = 0.06
"""How long a cursor or typing rests before more is read for it."""
_OF_A_REQUEST = ("request", "waterfall", "forks")


class DebuggerApp(App[None]):
    """The debugger on one store.

    Args:
        desk: the session and everything that screens share.
        tail_s: how often to look for what is new; None: only when told, by `tick`.
        rest_s: how long cursor and typing rest before more is read for them.
        request: opened at once; None: the list.
        link: opened at once, in the place of *request*.
    """

    TITLE = "timescape debug"
    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False
    ALLOW_SELECT = False
    CSS = "Screen { background: $background; }"

    def __init__(
        self,
        desk: Desk,
        *,
        tail_s: float | None = TAIL_S,
        rest_s: float = REST_S,
        request: StreamId | None = None,
        link: Link | None = None,
    ) -> None:
        super().__init__(ansi_color=desk.theme == TERMINAL)
        self._filters.append(Harmless(ascii_only=desk.look().glyphs == ASCII))
        self.desk = desk
        self._dress()
        self._bind(desk.keys)
        self.requests = RequestsScreen(desk, tail_s=tail_s, rest_s=rest_s)
        self._request: RequestScreen | None = None
        self._first = request
        self._link = link
        self._tail_s = tail_s
        self._boards: dict[str, Board] = {}
        self._finds = Latest(self, "timescape-find")
        self._runs = Latest(self, "timescape-run")
        self._comparisons = Latest(self, "timescape-compare")
        self._beats = Latest(self, "timescape-beat")
        self._copies = Latest(self, "timescape-copy")
        self._signals: list[signal.Signals] = []

    def _bind(self, keys: Keymap) -> None:
        """Let keys do what *keys* says, and no more: Textual's own `ctrl+q` asks nothing.

        Each is bound twice. With priority, it acts in the order in which keys were typed: else of
        a quick `:zoom` the letters would be keys, as they wait for the pane that `:` was sent to.
        Where a field or a dialog has the keys, it acts without, on those which these leave over.
        """
        self._bindings.key_to_bindings.pop("ctrl+q", None)
        for action in keys.actions:
            for key in action.keys:
                self._bindings.key_to_bindings.pop(key, None)
                first = "act" if action.id == "quit" else "act_first"
                for does, priority in ((first, True), ("act", False)):
                    self._bindings.bind(
                        key, f"{does}('{action.id}')", action.text, show=False, priority=priority
                    )

    def _dress(self) -> None:
        """Take on the colours before anything is styled: later, all is styled again."""
        for colours in THEMES:
            self.register_theme(textual_theme(colours))
        self.set_reactive(App.theme, f"timescape-{THEMES[self.desk.theme].name}")
        self.stylesheet.set_variables(self.get_css_variables())

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        if driver.__name__ != "LinuxDriver":
            return driver
        from debugger.tui.terminal import Terminal  # noqa: PLC0415 - only there can it be loaded

        return Terminal

    def on_mount(self) -> None:
        self.animation_level = "none"
        self._hear_signals()
        self.install_screen(self.requests, "requests")
        self.requests.begin()
        self.push_screen("requests")
        if self._tail_s:
            self.set_interval(self._tail_s, self._tick_board)
            self.set_interval(BEAT_S, self._beat)
        if self._link is not None:
            self._follow(self._link)
        elif self._first is not None:
            self._open(self._first)

    def _tick_board(self) -> None:
        if isinstance(self.face, Board):
            self.face.tick()

    def _beat(self) -> None:
        """Say that this debugger lives, once it has asked about gates (GA-11)."""
        live = self.desk.live
        if not live.is_open or (self.face and self.face.face == "live"):
            return

        def then(held: GatesHeld) -> None:
            live.held = held

        self._beats.ask(lambda: live.gates().beat(), then, lambda _: live.forget())

    def on_unmount(self) -> None:
        self.desk.jobs.cancel()
        for lane in (self._finds, self._runs, self._comparisons, self._beats, self._copies):
            lane.close()
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
        lanes = any(
            lane.busy for lane in (self._finds, self._runs, self._comparisons, self._copies)
        )
        boards = any(board.pending for board in self._boards.values())
        reads = self._request is not None and self._request.pending
        return lanes or boards or self.requests.pending or reads

    @property
    def face(self) -> Face | None:
        """The screen that is seen, under a dialog too."""
        faces = [screen for screen in self.screen_stack if isinstance(screen, Face)]
        return faces[-1] if faces else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "act_first":
            screen = self.screen
            return isinstance(screen, Face) and not isinstance(screen.focused, Field)
        return super().check_action(action, parameters)

    def action_act_first(self, name: str) -> None:
        """Run an action of the registry, before anybody else hears of its key."""
        self.action_act(name)

    def action_act(self, name: str) -> None:
        """Run an action of the registry."""
        if self.face is not None:
            self.face.act(name)

    def action_help_quit(self) -> None:
        """`ctrl+c` ends nothing: say what does."""
        if self.face is not None:
            self.face.say(f"{self.desk.key('quit')} quits.")

    # --- from screen to screen ---

    def on_face_show(self, message: Face.Show) -> None:
        loaded = self._request.loaded if self._request else None
        face = self.face
        if message.face in _OF_A_REQUEST and loaded is None:
            if face is not None and face.face != "requests" and message.face == "request":
                self._switch("requests")
            elif face is not None:
                face.say(f"No request was opened yet: {self.desk.key('open')} opens one.")
            return
        self._switch(message.face)
        board = self._boards.get(message.face)
        if board is not None and loaded is not None:
            board.look_at(loaded.timeline)

    def _switch(self, name: str) -> None:
        face = self.face
        if name in BOARDS:
            self.board(name)
        if face is not None and face.face != name:
            self.switch_screen(name)

    @property
    def request(self) -> "RequestScreen":
        """The screen of one request, made when it is first asked for: the list is sooner there."""
        if self._request is None:
            from debugger.tui.request_screen import RequestScreen  # noqa: PLC0415 - as `BOARDS`

            self._request = RequestScreen(self.desk, tail_s=self._tail_s)
            self.install_screen(self._request, "request")
        return self._request

    def board(self, name: str) -> Board:
        """Return the screen called *name*, made when it is first asked for."""
        board = self._boards.get(name)
        if board is None:
            board = self._boards[name] = board_class(name)(self.desk)
            self.install_screen(board, name)
        return board

    @property
    def comparison(self) -> "CompareScreen":
        """The screen that compares."""
        from debugger.tui.compare_screen import CompareScreen  # noqa: PLC0415 - as `BOARDS`

        board = self.board("compare")
        assert isinstance(board, CompareScreen)  # noqa: S101 - as `BOARDS` says
        return board

    # --- runs and comparisons ---

    def on_face_rerun(self, message: Face.Rerun) -> None:
        """Run a request again, in a lane of its own: the screens go on meanwhile."""
        desk, task = self.desk, message.task
        again, session = desk.again, desk.session
        if again is None or desk.jobs.current is not None:
            return
        job = desk.jobs.begin(task.text, again.cancel)
        self._tell(f"{task.text} goes on in a process of its own.")
        began = self.screen

        def then(outcome: Outcome) -> None:
            desk.jobs.end(job)
            if task.trace:
                self.request.take_lines(outcome)
            else:
                told = told_of(outcome, desk.key("edit"))
                self._hold(held_of(outcome), task.text, began, told)
            self._renew_title()

        def failed(error: Exception) -> None:
            desk.jobs.end(job)
            self._tell(" ".join(problem_of(error)), "orange")
            self._renew_title()

        self._runs.ask(lambda: run_task(session, again, task), then, failed)
        self._renew_title()

    def on_face_compare(self, message: Face.Compare) -> None:
        session, a, b = self.desk.session, message.a, message.b
        began = self.screen
        self._comparisons.ask(
            lambda: held_marks(session, a, b),
            lambda held: self._hold(held, "The comparison", began),
            lambda error: self._tell(" ".join(problem_of(error)), "orange"),
        )

    def on_copying_copy(self, message: Copying.Copy) -> None:
        text, desk = message.text, self.desk
        way = desk.clipboard.way(text)
        if way == "terminal":
            self.copy_to_clipboard(text)
            again = f"{desk.key('copy')} again: into a file"
            self._tell(f"Copied by the terminal (OSC 52; {again}): {text}")
            return

        def work() -> str:
            if way == "program":
                return f"Copied by {desk.clipboard.by_program(text)}: {text}"
            return f"Written to {printable(str(desk.clipboard.into_file(text)))}: {text}"

        def failed(error: Exception) -> None:
            self._tell(f"It was not copied. {' '.join(problem_of(error))}", "orange")

        self._copies.ask(work, self._tell, failed)

    def _hold(
        self, held: Held, text: str, began: Screen[Any], told: tuple[str, str] = ("", "")
    ) -> None:
        """Show a comparison to who still waits for it; others are told that it is there."""
        self.comparison.show(held)
        face = self.face
        if face is not None and (self.screen is not began or face.asks):
            there = f"{text} has ended: {self.desk.key('comparison')} shows it."
            self._tell(f"{there} {told[0]}".rstrip(), told[1] or "blue")
        else:
            self._switch("compare")
            self._tell(*told)

    def _tell(self, text: str, role: str = "") -> None:
        if self.face is not None:
            self.face.say(text, role)

    def _renew_title(self) -> None:
        if self.face is not None:
            self.face.show_title()

    def on_face_open(self, message: Face.Open) -> None:
        what = message.what
        if isinstance(what, RequestSummary):
            self._open(what.stream, message.revision)
        elif isinstance(what, str):
            session, face = self.desk.session, self.face

            def failed(error: Exception) -> None:
                if face is not None:
                    face.say(" ".join(problem_of(error)), "orange")

            def found(stream: StreamId) -> None:
                if is_link(what):
                    self._follow(read_link(what))
                else:
                    self._open(stream)

            self._finds.ask(lambda: session.find(what), found, failed)
        else:
            self._open(what, message.revision)

    def _at_request(self) -> "RequestScreen":
        screen = self.request  # made first: it is switched to by its name
        self._switch("request")
        return screen

    def _open(self, stream: StreamId, revision: int | None = None) -> None:
        self._at_request().open(stream, revision)

    def _follow(self, link: Link) -> None:
        """Show what a link means. It reads; nothing is run, written or dialled (TM-13)."""
        self._at_request().open(link.stream, link.revision, link=link)
        if link.filter:
            self.requests.filter(link.filter)
        if link.b is not None:
            a = Mark(link.stream, link.revision)
            self.on_face_compare(Face.Compare(a, Mark(*link.b)))
