"""Keeps a run that is done again from logging and measuring: it was when it was live (GC-8)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from runtime.telemetry import SUPPRESSED

_QUIET: ContextVar[bool] = ContextVar("timescape_quiet", default=False)
_log = logging.getLogger("timescape")


class _Loud(logging.Filter):
    """Lets through what does not come from a run that is done again."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _QUIET.get()


@contextmanager
def quiet() -> Iterator[None]:
    """Log and measure nothing of what runs here, and in tasks and threads begun by it."""
    loud = _Loud()
    token, unmeasured = _QUIET.set(True), SUPPRESSED.set(True)
    _log.addFilter(loud)
    try:
        yield
    finally:
        _log.removeFilter(loud)
        _QUIET.reset(token)
        SUPPRESSED.reset(unmeasured)
