"""Where a client's threads are, and what moves them: steps, breakpoints, drafts (BY-1)."""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from debugger.dap.points import Points
from debugger.dap.protocol import Launch, OfThread
from debugger.dap.tracks import Track, told
from debugger.dap.what_if import RECORDED, WHAT_IF, Draft, draft_at, refuse_problem, run_draft
from debugger.errors import DebuggerError, NotFoundError, RunEndedError, UnavailableError
from debugger.session import Session
from debugger.session.again import Again, Ran, StateEdit, wanted_of
from debugger.session.drafts import read_value
from debugger.session.hitting import Stop, next_stop
from debugger.session.lines import LineTrace, traced
from debugger.session.walking import Move, Place
from debugger.timeline import Timeline, printable, shown
from debugger.timeline.pointers import join
from eventstore import StreamId
from eventstore.values import encode


class Tells(Protocol):
    """Tells the client of something, once it has its answer."""

    def __call__(self, event: str, **body: Any) -> None:
        """Tell *event*."""
        ...


class Stepping:
    """The threads of one client: the recording, and the run of its draft if there is one.

    Args:
        session: of the store.
        again: runs requests again; None: nobody can.
        roots: folders of the app's code.
        tell: tells the client.
        unwanted: whether the client wants no answer any more.
    """

    def __init__(
        self,
        session: Session,
        again: Again | None,
        roots: Sequence[Path],
        tell: Tells,
        unwanted: Callable[[], bool],
    ) -> None:
        self.session = session
        self._again = again
        self._tell = tell
        self._unwanted = unwanted
        self.points = Points(roots)
        self.tracks: list[Track] = []
        self._draft: Draft | None = None
        self._launch = Launch()
        self._at: int | None = None
        self.is_pending = False
        """Whether the lines that ran are not known yet: clients give up on what opens slowly."""

    # --- opening ---

    def open(self, launch: Launch) -> None:
        """Open a recording.

        Raises:
            NotFoundError: there is no such request.
            BadInputError: an argument cannot be read.
        """
        stream = self.session.find(launch.request_id) if launch.request_id else self._newest(launch)
        timeline = self.session.timeline(stream)
        of = self.session.summary(stream)
        name = f"{of.short_id} {of.route or f'{of.method} {of.path}'} {of.outcome}"
        self.tracks = [Track(RECORDED, printable(name[:200]), timeline)]
        self._launch = launch
        self._at = timeline.seek(launch.at, 0)[0] if launch.at else None
        self.is_pending = launch.lines and self._again is not None

    def _newest(self, launch: Launch) -> StreamId:
        """Return the newest request that is wanted."""
        before: int | None = None
        while True:
            page = self.session.requests(launch.where, before=before, limit=1)
            if page.requests:
                return page.requests[0].stream
            if page.older is None or self._unwanted():
                break
            before = page.older
        problem = f"No request of {self.session.store.url} matches." if launch.where else (
            f"There are no requests in {self.session.store.url}.")  # fmt: skip
        raise NotFoundError(problem, "`timescape requests` lists those there are.")

    def _lines_of(self, stream: StreamId) -> LineTrace | None:
        """Run a request again to know its lines; None: they cannot be known, which is said."""
        if self._again is None:
            self._say("No app is named: steps go from fact to fact. Name it in `app` to step by "
                      "lines, with locals.")  # fmt: skip
            return None
        try:
            ran = self._run(lambda again: again.run(
                wanted_of(stream, self.session.new_request, trace=True)))  # fmt: skip
            refuse_problem(ran)
        except DebuggerError as error:
            self._say(f"Steps go from fact to fact: {error.problem} {error.remedy}")
            return None
        trace = traced(ran)
        self._tell_of_lines(ran, trace)
        return trace

    def _tell_of_lines(self, ran: Ran, trace: LineTrace) -> None:
        if not trace.count:
            self._say("No line of the app's code ran: steps go from fact to fact.")
        if ran.changed:
            self._say("The code of this version has changed since it was recorded.")
        if ran.parting is not None:
            self._say(f"The lines end at #{ran.parting.index}, where code and record part.")
        if trace.cut:
            self._say(f"There were more lines than are kept: cut at step {trace.count}.")

    def _run(self, do: Callable[[Again], Ran]) -> Ran:
        again = self._again
        if again is None:
            problem = "No app is named that could run the request again."
            raise UnavailableError(problem, "Name it in `app`, as `shop:app`.")
        if self._unwanted():
            raise RunEndedError.cancelled()
        return do(again)

    def _say(self, text: str) -> None:
        self._tell("output", category="console", output=f"{printable(text)}\n")

    @property
    def recorded(self) -> Track:
        """The recording."""
        return self.tracks[0]

    def track(self, number: int) -> Track:
        """Return a thread.

        Raises:
            NotFoundError: there is none.
        """
        for each in self.tracks:
            if each.id == number:
                return each
        problem = f"There is no thread {number}."
        raise NotFoundError(problem, "`threads` lists them.")

    # --- stops ---

    def begin(self) -> None:
        """Learn the lines, and stop where the client wants to begin.

        By default that is where the first breakpoint is hit.
        """
        track = self.recorded
        if self._launch.lines:
            self._learn(track)
        entry = self._entry(track)
        if entry is not None:
            track.walk.go(entry)
            self._stopped(track, "entry")
        else:
            self._on(track, forward=True)

    def _learn(self, track: Track) -> None:
        trace = self._lines_of(track.timeline.stream)
        self.is_pending = False
        if trace is not None:
            track.walk.learn(trace)
            for told in self.points.told_of_all(track):
                self._tell("breakpoint", reason="changed", breakpoint=told)

    def _entry(self, track: Track) -> Place | None:
        if self._at is not None:
            return Place(self._at)
        if not self._launch.stop_on_entry:
            return None
        return track.walk.line(0) if track.walk.trace else Place(0)

    def over(self, of: OfThread) -> None:
        """Step past what is called."""
        self._forward(of, "over")

    def into(self, of: OfThread) -> None:
        """Step into what is called."""
        self._forward(of, "into")

    def out(self, of: OfThread) -> None:
        """Step out of the call, hook or handler."""
        self._forward(of, "out")

    def _forward(self, of: OfThread, move: Move) -> None:
        track = self.track(of.thread_id)
        found = track.walk.find("fact" if of.granularity == "instruction" else move)
        if found is None:
            self._stopped(track, "step", "This is the end of the recording.")
            return
        hit = self._next(track, forward=True, until=found)
        if hit.place is not None:
            track.walk.take(hit.place)
            self._hit(track, hit)
        else:
            track.walk.take(found)
            self._stopped(track, "step")

    def back(self, of: OfThread) -> None:
        """Take the last step back, else go to what is earlier."""
        track = self.track(of.thread_id)
        moved = track.walk.back(by_fact=of.granularity == "instruction")
        self._stopped(track, "step", "" if moved else "This is before the first fact.")

    def on(self, of: OfThread) -> dict[str, Any]:
        """Go on to the next hit of a breakpoint, else to the end."""
        self._on(self.track(of.thread_id), forward=True)
        return {"allThreadsContinued": False}

    def reverse(self, of: OfThread) -> None:
        """Go back to the last hit of a breakpoint, else to the start."""
        self._on(self.track(of.thread_id), forward=False)

    def _on(self, track: Track, *, forward: bool) -> None:
        if track.id == RECORDED:
            track.walk.grow(self.session.refresh(track.timeline))
        hit = self._next(track, forward=forward)
        if hit.place is not None:
            track.walk.go(hit.place)
            self._hit(track, hit)
        elif self._unwanted():
            self._stopped(track, "pause", "The search was broken off.")
        else:
            track.walk.go(track.walk.end if forward else Place(0))
            edge = "end" if forward else "start"
            self._stopped(track, "pause", f"This is the {edge} of the recording.")

    def _next(self, track: Track, *, forward: bool, until: Place | None = None) -> Stop:
        hit = next_stop(
            self.session, track.walk, self.points.of(track),
            forward=forward, until=until, unwanted=self._unwanted,
        )  # fmt: skip
        if hit.unknown:
            self._say(f"{hit.unknown} places could not be judged: {hit.reason}.")
        return hit

    def _hit(self, track: Track, hit: Stop) -> None:
        self._stopped(track, hit.points[0].kind, ids=[point.id for point in hit.points])

    def _stopped(self, track: Track, reason: str, note: str = "", ids: Sequence[int] = ()) -> None:
        self._tell(
            "stopped", reason=reason, threadId=track.id, allThreadsStopped=True,
            description=f"{note} {track.told}".strip(), text=track.told,
            **({"hitBreakpointIds": list(ids)} if ids else {}),
        )  # fmt: skip

    # --- what if ---

    def draft(self, track: Track, path: tuple[str, ...], text: str) -> str:
        """Let a value be another one in the draft, run that, and go there; give the value.

        Raises:
            DebuggerError: the value cannot be read, or there is no such run. The draft is as
                it was then.
        """
        edit = StateEdit(path, encode(read_value(join(path), text)))
        draft = draft_at(self._draft, track).with_edit(edit)
        made: list[Track] = []

        def run(again: Again) -> Ran:
            what_if, ran = run_draft(self.session, again, self.recorded.timeline, draft)
            made.append(what_if)
            return ran

        ran = self._run(run)
        known = len(self.tracks) > 1
        self._draft, self.tracks = draft, [self.recorded, *made]
        if not known:
            self._tell("thread", reason="started", threadId=WHAT_IF)
        self._tell_of_run(made[0].timeline, ran)
        self._stopped(made[0], "goto", draft.text)
        return shown(edit.value)

    def _tell_of_run(self, timeline: Timeline, ran: Ran) -> None:
        self._say(f"The recording is as it was; the thread of the draft is a run of its own, "
                  f"which is kept nowhere. It ends: {told(timeline, timeline.last)}")  # fmt: skip
        for name in dict.fromkeys(islice(ran.unavailable, 20)):
            self._say(f"The record has no answer for {name}; `timescape fork` takes one.")
