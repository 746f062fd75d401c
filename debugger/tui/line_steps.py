"""Steps from line to line: on the facts, or on every line of a traced run (LN-1, LN-2)."""

from collections.abc import Callable

from debugger.session.lines import LineTrace, traced
from debugger.timeline import printable
from debugger.tui.actions import Action
from debugger.tui.desk import Desk
from debugger.tui.location import Location
from debugger.tui.moves import Moves
from debugger.tui.request_panes import RequestPanes
from debugger.tui.runs import Outcome, Task
from debugger.tui.wording import place_text


class LineSteps(Moves):
    """Keeps the lines of the request that is shown, and which of them is about to run."""

    panes: RequestPanes

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.trace: LineTrace | None = None
        self.step: int | None = None
        """The line that is about to run; None: the cursor is at a moment."""

    def ask_place(self) -> None:
        """Show the moment and line that the keys have reached."""
        raise NotImplementedError

    def blocked(self, action: Action) -> str | None:
        if action.id == "trace":
            return self.desk.why_not_run()
        return super().blocked(action)

    def do_trace(self) -> None:
        if self.timeline is not None:
            self.post_message(self.Rerun(Task(self.timeline.stream, trace=True)))

    def take_lines(self, outcome: Outcome) -> None:
        """Show the lines of a run; those behind a divergence are not what ran."""
        timeline, ran = self.timeline, outcome.ran
        if timeline is None or timeline.stream != outcome.task.stream:
            return
        trace = traced(ran)
        if not trace.count:
            self.say("No line of the app's code ran.", "orange")
            return
        self.trace = trace
        self.panes.used.add(self.panes.locals)
        self.bring(self.panes.locals)
        pair = self.desk.keys.pair
        steps = f"{pair('next-line', 'previous-line')} go on and back"
        calls = f"{pair('over', 'over-back')} over calls, {pair('out', 'out-back')} out"
        told = f"{trace.count} lines: {steps}, {calls}."
        if self.trace.cut:
            told += f" Cut at step {trace.count}."
        if ran.parting is not None:
            told += f" They end at #{ran.parting.index}, where code and record part."
        self._to_step(max(self.trace.before(self.target), 0))
        self.say(told)

    @property
    def line_step(self) -> int | None:
        """Which of the lines after the last fact is shown, from 0; None: none is."""
        trace, step = self.trace, self.step
        if trace is None or step is None:
            return None
        return step - trace.before(trace.lines[step].revision) - 1

    def forget_lines(self) -> None:
        """Know no lines: another request is shown."""
        self.trace, self.step = None, None
        self.panes.used.discard(self.panes.locals)
        if self.panes.lower is self.panes.locals:
            self.panes.lower = self.panes.writes

    def show_frame(self, location: Location) -> None:
        """Show the locals of a step, or of none."""
        step = location.wanted.step
        trace = self.trace
        function = trace.lines[step].function if trace is not None and step is not None else ""
        self.panes.locals.show(location, function)

    # --- steps ---

    def do_next_line(self) -> None:
        self._line("later", lambda trace, here: trace.next(here), forward=True)

    def do_previous_line(self) -> None:
        def back(trace: LineTrace, here: int) -> int | None:
            # Between two lines the one behind is the nearest.
            return trace.previous(here) if self.step is not None else max(here, 0)

        self._line("earlier", back, forward=False)

    def do_over(self) -> None:
        self._line("later", lambda t, here: t.over(here, forward=True), forward=True, kind="over")

    def do_over_back(self) -> None:
        self._line(
            "earlier", lambda t, here: t.over(here, forward=False), forward=False, kind="over"
        )

    def do_out(self) -> None:
        self._line("later", lambda t, here: t.out(here, forward=True), forward=True, kind="out")

    def do_out_back(self) -> None:
        self._line("earlier", lambda t, here: t.out(here, forward=False), forward=False, kind="out")

    def _line(
        self,
        where: str,
        find: Callable[[LineTrace, int], int | None],
        *,
        forward: bool,
        kind: str = "line",
    ) -> None:
        if self.trace is None:
            self._on_facts(where, forward=forward, kind=kind)
            return
        here = self.step if self.step is not None else self.trace.before(self.target)
        found = find(self.trace, here)
        if found is None or found < 0:
            self.say(f"No {where} line{'' if kind == 'line' else ' ' + kind}.")
        else:
            self._to_step(found)

    def _on_facts(self, where: str, *, forward: bool, kind: str) -> None:
        timeline = self.timeline
        if timeline is None:
            return
        if kind == "line":
            found = (timeline.next if forward else timeline.previous)(self.target, "line")
        else:
            step = timeline.over if kind == "over" else timeline.out
            found = step(self.target, forward=forward)
        offer = "lines of facts only; :trace runs it again, line by line"
        if found is None:
            names = {"line": "line", "over": "moment", "out": "end of a hook or handler around"}
            self.say(f"No {where} {names[kind]}: {offer}.")
            return
        self.go(found)
        self.say(f"{place_text(timeline.fact(found).site)}  {offer}".strip())

    def _to_step(self, step: int) -> None:
        trace = self.trace
        if trace is None:
            return
        line = trace.lines[step]
        self.target, self.step = line.revision, step
        self.ask_place()
        self.say(
            f"line {step + 1} of {trace.count}  {place_text(line.site)}  "
            f"in {printable(line.function)}"
        )
