"""A request's history as moments: steps, differences, watches. Pure: no I/O, no clock."""

from debugger.timeline.timeline import Change, LastWrite, StepKind, Timeline, Write

__all__ = ["Change", "LastWrite", "StepKind", "Timeline", "Write"]
