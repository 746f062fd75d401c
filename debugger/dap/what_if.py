"""A draft of what could have been: values that are other from a moment on, run as a fork (WI-1).

The run goes on in a process of its own by the answers of the record, performs nothing and is
written nowhere: the recording and its store are as they were.
"""

import msgspec

from debugger.dap.tracks import Track
from debugger.errors import DebuggerError, WriteRefusedError
from debugger.session import Session
from debugger.session.again import Again, Ran, StateEdit, history, wanted_of
from debugger.session.lines import LineTrace
from debugger.session.walking import Place
from debugger.timeline import Timeline, fit, printable, shown
from debugger.timeline.pointers import join
from eventstore import StreamId
from runtime.replay.lines import MOST_LINES

RECORDED, WHAT_IF = 1, 2
"""Numbers of the threads."""
_CELLS = 80


class Draft(msgspec.Struct, frozen=True):
    """Values that are other from a moment on."""

    at: int
    edits: tuple[StateEdit, ...] = ()

    def with_edit(self, edit: StateEdit) -> "Draft":
        """Return it with *edit*, which takes the place of an earlier one of the same value."""
        others = tuple(each for each in self.edits if each.path != edit.path)
        return Draft(self.at, (*others, edit))

    @property
    def text(self) -> str:
        """What is other, in a line."""
        edits = ", ".join(
            f"{printable(join(each.path))} = {shown(each.value, _CELLS)}" for each in self.edits
        )
        return fit(f"what if, at #{self.at}: {edits}", 4 * _CELLS)


def draft_at(draft: Draft | None, track: Track) -> Draft:
    """Return the draft that an edit at the place of *track* belongs to.

    Raises:
        WriteRefusedError: the place is of the run of a draft, behind the draft's own moment.
    """
    revision = track.at.revision
    if track.id == RECORDED or draft is None:
        return draft if draft is not None and draft.at == revision else Draft(revision)
    if revision <= edited_until(track.timeline, draft.at):
        return draft
    problem = f"A draft has one moment, #{draft.at}; this is #{revision} of its run."
    raise WriteRefusedError(problem, "Go back to that moment, or change the recording's thread.")


def run_draft(
    session: Session, again: Again, recorded: Timeline, draft: Draft
) -> tuple[Track, Ran]:
    """Run *recorded* on from the moment of *draft*; blocks until it has ended.

    Returns:
        The run as a thread, at the moment at which all edits are made; and what came of it.

    Raises:
        DebuggerError: it could not be run, or was cancelled.
    """
    stream = StreamId(recorded.stream)
    wanted = wanted_of(stream, session.new_request, at=draft.at, edits=draft.edits, trace=True)
    ran = again.run(wanted)
    refuse_problem(ran)
    timeline = history(ran, wanted, recorded)
    track = Track(WHAT_IF, draft.text, timeline, LineTrace(ran.lines, most=MOST_LINES))
    track.walk.go(Place(edited_until(timeline, draft.at)))
    return track, ran


def refuse_problem(ran: Ran) -> None:
    """Raise why there was no run, if there was none."""
    if ran.problem is not None:
        problem = f"{ran.verdict}: {ran.problem.problem}"
        raise DebuggerError(printable(problem), printable(ran.problem.remedy))


def edited_until(timeline: Timeline, at: int) -> int:
    """Return the moment after the edits that a fork begins with."""
    until = at
    for event in timeline.events[at:]:
        if getattr(event.data, "origin", None) != "fork":
            break
        until += 1
    return until
