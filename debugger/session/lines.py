"""The lines of a traced run, stepped in both directions (LN-1 to LN-3). Pure.

A step is a line that is about to run. Facts lie between steps: a line that began when there
were n facts may have written fact n + 1. The locals of a step are what its frame had set by
then, however one got there.
"""

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from debugger.session.again import Ran
from runtime.replay.lines import MOST_LINES, Line

_MOST_FRAMES = 64


class Local(msgspec.Struct, frozen=True):
    """A local variable of the frame that is shown."""

    sign: str
    """`+` new since the frame's previous line, `~` changed, `-` gone, else ``."""
    name: str
    text: str
    was: str = ""


def traced(ran: Ran) -> "LineTrace":
    """Return the lines of a run; those behind a divergence are not what ran (LN-4)."""
    lines = ran.lines
    if ran.parting is not None:
        index = ran.parting.index
        lines = tuple(line for line in lines if line.revision < index)
    return LineTrace(lines, most=MOST_LINES)


class LineTrace:
    """All lines of one run.

    Args:
        lines: in the order in which they began.
        most: how many a run keeps: as many are all that there are room for.
    """

    def __init__(self, lines: Sequence[Line], *, most: int) -> None:
        self.lines = lines
        self.cut = len(lines) >= most
        """Whether the run went on when no more lines were kept."""
        self._revisions = [line.revision for line in lines]
        self._depths = _depths(lines)

    @property
    def count(self) -> int:
        """How many steps there are."""
        return len(self.lines)

    def before(self, revision: int) -> int:
        """Return the step with which the moment *revision* was reached; -1: before all."""
        return bisect_left(self._revisions, revision) - 1

    def next(self, step: int) -> int | None:
        """Return the step after *step*; None: there is none."""
        return step + 1 if step + 1 < self.count else None

    def previous(self, step: int) -> int | None:
        """Return the step before *step*; None: there is none."""
        return step - 1 if step > 0 else None

    def over(self, step: int, *, forward: bool) -> int | None:
        """Return the nearest step that is in no deeper frame."""
        return self._nearest(step, forward=forward, least=0)

    def out(self, step: int, *, forward: bool) -> int | None:
        """Return the nearest step of a frame outside: where it returns to, or was called."""
        return self._nearest(step, forward=forward, least=1)

    def _nearest(self, step: int, *, forward: bool, least: int) -> int | None:
        depth = self._depths[step] - least if step >= 0 else 0
        steps = range(step + 1, self.count) if forward else range(step - 1, -1, -1)
        return next((n for n in steps if self._depths[n] <= depth), None)

    def stack(self, step: int) -> list[int]:
        """Return *step*, and where each call around it stood then, innermost first.

        A call that has no line before its own is passed by.
        """
        last: dict[int, int] = {}
        within: dict[int, int] = {}
        for number, line in enumerate(self.lines[: step + 1]):
            last[line.call], within[line.call] = number, line.within
        found: list[int] = []
        call = self.lines[step].call
        while call in last and len(found) <= _MOST_FRAMES:
            found.append(last.pop(call))
            call = within[call]
        return found

    def runs_of(self, step: int) -> int:
        """Count how often the line of *step* ran up to it."""
        site = self.lines[step].site
        return sum(line.site == site for line in self.lines[: step + 1])

    def locals_at(self, step: int) -> list[Local]:
        """Return the locals of the frame of *step* before its line runs, with what is new."""
        call = self.lines[step].call
        passed = [line for line in self.lines[:step] if line.call == call]
        before: dict[str, str] = {}
        for line in passed[:-1]:
            _apply(before, line)
        now = dict(before)
        if passed:
            _apply(now, passed[-1])
        known = [_local(name, before.get(name), text) for name, text in now.items()]
        gone = [Local("-", name, "", text) for name, text in before.items() if name not in now]
        return [*known, *gone]


def _apply(values: dict[str, str], line: Line) -> None:
    values.update(line.changed)
    for name in line.gone:
        values.pop(name, None)


def _local(name: str, before: str | None, now: str) -> Local:
    if before is None:
        return Local("+", name, now)
    return Local("" if before == now else "~", name, now, "" if before == now else before)


def _depths(lines: Sequence[Line]) -> list[int]:
    """Tell how deep each line's frame is: a call is one deeper than the one that made it."""
    of_call: dict[int, int] = {0: -1}
    return [
        of_call.setdefault(line.call, min(of_call.get(line.within, -1) + 1, _MOST_FRAMES))
        for line in lines
    ]
