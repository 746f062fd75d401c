"""Requests run again for the screens: asked for, worked out off the screen's thread, compared."""

import msgspec

from debugger.errors import DebuggerError
from debugger.session import Session
from debugger.session.again import Again, DraftEdit, Live, Ran, Wanted, history, keep, wanted_of
from debugger.session.comparing import Comparison, compare
from debugger.session.requests import request_id, short_id
from debugger.timeline import Timeline, printable
from debugger.tui.notes import Mark
from eventstore import StreamId


class Task(msgspec.Struct, frozen=True):
    """What is to be run again."""

    stream: StreamId
    at: int | None = None
    """The moment to run on from; None: from the start."""
    edits: tuple[DraftEdit, ...] = ()
    trace: bool = False
    """Whether its lines are wanted, not the comparison."""
    fork: StreamId | None = None
    """The id that the run is to be kept under, where somebody was told it; None: a new one."""

    @property
    def live(self) -> tuple[str, ...]:
        """Names of calls that are really made."""
        return tuple(each.name for each in self.edits if isinstance(each, Live))

    @property
    def text(self) -> str:
        """What the job is called."""
        what = "trace" if self.trace else "replay" if self.at is None else "fork"
        what = f"LIVE {what}" if self.live else what
        return f"{what} {short_id(self.stream)}"


class Side(msgspec.Struct, frozen=True):
    """One of two things that are compared."""

    text: str
    stream: StreamId
    kept: bool = True
    """Whether the store has it."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of a run."""

    task: Task
    wanted: Wanted
    ran: Ran
    comparison: Comparison
    kept: bool = False
    """Whether the store has it already."""


class Held(msgspec.Struct, frozen=True):
    """Two things held against each other."""

    a: Side
    b: Side
    comparison: Comparison
    outcome: Outcome | None = None
    """Of the run that B is; None: both are on record."""


def run_task(session: Session, again: Again, task: Task) -> Outcome:
    """Run a request again; blocks until it has ended.

    A live run is kept at once: what it called has happened, and must be on record. So is one
    whose id stands elsewhere.

    Raises:
        DebuggerError: it could not be run, or was cancelled.
    """
    recorded = session.timeline(task.stream)
    wanted = wanted_of(
        task.stream, lambda: task.fork or session.new_request(),
        at=task.at, edits=task.edits, trace=task.trace,
    )  # fmt: skip
    ran = again.run(wanted)
    if ran.problem is not None:
        told = ran.problem
        problem = f"{ran.verdict}: {told.problem}"
        raise DebuggerError(problem, told.remedy)
    if kept := bool(task.live or task.fork) and ran.whole:
        keep(session, ran, wanted)
    return Outcome(task, wanted, ran, compare(recorded, history(ran, wanted, recorded)), kept)


def held_of(outcome: Outcome) -> Held:
    """Hold a run against its record."""
    run = "run again" if outcome.task.at is None else f"run on from #{outcome.task.at}"
    if outcome.task.live:
        run = f"LIVE {run}"
    return Held(
        Side(short_id(outcome.task.stream), outcome.task.stream),
        Side(run, StreamId(outcome.wanted.fork), kept=outcome.kept),
        outcome.comparison,
        outcome,
    )


def told_of(outcome: Outcome, edit_key: str) -> tuple[str, str]:
    """Say what a comparison does not show, and in which role; *edit_key* drafts."""
    ran = outcome.ran
    if outcome.task.live:
        names = printable(", ".join(outcome.task.live))
        fork = request_id(StreamId(outcome.wanted.fork))
        kept = f"kept as {fork}" if outcome.kept else "not kept: it came to no end"
        return f"LIVE: {names} was free to be called; {kept}.", "failed"
    if outcome.task.fork is not None:
        fork = request_id(outcome.task.fork)
        if outcome.kept:
            return f"The fork is {fork}; the live request went on unedited.", ""
        return f"{fork} was not kept: it came to no end.", "orange"
    if ran.unavailable:
        names = ", ".join(dict.fromkeys(ran.unavailable))
        first = printable(ran.unavailable[0])
        remedy = f"{edit_key} stub {first} = JSON"
        return f"No answer on record for {printable(names)}: {remedy}.", "orange"
    if ran.version != ran.recorded_version:
        return f"Run by {ran.version}; recorded by {ran.recorded_version}.", ""
    return (
        "The code of this version has changed since it was recorded." if ran.changed else ""
    ), ""


def held_marks(session: Session, a: Mark, b: Mark) -> Held:
    """Hold two moments against each other; reads both requests."""
    one, other = (cut(session.timeline(mark.stream), mark.revision) for mark in (a, b))
    return Held(Side(a.text, a.stream), Side(b.text, b.stream), compare(one, other))


def cut(timeline: Timeline, revision: int) -> Timeline:
    """Return the history up to a moment."""
    if revision >= timeline.last:
        return timeline
    return Timeline(timeline.stream, timeline.events[:revision])
