"""Screen 2: one request, stepped both ways; all panes follow one cursor (UI-3)."""

from typing import ClassVar

import msgspec
from textual.app import ComposeResult

from debugger.session import RequestSummary
from debugger.timeline import Timeline, printable, sentence, shown
from debugger.timeline.links import Link
from debugger.tui.actions import Action
from debugger.tui.cells import Cell
from debugger.tui.desk import Desk, problem_of
from debugger.tui.folded import Folding
from debugger.tui.later import Later
from debugger.tui.latest import Latest
from debugger.tui.leaf import LeafHistory
from debugger.tui.lines import Lines
from debugger.tui.location import BASES, Base, Location, Wanted, locate
from debugger.tui.request_panes import RequestPanes
from debugger.tui.scrubber import Scrubber
from debugger.tui.span_rows import SpanHistory
from debugger.tui.wording import duration
from eventstore import StreamId

_SLOW_S = 0.12
"""After which what is seen is shown as old (ST-2)."""


class Loaded(msgspec.Struct, frozen=True):
    """A request as it was read."""

    summary: RequestSummary
    timeline: Timeline


class RequestScreen(Folding):
    """The panes around a cursor.

    Keys move `target` at once; what is shown follows when it is worked out. Held keys so
    never queue, and all panes always speak of the same moment.
    """

    face: ClassVar[str] = "request"

    def __init__(self, desk: Desk, *, tail_s: float | None) -> None:
        super().__init__(desk)
        self.loaded: Loaded | None = None
        self.base: Base = "previous"
        self.following = False
        self._arrives_at: int | None = None
        self.scrubber = Scrubber(desk.look)
        self.panes = RequestPanes(desk.look)
        self._stream: StreamId | None = None
        self._tail_s = tail_s
        self._loads = Latest(self, "timescape-load")
        self._leaf = LeafHistory(self, self.panes.writes, desk.retry)
        self._spans = SpanHistory(self, self.panes.waterfall, desk.session.sources[0], desk.retry)
        self._slow = Later(self)
        self._stale = False

    def body(self) -> ComposeResult:
        yield self.scrubber
        yield self.panes

    def on_mount(self) -> None:
        if self._tail_s:
            self.set_interval(self._tail_s, self.tick)

    def on_unmount(self) -> None:
        self._slow.stop()
        self._leaf.close()
        self._spans.close()
        for lane in self._lanes:
            lane.close()

    # --- what it tells ---

    @property
    def _lanes(self) -> tuple[Latest, ...]:
        return (self._loads, self._places, self._changes, self._searches, self._hits,
                self._restores, self._folds)  # fmt: skip

    @property
    def pending(self) -> bool:
        return any(lane.busy for lane in self._lanes) or self._leaf.busy or self._spans.busy

    @property
    def timeline(self) -> Timeline | None:
        """The history that is shown."""
        return self.loaded.timeline if self.loaded else None

    def lines(self) -> list[Lines]:
        return list(self.panes.order)

    def blocked(self, action: Action) -> str | None:
        if self.loaded is None and action.scope == "request":
            return "the request is not read yet"
        if action.id in ("next-write", "previous-write") and not self.path:
            return "no row of the state is focused"
        if action.id in ("next-match", "previous-match") and not self.matches:
            return f"nothing was searched for: {self.desk.key('search')} searches"
        if action.id == "follow" and self.loaded and self._ended:
            return "the request has ended"
        return super().blocked(action)

    def offers(self, name: str) -> bool:
        if name == "next-failure":
            return self.timeline is not None and self.timeline.first_failure is not None
        return super().offers(name)

    @property
    def _ended(self) -> bool:
        timeline = self.timeline
        return timeline is not None and timeline.state_at(timeline.last).terminal

    def show_title(self) -> None:
        right = self.desk.mode()
        if self.loaded is None:
            self.title_bar.show([("2 Request", "strong")], right)
            return
        of, wide = self.loaded.summary, self.size.width >= 100
        route = printable((of.route or f"{of.method} {of.path}")[:200])
        outcome = printable(of.outcome[:60])
        left: list[Cell] = [("2 Request  ", "strong")] if wide else []
        left += [(of.short_id + "  ", "focus"), (route + "  ", "")]
        if wide:
            left += [(printable((of.edition or "")[:20]) + "  ", "dim")] if of.edition else []
        left.append((outcome + "  ", "failed" if of.failed else ""))
        if wide:
            left.append((duration(of.duration_us), "dim"))
        if self.following:
            left.append(("  following", "blue"))
        left += self.noted()
        if self._stale:
            left.append(("  stale", "failed"))
        self.title_bar.show(left, right)

    # --- loading ---

    def open(
        self, stream: StreamId, revision: int | None = None, *, link: Link | None = None
    ) -> None:
        """Read a request and show it at *revision*, or where it first failed, else at its end.

        *link* says what else is shown.
        """
        self._stream, self._arrives_at = stream, revision
        self.say("Reading the request.")
        self._slow_down()
        session = self.desk.session

        def work() -> Loaded:
            return Loaded(session.summary(stream), session.timeline(stream))

        def then(loaded: Loaded) -> None:
            self.say("")
            self._take(loaded, fresh=True)
            last, failure = loaded.timeline.last, loaded.timeline.first_failure
            if link is not None:
                self._view(link)
            self.go(min(revision, last) if revision is not None else failure or last)

        self._loads.ask(work, then, self._not_read)

    def _view(self, link: Link) -> None:
        """Show what a link says besides its moment. Lines are not run again for it."""
        self.base = next((each for each in BASES if each == link.base), "previous")
        if link.path:
            self._focus_path(link.path)
        if link.step is not None:
            self.say("The link is to a line: :trace runs the request again, line by line.")
        if link.screen and link.b is None:
            self.post_message(self.Show(link.screen))

    def _take(self, loaded: Loaded, *, fresh: bool) -> None:
        self.loaded, self._stale = loaded, False
        timeline = loaded.timeline
        if fresh:
            self.location, self.target, self.base, self.path = None, 0, "previous", ""
            self.matches, self.following = [], False
            self.panes.timeline.matches = frozenset()
            self._leaf.forget()
            self.forget_lines()
        self.panes.timeline.problem = None
        self.panes.timeline.show(timeline)
        self.refold()
        self.panes.source.know(timeline)
        self.scrubber.show(timeline)
        self.show_title()
        if fresh:
            self.bring(self.panes.timeline)
        else:
            self._focus_path(self.path)

    def _not_read(self, error: Exception) -> None:
        problem, remedy = problem_of(error, self.desk.retry)
        self._calm()
        if self.loaded is None or self.loaded.timeline.stream != self._stream:
            self.panes.timeline.problem = (problem, remedy)
            self.panes.timeline.renew()
            self.say("")
        else:
            self._stale = True
            self.say(f"{problem} {remedy}", "orange")
            self.show_title()

    def tick(self) -> None:
        """Look whether the request went on; called again and again."""
        if self.desk.seconds_left or self.title_bar.right != self.desk.mode():
            self.show_title()
            self.bottom.renew()
        loaded, session = self.loaded, self.desk.session
        if loaded is None or self._loads.busy or self._ended or not self.is_current:
            return

        def work() -> Loaded | None:
            longer = session.refresh(loaded.timeline)
            if longer.last == loaded.timeline.last:
                return None
            return Loaded(session.summary(longer.stream), longer)

        def then(longer: Loaded | None) -> None:
            if longer is not None:
                self._take(longer, fresh=False)
                self.panes.timeline.at(self.target)
                if self.following:
                    self.go(longer.timeline.last)
            elif self._stale:
                self._stale = False
                self.show_title()

        self._loads.ask(work, then, self._not_read)

    # --- going to a moment ---

    def go(self, revision: int) -> None:
        """Go to the moment *revision*."""
        self._changes.drop()  # what was looked for from another moment
        self._hits.drop()
        self.target, self.step = revision, None
        self.ask_place()

    def ask_place(self) -> None:
        """Show the moment, and the line, that the keys have reached."""
        timeline = self.timeline
        if timeline is None:
            return
        mark, notes = self.marked_here, self.desk.notes
        base: Base = "previous" if self.base == "A" and mark is None else self.base
        wanted = Wanted(
            self.target, base, self.panes.state.shape, min(mark or 0, timeline.last),
            tuple(notes.watches), self.step,
        )  # fmt: skip
        session, roots, trace = self.desk.session, self.desk.roots, self.trace
        self._places.ask(
            lambda: locate(session, timeline, wanted, roots, trace), self._arrive, self._not_placed
        )
        if not self._slow.waiting:
            self._slow.ask(_SLOW_S, self._slow_down)

    def _arrive(self, location: Location) -> None:
        self._calm()
        self.location = location
        panes = self.panes
        panes.timeline.at(location.revision)
        panes.diff.show(location)
        panes.source.show(location)
        panes.state.show(location, self.path)
        self._focus_path(self.path or panes.state.path)
        panes.watches.show(location)
        self.show_frame(location)
        self._show_if_seen()
        self.scrubber.place(location.revision)
        self.bottom.renew()

    def _not_placed(self, error: Exception) -> None:
        self._calm()
        problem, remedy = problem_of(error, self.desk.retry)
        self.panes.state.problem = (problem, remedy)
        self.panes.state.renew()

    def _slow_down(self) -> None:
        for pane in self.panes.all:
            pane.dim()

    def _calm(self) -> None:
        self._slow.stop()
        self.panes.state.problem = None
        for pane in self.panes.all:
            pane.dim(now=False)

    def _focus_path(self, path: str) -> None:
        self.path = path
        timeline, location = self.timeline, self.location
        if timeline is not None and path:
            self._leaf.want(timeline, path, location.revision if location else self.target)

    def _show_if_seen(self) -> None:
        # Spans, and a large payload as JSON, take long: only where they are seen.
        location, timeline, pane = self.location, self.timeline, self.panes.fact
        if location is None or timeline is None:
            return
        self._spans.want(timeline, location.revision)
        if pane.display:
            pane.show(timeline.fact(location.revision) if location.revision else None)

    # --- panes ---

    def on_lines_moved(self, message: Lines.Moved) -> None:
        panes, row = self.panes, message.row
        if message.lines is panes.timeline:
            self.go(row)
        elif self.location is None:
            return  # the rows are those of the request before
        elif message.lines is panes.state:
            self._focus_path(panes.state.path)
        elif message.lines is panes.diff and row < panes.diff.count:
            self._focus_path(panes.diff.changes[row].path)

    def on_lines_opened(self) -> None:
        self.act("open")

    def on_lines_named(self, message: Lines.Named) -> None:
        self.bring(next(pane for pane in self.panes.all if pane.id == message.name))

    def on_scrubber_sought(self, message: Scrubber.Sought) -> None:
        self.go(message.revision)

    def do_open(self) -> None:
        panes, pane = self.panes, self.pane
        if panes.timeline.problem is not None and self._stream is not None:
            panes.timeline.problem = None
            self.open(self._stream, self._arrives_at)
        elif pane is not None and pane.problem is not None and pane is not panes.source:
            self.ask_place()
        elif pane is panes.state:
            if panes.state.turn_fold():
                self.ask_place()
            else:
                self.say("There is nothing to unfold.")
        elif pane is panes.diff and panes.diff.changes:
            self._focus_path(panes.diff.changes[panes.diff.cursor].path)
            self.bring(panes.state)
            self.ask_place()
        elif pane is panes.waterfall and pane.count:
            self.go(panes.waterfall.rows.spans[pane.cursor].start)
        elif pane is panes.writes and panes.writes.writes:
            self.go(panes.writes.writes[panes.writes.cursor].revision)
        elif pane is panes.source:
            self._to_line()
        else:
            self.act("raw")

    def _to_line(self) -> None:
        """Go to the next fact that came from the line under the cursor, round and round."""
        timeline, site = self.timeline, self.panes.source.site
        spoken = [
            n for n, event in enumerate(timeline.events, 1) if event.site == site
        ] if timeline else []  # fmt: skip
        later = [n for n in spoken if n > self.target]
        if spoken:
            self.go((later or spoken)[0])
        else:
            self.say("No fact of this request came from that line.")

    def bring(self, pane: Lines) -> None:
        self.panes.bring(pane)
        self._show_if_seen()

    def do_raw(self) -> None:
        panes = self.panes
        back: Lines = panes.writes if panes.fact.display else panes.fact
        keep = self.pane
        self.bring(back)
        if keep is not None and keep.display:
            keep.focus()

    def do_zoom(self) -> None:
        self.panes.zoomed = not self.panes.zoomed
        self.lay_out(*self.size)

    def do_next_base(self) -> None:
        bases: list[Base] = [*BASES, "A"] if self.marked_here is not None else [*BASES]
        here = bases.index(self.base) if self.base in bases else -1
        self.base = bases[(here + 1) % len(bases)]
        names = {"previous": "the moment before", "start": "the start", "end": "the end",
                 "A": f"A, #{self.marked_here}"}  # fmt: skip
        self.say(f"Compared with {names[self.base]}.")
        self.ask_place()

    def link(self) -> Link | None:
        link = super().link()
        if link is None:
            return None
        base = "" if self.base in ("previous", "A") else self.base
        path = self.path if self.pane in (self.panes.state, self.panes.writes) else ""
        return msgspec.structs.replace(link, path=path, base=base, step=self.line_step)

    def do_follow(self) -> None:
        self.following = not self.following
        self.show_title()
        if self.following and self.timeline is not None:
            self.go(self.timeline.last)

    def do_back(self) -> None:
        if self.matches:
            self.matches = []
            self.found()
        elif self.panes.zoomed:
            self.do_zoom()
        elif self.desk.notes.unmark():
            self.marked()
            self.say("No mark any more.")
        else:
            self.do_requests()

    def do_level_up(self) -> None:
        self.do_requests()

    def to_copy(self) -> str:
        panes, pane, timeline, location = self.panes, self.pane, self.timeline, self.location
        if timeline is None or location is None:
            return ""
        if pane is panes.state and panes.state.nodes:
            node = panes.state.nodes[panes.state.cursor]
            return f"{printable(node.path)} = {shown(node.value)}"
        if pane is panes.diff and panes.diff.changes:
            change = panes.diff.changes[panes.diff.cursor]
            after = "removed" if change.sign == "-" else shown(change.after)
            return f"{change.sign} {printable(change.path)} {after}"
        if pane is panes.source and location.source is not None:
            return printable(location.source.site)
        return sentence(timeline, location.revision) if location.revision else ""

    # --- sizes ---

    def lay_out(self, width: int, height: int) -> None:
        self.panes.lay_out(width, height, focused=self.pane or self.panes.timeline)
        self.show_title()
