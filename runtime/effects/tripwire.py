"""Tells when code of a handler or hook reaches the outside past its contexts (EF-6).

What is not recorded cannot be replayed: a clock that is read directly says something else
the next time. While user code runs, a profile function sees each call that it makes, and
compares it with what is listed in `runtime.effects.forbidden`. That makes the code several
times slower, so a server does it only where it is told to; tests always do.

What it cannot see: a call through a name that C code holds, such as `map(open, names)`,
and what a thread does that was started before.
"""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine, Generator
from contextvars import ContextVar
from functools import partial
from types import CodeType, FrameType
from typing import Any, Literal, TypeAlias

from runtime.effects.forbidden import Rule, forbidden
from runtime.effects.sites import HOUSE_FOLDERS, Sites
from runtime.errors import UnrecordedEffectError
from runtime.modules import CALLER

Tripping: TypeAlias = Literal["off", "warn", "raise"]
PERFORMING: ContextVar[bool] = ContextVar("timescape_performing", default=False)
"""Whether what runs is an effect that is recorded, such as a method of a module."""
_log = logging.getLogger("timescape")


class Tripwire:
    """Watches user code.

    Args:
        mode: `off`, `warn`: a log line for each place, or `raise`.
        sites: which code is the user's.
    """

    __slots__ = ("_forbidden", "_mode", "_sites", "_warned")

    def __init__(self, mode: Tripping, sites: Sites) -> None:
        self._mode = mode
        self._sites = sites
        self._forbidden = forbidden()
        self._warned: set[str] = set()

    @property
    def is_on(self) -> bool:
        """Whether it watches at all."""
        return self._mode != "off"

    def guarded(self, work: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
        """Return *work*, watched at every step, with the tasks that it starts."""
        if not self.is_on:
            return work
        loop = asyncio.get_running_loop()
        if loop.get_task_factory() is None:
            loop.set_task_factory(self._new_task)
        return _Guarded(work, self._watch)

    def watched(self, call: Callable[[], Any]) -> Callable[[], Any]:
        """Return *call*, watched, for a worker thread."""
        return partial(self._call, call) if self.is_on else call

    def _call(self, call: Callable[[], Any]) -> Any:
        before = sys.getprofile()
        sys.setprofile(self._watch)
        try:
            return call()
        finally:
            sys.setprofile(before)

    def _new_task(
        self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any
    ) -> "asyncio.Task[Any]":
        if CALLER.get() is not None and not isinstance(work, _Guarded):
            work = _Guarded(work, self._watch)
        return asyncio.Task(work, loop=loop, **options)

    def _watch(self, frame: FrameType, event: str, what: Any) -> None:
        """See a call; the frame is the caller's for C functions, the callee's for others."""
        if event == "c_call":
            rule = self._forbidden.function(what)
            caller: FrameType | None = frame
        elif event == "call":
            rule = self._forbidden.code(frame)
            caller = frame.f_back
        else:
            return
        if rule is not None and CALLER.get() is not None and not PERFORMING.get():
            site = self._caused_by(caller, rule)
            if site:
                self._trip(rule, site)

    def _caused_by(self, frame: FrameType | None, rule: Rule) -> str | None:
        """Return the place in user code that *rule* holds to account; None: no such place."""
        while frame is not None:
            place = self._sites.here_of(frame)
            if place or not rule.deep or _is_ours(frame.f_code):
                return place
            frame = frame.f_back
        return None

    def _trip(self, rule: Rule, site: str) -> None:
        problem = f"{site} {rule.does}, which is not recorded."
        if self._mode == "raise":
            raise UnrecordedEffectError(problem, rule.remedy)
        if site not in self._warned:
            self._warned.add(site)
            _log.warning("unrecorded effect: site=%s does=%r use=%r", site, rule.does, rule.remedy)


def _is_ours(code: CodeType) -> bool:
    return code.co_filename.startswith(HOUSE_FOLDERS)


class _Guarded(Coroutine[Any, Any, Any]):
    """A coroutine with a profile function for each of its steps."""

    __slots__ = ("_watch", "_work")

    def __init__(self, work: Coroutine[Any, Any, Any], watch: Callable[..., None]) -> None:
        self._work = work
        self._watch = watch

    def send(self, value: Any) -> Any:
        before = sys.getprofile()
        sys.setprofile(self._watch)
        try:
            return self._work.send(value)
        finally:
            # An error in a profile function takes it away: here it comes back for the next step.
            sys.setprofile(before)

    def throw(self, *error: Any) -> Any:
        before = sys.getprofile()
        sys.setprofile(self._watch)
        try:
            return self._work.throw(*error)
        finally:
            sys.setprofile(before)

    def close(self) -> None:
        self._work.close()

    @property
    def cr_await(self) -> Any:
        """What it waits for: the work itself."""
        return self._work

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._work.__await__()
