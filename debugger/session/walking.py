"""Steps of a debugger's buttons: over, into, out of and back, on facts or on lines (BY-1). Pure.

With the lines of a traced run a step goes from line to line, without them from fact to fact.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec

from debugger.session.lines import LineTrace
from debugger.timeline import Timeline

Move = Literal["into", "over", "out", "fact"]
"""Forward: to the next line or fact, past what is called there, out of the call, by one fact."""


class Place(msgspec.Struct, frozen=True):
    """A moment, or a line that is about to run when there are so many facts."""

    revision: int
    step: int | None = None
    """Of the lines; None: the moment itself, which is before them."""

    @property
    def order(self) -> tuple[int, int]:
        """What places are in order by."""
        return self.revision, -1 if self.step is None else self.step


class Walk:
    """One way through one history. It begins at the moment before the first fact.

    *n* steps forward, of whatever kind, and *n* steps back come to the same place: a step back
    takes back the step that came here, and only then goes to what is earlier.

    Args:
        timeline: the history.
        trace: its lines; None: there are none, and steps stop at facts.
    """

    def __init__(self, timeline: Timeline, trace: LineTrace | None = None) -> None:
        self.timeline = timeline
        self.trace: LineTrace | None = None
        self.learn(trace)
        self.at = Place(0)
        self._came: list[Place] = []
        self._moves: Mapping[Move, Callable[[], Place | None]] = {
            "into": self._into, "over": self._over, "out": self._out, "fact": self._fact,
        }  # fmt: skip

    @property
    def end(self) -> Place:
        """The last moment."""
        return Place(self.timeline.last)

    def learn(self, trace: LineTrace | None) -> None:
        """Step by the lines of *trace* from now on, if there are any."""
        self.trace = trace if trace is not None and trace.count else None

    def grow(self, timeline: Timeline) -> None:
        """Go on in *timeline*, which is the same history with more facts."""
        self.timeline = timeline

    def line(self, step: int) -> Place:
        """Return the place of a line."""
        trace = self.trace
        return Place(trace.lines[step].revision if trace is not None else 0, step)

    def go(self, place: Place) -> None:
        """Be at *place*, wherever one was."""
        self._came.clear()
        self.at = place

    def find(self, move: Move) -> Place | None:
        """Return where *move* leads; None: there is nothing later."""
        found = self._moves[move]()
        if found is None or found.order <= self.at.order:
            return self.end if self.at.order < self.end.order and move != "fact" else None
        return found

    def take(self, place: Place) -> None:
        """Step to *place*, so that a step back comes here again."""
        self._came.append(self.at)
        self.at = place

    def back(self, *, by_fact: bool = False) -> bool:
        """Take the last step back, else go to what is earlier; False: there is nothing."""
        found = self._came.pop() if self._came else self._earlier(by_fact=by_fact)
        if found is None:
            return False
        self.at = found
        return True

    # --- forward ---

    def _into(self) -> Place | None:
        if self.trace is None:
            return self._fact()
        return self._line_at(self.trace.next(self._here))

    def _over(self) -> Place | None:
        if self.trace is None:
            return _moment(self.timeline.over(self.at.revision))
        return self._line_at(self.trace.over(self._here, forward=True))

    def _out(self) -> Place | None:
        if self.trace is None:
            return _moment(self.timeline.out(self.at.revision))
        outside = self.trace.out(self._here, forward=True)
        # Nobody called a hook or handler: out of it is where it ends.
        return self._line_at(outside) or _moment(self.timeline.out(self.at.revision))

    def _fact(self) -> Place | None:
        return _moment(self.timeline.next(self.at.revision))

    # --- back ---

    def _earlier(self, *, by_fact: bool) -> Place | None:
        at = self.at
        if by_fact or self.trace is None:
            if at.step is not None:
                return Place(at.revision)
            return _moment(self.timeline.previous(at.revision))
        # Between two lines the one behind is the nearest.
        step = self._here if at.step is None else self.trace.over(at.step, forward=False)
        if step is not None and step >= 0:
            return self.line(step)
        return Place(0) if at.order > Place(0).order else None

    @property
    def _here(self) -> int:
        """The line one is at, else the last before the moment; -1: there is none."""
        if self.at.step is not None or self.trace is None:
            return self.at.step or 0
        return self.trace.before(self.at.revision)

    def _line_at(self, step: int | None) -> Place | None:
        return None if step is None else self.line(step)


def _moment(revision: int | None) -> Place | None:
    return None if revision is None else Place(revision)


def nearest(places: list[Place], at: Place, *, forward: bool) -> range:
    """Return the indices of *places*, which are in order, strictly beyond *at*, nearest first."""
    index = bisect_left(places, at.order, key=lambda place: place.order)
    if not forward:
        return range(index - 1, -1, -1)
    here = index < len(places) and places[index] == at
    return range(index + here, len(places))
