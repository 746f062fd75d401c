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
_WORKERS = ("timescape-handler", "timescape-module", "virtual")


class _UsedUp(BaseException):
    """Raised within code that took too long; user code has no business catching it."""


@contextmanager
def limited(cpu_s: float) -> Iterator[None]:
    """End what runs here, and in threads begun by it, after *cpu_s* of this process.

    Raises:
        ReplayLimitError: it was ended.
    """
    watch = _Watch(cpu_s, threading.get_ident())
    watch.start()
    try:
        yield
    except BaseException:
        watch.stop()
        if watch.used_up:
            raise _too_long(cpu_s) from None
        raise
    watch.stop()
    if watch.used_up:
        raise _too_long(cpu_s)


def _too_long(cpu_s: float) -> ReplayLimitError:
    return ReplayLimitError(
        f"The re-execution took more than {cpu_s:g} s of processor time.",
        "Look where it loops: trace it, or fork it at an earlier moment.",
    )


class _Watch:
    """Looks now and then how much time was spent, and ends what spends too much."""

    def __init__(self, cpu_s: float, ident: int) -> None:
        self.used_up = False
        self._end_at = time.process_time() + cpu_s
        self._ident = ident
        self._others = {thread.ident for thread in threading.enumerate()}
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._look, name="timescape-replay-limit")
        self._thread.daemon = True

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Watch no more; nothing is raised once this returned."""
        while not self._over.is_set():
            try:
                with self._lock:
                    self._over.set()
            except _UsedUp:
                # It was on its way already.
                continue
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(_LOOK_S):
            if time.process_time() > self._end_at:
                with self._lock:
                    if not self._over.is_set():
                        self.used_up = True
                        self._raise()

    def _raise(self) -> None:
        workers = [
            thread.ident
            for thread in threading.enumerate()
            if thread.ident not in self._others and thread.name.startswith(_WORKERS)
        ]
        for ident in (self._ident, *workers):
            if ident is not None:
                _raise_in(ident)


def _raise_in(ident: int) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(_UsedUp))
