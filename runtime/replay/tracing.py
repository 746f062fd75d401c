"""Keeps each line of user code that a run goes through, and what it changed (RX-11).

Nothing of it is in the log: a request that was recorded without any of this is run again, and
its lines are there. A run that is not traced pays nothing.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import Any, TypeAlias

import msgspec

from runtime.effects import Sites
from runtime.replay.lines import MOST_LINES, Line
from runtime.replay.monitoring import monitored
from runtime.replay.rendering import IMMUTABLE, rendered

_TRACED: ContextVar["Tracer | None"] = ContextVar("timescape_traced", default=None)
"""The tracer of the run that the current task or thread works for."""

Known: TypeAlias = Callable[[FrameType], "Call | None"]


class Tracer:
    """Keeps the lines of one run.

    Args:
        sites: says which code is the user's.
        written: how many facts there are now.
    """

    def __init__(self, sites: Sites, written: Callable[[], int]) -> None:
        self._sites = sites
        self._written = written
        self._calls = 0
        self._lock = threading.Lock()
        self.lines: list[Line] = []
        self.full = False
        """Whether there were more lines than are kept."""

    def is_ours(self, code: CodeType) -> bool:
        """Say whether *code* is the user's, whichever run it works for."""
        # What is made up at run time, such as the methods of named tuples, has no lines.
        return code.co_filename[:1] != "<" and self._sites.of_code(code) is not None

    def opened_by(self, frame: FrameType, known: Known) -> "Call | None":
        """Begin to look at a frame, if it is of user code of this run.

        Args:
            frame: which has just begun.
            known: gives the call that a frame is of, as far as anybody looks at it.
        """
        code = frame.f_code
        if _TRACED.get() is not self or code.co_filename[:1] == "<":
            return None
        place = self._sites.of_code(code)
        return self.opened(frame, place.rpartition(":")[0], known) if place else None

    @contextmanager
    def current(self) -> Iterator[None]:
        """Take what runs here, and in threads and tasks begun by it, for this run's."""
        token = _TRACED.set(self)
        try:
            yield
        finally:
            _TRACED.reset(token)

    def opened(self, frame: FrameType, file: str, known: Known) -> "Call":
        """Begin to look at a call."""
        within = _caller(frame, known)
        with self._lock:
            self._calls += 1
            return Call(self, frame.f_code.co_qualname, file, self._calls, within)

    def begin(self, line: Line) -> int | None:
        """Keep a line; return its place, or None if there is no room."""
        with self._lock:
            if len(self.lines) >= MOST_LINES:
                self.full = True
                return None
            self.lines.append(line)
            return len(self.lines) - 1

    def written(self) -> int:
        """Return how many facts there are."""
        return self._written()


class Call:
    """One call of a function, line by line."""

    def __init__(self, tracer: Tracer, function: str, file: str, number: int, within: int) -> None:
        self._tracer = tracer
        self._function = function
        self._file = file
        self.number = number
        self._within = within
        self._last: int | None = None
        self._known: dict[str, tuple[object, str]] = {}

    def line(self, frame: FrameType) -> None:
        """Note that a line begins, and what the one before it changed."""
        self.settle(frame)
        self._last = self._tracer.begin(self._told(frame.f_lineno, {}))

    def settle(self, frame: FrameType) -> None:
        """Note what the last line changed."""
        changed = self._changes(frame)
        gone = tuple(name for name in self._known if name not in frame.f_locals)
        for name in gone:
            del self._known[name]
        if self._last is not None and (changed or gone):
            lines = self._tracer.lines
            lines[self._last] = msgspec.structs.replace(
                lines[self._last], changed=changed, gone=gone
            )
        elif changed and self._last is None:
            # The arguments stand before the first line.
            self._tracer.begin(self._told(frame.f_code.co_firstlineno, changed))

    def _told(self, number: int, changed: dict[str, str]) -> Line:
        return Line(
            self._tracer.written(), f"{self._file}:{number}", self._function, self.number, changed,
            within=self._within,
        )  # fmt: skip

    def _changes(self, frame: FrameType) -> dict[str, str]:
        changed: dict[str, str] = {}
        for name, value in frame.f_locals.items():
            known = self._known.get(name)
            if known is not None and known[0] is value and type(value) in IMMUTABLE:
                continue
            text = rendered(value)
            if known is None or known[1] != text:
                changed[name] = text
            self._known[name] = value, text
        return changed


@contextmanager
def traced(tracer: Tracer | None) -> Iterator[None]:
    """Keep the lines of what runs here, and in threads and tasks begun by it; None: nothing."""
    if tracer is None:
        yield
        return
    with (
        tracer.current(),
        monitored(tracer.opened_by, tracer.is_ours) as heard,
        by_settrace(tracer, wanted=not heard),
    ):
        yield


@contextmanager
def by_settrace(tracer: Tracer, *, wanted: bool = True) -> Iterator[None]:
    """Hear of lines by `sys.settrace`, which is called for all other code, too."""
    if not wanted:
        yield
        return

    def called(frame: FrameType, event: str, _argument: Any) -> Any:
        if event != "call":
            return None
        if _followed(frame) is not None:
            return frame.f_trace  # it waited, and goes on
        call = tracer.opened_by(frame, _followed)
        return None if call is None else _Follower(call)

    before, before_in_threads = sys.gettrace(), threading.gettrace()
    threading.settrace(called)
    sys.settrace(called)
    try:
        yield
    finally:
        sys.settrace(before)
        threading.settrace(before_in_threads)


class _Follower:
    """What `sys.settrace` keeps with a frame for as long as it lives, over all its waits."""

    def __init__(self, call: Call) -> None:
        self.call = call

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> "_Follower":
        if event == "line":
            self.call.line(frame)
        elif event == "return":
            self.call.settle(frame)
        return self


def _followed(frame: FrameType) -> Call | None:
    follower = frame.f_trace
    return follower.call if isinstance(follower, _Follower) else None


def _caller(frame: FrameType, known: Known) -> int:
    """Return the number of the innermost call that *frame* was called within; 0: of none."""
    outer = frame.f_back
    while outer is not None:
        call = known(outer)
        if call is not None:
            return call.number
        outer = outer.f_back
    return 0
