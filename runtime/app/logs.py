"""Where the log lines of a served app go: to stderr, without secrets (OB-6)."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

from runtime.secrets import Scrubber
from runtime.telemetry.lines import JsonLines, ScrubbedLines

LogLines: TypeAlias = Literal["plain", "json"]
Lines: TypeAlias = JsonLines | ScrubbedLines
_PLAIN = logging.Formatter("%(message)s")


@contextmanager
def log_lines(how: LogLines) -> Iterator[Callable[[Scrubber], None]]:
    """Write the process's log lines to stderr while the block runs.

    Args:
        how: `json`: all lines from level info on, an object each, whatever the app has set
            up. `plain`: as the app has set it up, else those from level warning on.

    Yields:
        What is told who takes secrets out of them, once that is known.
    """
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    formatters = [(handler, handler.formatter) for handler in before]
    made = _set_up(root, how)

    def use(scrubber: Scrubber) -> None:
        for each in made:
            each.scrubber = scrubber

    try:
        yield use
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        for handler, formatter in formatters:
            handler.setFormatter(formatter)


def _set_up(root: logging.Logger, how: LogLines) -> list[Lines]:
    if how == "plain" and root.handlers:
        made: list[Lines] = []
        for handler in root.handlers:
            lines = ScrubbedLines(handler.formatter or _PLAIN)
            handler.setFormatter(lines)
            made.append(lines)
        return made
    level = logging.INFO if how == "json" else logging.WARNING
    only: Lines = JsonLines() if how == "json" else ScrubbedLines(_PLAIN)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(only)
    root.handlers[:] = [handler]
    if root.level > level or root.level == logging.NOTSET:
        root.setLevel(level)
    return [only]
