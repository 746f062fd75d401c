"""Hears of the lines that run by `sys.monitoring`, where Python has it (3.12 and later).

`sys.settrace` is called for each function of the runtime, too, between the lines of a handler
that are wanted. Here code that is not the user's is switched off after its first call, so that
a traced run costs little more than one that is not. What is heard is the same: settrace is
made of the same events (a line is also a jump back within a line, a return is each yield and
each unwinding). A frame that waits and goes on is one call, by whichever way it is heard.

Source: `Python/legacy_tracing.c`. Measured on 3.13, an order of 14 lines: to be traced costs
it about half of what settrace costs it.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

_monitoring: Any = getattr(sys, "monitoring", None)
_TOOLS = (4, 3)
"""Ids that no kind of tool has by convention; a run has one to itself."""


class Hears(Protocol):
    """What is told of the frames of user code."""

    def line(self, frame: FrameType) -> None:
        """Hear that a line is about to run."""
        ...

    def settle(self, frame: FrameType) -> None:
        """Hear that the frame is left, for good or for a while."""
        ...


H = TypeVar("H", bound=Hears)
Open: TypeAlias = Callable[[FrameType, Callable[[FrameType], H | None]], H | None]
"""Given a frame that begins, and what tells whom a frame that goes on is known by; None: nobody
wants its lines now."""
IsOurs = Callable[[CodeType], bool]
"""Says whether anybody could ever want the lines of some code."""


class Ear(Generic[H]):
    """What one run hears, by a tool of its own, in all threads.

    Args:
        tool: its id.
        opened: is told of each frame of user code.
        is_ours: says which code that is.
    """

    def __init__(self, tool: int, opened: Open[H], is_ours: IsOurs) -> None:
        self._tool = tool
        self._opened = opened
        self._is_ours = is_ours
        self._calls: dict[int, tuple[CodeType, H]] = {}
        """By id of a frame that has not ended, with its code: the frame of a generator that was
        dropped while it waited ends unheard, and another gets its id."""
        self._watched: dict[int, CodeType] = {}
        """By id: the hash of code reads all of it."""

    def start(self) -> None:
        """Begin to hear."""
        of = _monitoring.events
        heard: tuple[tuple[int, Callable[..., Any]], ...] = (
            (of.PY_START, self._begins), (of.PY_RESUME, self._goes_on),
            (of.PY_THROW, self._thrown), (of.LINE, self._line), (of.JUMP, self._jump),
            (of.PY_RETURN, self._leaves), (of.PY_YIELD, self._waits),
            (of.PY_UNWIND, self._leaves),
        )  # fmt: skip
        for event, hear in heard:
            _monitoring.register_callback(self._tool, event, hear)
        # What the last who had the tool switched off may be ours.
        _monitoring.restart_events()
        _monitoring.set_events(self._tool, of.PY_START | of.PY_RESUME | of.PY_THROW | of.PY_UNWIND)

    def stop(self) -> None:
        """Hear no more, and let others have the tool."""
        _monitoring.set_events(self._tool, 0)
        for code in self._watched.values():
            _monitoring.set_local_events(self._tool, code, 0)
        _monitoring.free_tool_id(self._tool)

    # The frame is the one below: that of what is monitored.

    def _begins(self, code: CodeType, _offset: int) -> Any:
        if not self._is_ours(code):
            return _monitoring.DISABLE
        self._open(code, sys._getframe(1))  # noqa: SLF001
        return None

    def _goes_on(self, code: CodeType, _offset: int) -> Any:
        if not self._is_ours(code):
            return _monitoring.DISABLE
        self._resume(code, sys._getframe(1))  # noqa: SLF001
        return None

    def _thrown(self, code: CodeType, _offset: int, _error: BaseException) -> None:
        if self._is_ours(code):
            self._resume(code, sys._getframe(1))  # noqa: SLF001

    def _resume(self, code: CodeType, frame: FrameType) -> None:
        if self._known(frame) is None:
            self._open(code, frame)

    def _open(self, code: CodeType, frame: FrameType) -> None:
        call = self._opened(frame, self._known)
        if call is None:
            self._calls.pop(id(frame), None)
            return  # it works for another run
        self._calls[id(frame)] = code, call
        if id(code) not in self._watched:
            self._watched[id(code)] = code
            of = _monitoring.events
            local = of.LINE | of.JUMP | of.PY_RETURN | of.PY_YIELD
            _monitoring.set_local_events(self._tool, code, local)

    def _known(self, frame: FrameType) -> H | None:
        code, call = self._calls.get(id(frame), (None, None))
        return call if code is frame.f_code else None

    def _line(self, _code: CodeType, _line: int) -> None:
        self._reached(sys._getframe(1))  # noqa: SLF001

    def _jump(self, code: CodeType, start: int, end: int) -> None:
        if end < start and _line_of(code, start) == _line_of(code, end):
            self._reached(sys._getframe(1))  # noqa: SLF001

    def _reached(self, frame: FrameType) -> None:
        call = self._known(frame)
        if call is not None:
            call.line(frame)

    def _waits(self, _code: CodeType, _offset: int, _value: object) -> None:
        frame = sys._getframe(1)  # noqa: SLF001
        call = self._known(frame)
        if call is not None:
            call.settle(frame)

    def _leaves(self, _code: CodeType, _offset: int, _value: object) -> None:
        frame = sys._getframe(1)  # noqa: SLF001
        call = self._known(frame)
        if call is not None:
            del self._calls[id(frame)]
            call.settle(frame)


def _line_of(code: CodeType, offset: int) -> int | None:
    return next((line for first, end, line in code.co_lines() if first <= offset < end), None)


@contextmanager
def monitored(opened: Open[H], is_ours: IsOurs) -> Iterator[bool]:
    """Tell *opened* of user code that runs meanwhile; gives whether that can be."""
    tool = _claimed()
    if tool is None:
        yield False
        return
    ear = Ear(tool, opened, is_ours)
    ear.start()
    try:
        yield True
    finally:
        ear.stop()


def _claimed() -> int | None:
    """Take a tool that nobody has; None: there is none."""
    for tool in _TOOLS if _monitoring is not None else ():
        try:
            _monitoring.use_tool_id(tool, "timescape")
        except ValueError:
            continue  # somebody has it
        return tool
    return None
