"""Counts the uses of grants, and tells the log of them now and then (CP-5).

The first use of a grant is told at once: that it was never used is then true even after a
crash. Later ones are told together, at most a minute after; a crash takes those of that minute.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

from runtime.module_facts import CapabilityUsed

EACH_S: Final = 60.0


class UseCounts:
    """The uses of one module's grants, since it was started.

    Args:
        tell: tells the log.
    """

    def __init__(self, tell: Callable[[CapabilityUsed], None]) -> None:
        self._tell = tell
        self._known: set[tuple[str, str]] = set()
        self._untold: Counter[tuple[str, str]] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def note(self, capability: str, pattern: str) -> None:
        """Count a use; in the event loop."""
        pair = capability, pattern
        if pair not in self._known:
            self._known.add(pair)
            self._tell(CapabilityUsed(((capability, pattern, 1),)))
            return
        self._untold[pair] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EACH_S, self.flush)

    def flush(self) -> None:
        """Tell what is not told yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._untold:
            uses = tuple((*pair, count) for pair, count in sorted(self._untold.items()))
            self._untold.clear()
            self._tell(CapabilityUsed(uses))
