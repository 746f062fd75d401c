"""What a traced run tells of each line: plain values, which cross processes."""

import msgspec

MOST_LINES = 100_000
"""That are kept of a run; more say nothing any more."""


class Line(msgspec.Struct, frozen=True):
    """A line of user code that ran."""

    revision: int
    """How many facts there were when it began."""
    site: str
    """`file:line`."""
    function: str
    call: int
    """Numbers the calls of functions, from 1: recursion and concurrent tasks stay apart, and a
    call that waited goes on under its number."""
    changed: dict[str, str] = {}
    """Locals that it set or changed, shown in at most 4 KiB each."""
    gone: tuple[str, ...] = ()
    """Locals that it deleted."""
    within: int = 0
    """The call of user code that made this one; 0: none did, as of hooks, handlers and tasks."""
