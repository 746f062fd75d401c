"""Does the work again, in a fresh process, whenever a Python file changes (MG-10)."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from debugger.cli.exits import Exit
from debugger.cli.output import Output

PAUSE_S = 0.3
_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages"})


def watch(
    words: Sequence[str],
    output: Output,
    *,
    pause: Callable[[float], None] = time.sleep,
) -> NoReturn:
    """Run a command that writes files now and after every change, until ctrl+c.

    An app that cannot be imported leaves the files as they were; its fault is told.
    """
    seen: dict[Path, tuple[int, int]] = {}
    while True:
        now = dict(_files(Path.cwd()))
        if now != seen:
            seen = now
            if _again(words) == Exit.APP_ERROR:
                output.say("The files stay as they were.")
            output.flush()
        pause(PAUSE_S)


def _files(folder: Path) -> Iterator[tuple[Path, tuple[int, int]]]:
    """Give every Python file below *folder* with what tells that it changed."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in _SKIPPED or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path)
        elif path.suffix == ".py":
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            yield path, (stat.st_mtime_ns, stat.st_size)


def _again(words: Sequence[str]) -> int:
    # A module that is imported stays as it was: only a new process reads it again.
    program = [sys.executable, "-m", "debugger", *words]
    return subprocess.run(program, check=False).returncode  # noqa: S603 - the user's own words
