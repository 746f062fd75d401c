"""`serve --reload`: a process that watches files, and starts another one anew when they change.

The code that serves is always that of a fresh process; the old one drains first, as the new one
needs its address and its log.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

EACH_S = 0.5
_SUFFIXES = {".py", ".wasm"}
_SKIPPED = {"__pycache__", "node_modules", "site-packages"}


def stamps(root: Path) -> Mapping[Path, int]:
    """Say when each source file below *root* was changed last; hidden folders are left out."""
    return dict(_stamped(root))


def _stamped(root: Path) -> Iterator[tuple[Path, int]]:
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in _SKIPPED and not f.startswith(".")]
        for name in files:
            path = Path(folder, name)
            if path.suffix in _SUFFIXES:
                try:
                    yield path, path.stat().st_mtime_ns
                except OSError:
                    # Gone meanwhile: that is a change, too.
                    continue


class Restarter:
    """Runs a command, anew whenever files change.

    Args:
        command: with its arguments.
        root: folder whose source files are watched.
    """

    def __init__(self, command: Sequence[str], root: Path) -> None:
        self._command = command
        self._root = root
        self._asked = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Run until a signal asks to stop; return the exit status of the last process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        seen = stamps(self._root)
        status = 0
        while not self._asked.is_set():
            # A session of its own: ctrl+c comes to us, and we pass it on once.
            self._child = subprocess.Popen(self._command, start_new_session=True)  # noqa: S603
            seen = self._until_changed(seen)
            status = self._drained(self._child)
        return status

    def _until_changed(self, seen: Mapping[Path, int]) -> Mapping[Path, int]:
        while not self._asked.wait(EACH_S):
            now = stamps(self._root)
            if now != seen:
                return now
        return seen

    def _drained(self, child: "subprocess.Popen[bytes]") -> int:
        """Have it end; what ended before, as its code was wrong, had to be corrected first."""
        if child.poll() is None:
            child.terminate()
        return child.wait()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._asked.is_set() and self._child is not None and self._child.poll() is None:
            # Asked twice: so is the process, which cuts its time short.
            self._child.terminate()
        self._asked.set()


def restarting(words: Sequence[str]) -> int:
    """Serve with *words*, the command line that said `--reload`, in a process that is watched."""
    return Restarter(command(words), Path.cwd()).run()


def command(words: Sequence[str]) -> list[str]:
    """Return the command that serves with *words* itself."""
    return [sys.executable, "-m", "debugger", *words, "--no-reload"]
