"""A place in a history with everything the panes show of it (UI-3).

Worked out off the screen's thread, in one go, so that all panes speak of one moment.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from debugger.session import Session, Source, read_source
from debugger.session.lines import LineTrace, Local
from debugger.session.watches import Watched, watched
from debugger.timeline import Change, LastWrite, Timeline
from debugger.tui.tree import Node, Shape, unfold
from runtime.context import RequestState

Base: TypeAlias = Literal["previous", "start", "end", "A"]
"""What the shown moment is compared with."""
BASES: tuple[Base, ...] = ("previous", "start", "end")


class Wanted(msgspec.Struct, frozen=True):
    """What the panes are to show."""

    revision: int
    base: Base = "previous"
    shape: Shape = Shape()
    a: int = 0
    """The moment marked as A, where that is the base."""
    watches: tuple[str, ...] = ()
    step: int | None = None
    """The line of the trace that is about to run; None: the moment after a fact."""


class Location(msgspec.Struct, frozen=True):
    """What the panes show."""

    wanted: Wanted
    base_revision: int
    state: RequestState
    changes: Sequence[Change]
    """From the base to this moment."""
    nodes: Sequence[Node]
    """The rows of the state."""
    last_writes: Mapping[str, LastWrite]
    source: Source | None
    """Of the line that spoke; None: none has."""
    spoke: bool
    """Whether the fact at this moment came from that line itself; else it spoke last."""
    watched: Sequence[Watched] = ()
    frame: Sequence[Local] = ()
    """Locals of the frame, where lines were traced."""
    runs: int = 0
    """How often the line ran so far."""

    @property
    def revision(self) -> int:
        return self.wanted.revision


def locate(
    session: Session,
    timeline: Timeline,
    wanted: Wanted,
    roots: Sequence[Path],
    trace: LineTrace | None,
) -> Location:
    """Work out what there is to see at a moment."""
    revision = wanted.revision
    bases = {"previous": max(revision - 1, 0), "start": 0, "end": timeline.last, "A": wanted.a}
    base = bases[wanted.base]
    state = timeline.state_at(revision)
    changes = timeline.diff(base, revision)
    spoken = timeline.fact(revision).site if revision else None
    site = spoken or state.site
    step = wanted.step
    if trace is not None and step is not None:
        spoken = site = trace.lines[step].site
    ran_at_us = timeline.fact(1).at_us if timeline.last else None
    return Location(
        wanted=wanted,
        base_revision=base,
        state=state,
        changes=changes,
        nodes=unfold(state.values, {change.path: change for change in changes}, wanted.shape),
        last_writes=timeline.last_writes(revision),
        source=read_source(site, roots, ran_at_us) if site else None,
        spoke=spoken is not None,
        watched=watched(session, timeline, wanted.watches, revision),
        frame=trace.locals_at(step) if trace is not None and step is not None else (),
        runs=trace.runs_of(step) if trace is not None and step is not None else 0,
    )
