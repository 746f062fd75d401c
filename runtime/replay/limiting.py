"""Bounds the processor time of a run that is done again (RX-10).

Code that never waits cannot be told to stop by an event loop, so a thread beside it watches
the time that this process spends, and raises an error within the code.
"""

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.errors import ReplayLimitError

CPU_S = 30.0
"""What a re-execution may take."""
_LOOK_S = 0.05
_LINGER = 10
"""Looks that find nothing to watch, after which the watching ends."""
_WORKERS = ("timescape-handler", "timescape-module", "virtual")


class _UsedUp(BaseException):
    """Raised within code that took too long; user code has no business catching it."""


class Watch:
    """Ends runs that take too much; one thread watches all of them, one after the other.

    The thread is begun with the first run, and ends by itself some looks after the last.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: set[_Limited] = set()
        self._is_watched = False

    @contextmanager
    def limited(self, cpu_s: float) -> Iterator[None]:
        """End what runs here, and in threads begun by it, after *cpu_s* of this process.

        Raises:
            ReplayLimitError: it was ended.
        """
        run = _Limited(cpu_s)
        self._begin(run)
        try:
            yield
        except BaseException:
            self._end(run)
            if run.used_up:
                raise _too_long(cpu_s) from None
            raise
        self._end(run)
        if run.used_up:
            raise _too_long(cpu_s)

    def _begin(self, run: "_Limited") -> None:
        with self._lock:
            self._runs.add(run)
            if not self._is_watched:
                name = "timescape-replay-limit"
                threading.Thread(target=self._look, name=name, daemon=True).start()
                self._is_watched = True

    def _end(self, run: "_Limited") -> None:
        """Watch *run* no more; nothing is raised in it once this returned."""
        while run in self._runs:
            try:
                with self._lock:
                    self._runs.discard(run)
            except _UsedUp:
                # It was on its way already.
                continue

    def _look(self) -> None:
        idle = 0
        while idle < _LINGER:
            time.sleep(_LOOK_S)
            with self._lock:
                idle = 0 if self._runs else idle + 1
                self._is_watched = idle < _LINGER
                for run in self._runs:
                    run.look()


class _Limited:
    """A run that may take so much."""

    def __init__(self, cpu_s: float) -> None:
        self.used_up = False
        self._end_at = time.process_time() + cpu_s
        self._ident = threading.get_ident()
        self._others = {thread.ident for thread in threading.enumerate()}

    def look(self) -> None:
        """Raise an error within it, at each look, if it took too much."""
        if time.process_time() > self._end_at:
            self.used_up = True
            workers = [
                thread.ident
                for thread in threading.enumerate()
                if thread.ident not in self._others and thread.name.startswith(_WORKERS)
            ]
            for ident in (self._ident, *workers):
                if ident is not None:
                    _raise_in(ident)


def _too_long(cpu_s: float) -> ReplayLimitError:
    return ReplayLimitError(
        f"The re-execution took more than {cpu_s:g} s of processor time.",
        "Look where it loops: trace it, or fork it at an earlier moment.",
    )


def _raise_in(ident: int) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(_UsedUp))
