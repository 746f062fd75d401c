"""The part of the requests that is in memory: one window, newest first. Pure.

The window has no holes. It grows at either end by pages and lets go of the other, so a
store of any size scrolls in the same memory (RN-1).
"""

from bisect import bisect_left
from collections.abc import Sequence

from debugger.session import RequestList, RequestSummary

MOST = 16 * 256
"""Rows kept, at most."""


class Listing:
    """Rows newest first, and what lies beyond them."""

    def __init__(self) -> None:
        self.rows: list[RequestSummary] = []
        self.older: int | None = None
        """Where to go on reading; None: the last row is the oldest there is."""
        self.newest = True
        """Whether the first row is the newest there is."""

    def start(self, page: RequestList, *, newest: bool = True) -> None:
        """Hold *page* and nothing else."""
        self.rows = list(page.requests)
        self.older = page.older
        self.newest = newest

    def grow_older(self, page: RequestList) -> int:
        """Put *page* at the end; return how many rows were let go of at the front."""
        self.rows += page.requests
        self.older = page.older
        surplus = max(len(self.rows) - MOST, 0)
        if surplus:
            del self.rows[:surplus]
            self.newest = False
        return surplus

    def grow_newer(self, rows: Sequence[RequestSummary], *, newest: bool) -> int:
        """Put *rows*, newest first, at the front; return how many there were."""
        self.rows[:0] = rows
        self.newest = newest
        surplus = len(self.rows) - MOST
        if surplus > 0:
            self.older = self.rows[MOST - 1].position
            del self.rows[MOST:]
        return len(rows)

    def merge(self, fresh: Sequence[RequestSummary]) -> int:
        """Take in what the tail brought; return how many rows are new.

        A request that is known is replaced, one that began before the window is left out.
        """
        places = {row.stream: place for place, row in enumerate(self.rows)}
        added = 0
        for summary in fresh:
            place = places.get(summary.stream)
            if place is not None:
                self.rows[place] = summary
            elif self._belongs(summary):
                at = bisect_left(self.rows, -summary.position, key=lambda row: -row.position)
                self.rows.insert(at, summary)
                places = {row.stream: number for number, row in enumerate(self.rows)}
                added += 1
        if len(self.rows) > MOST:
            self.older = self.rows[MOST - 1].position
            del self.rows[MOST:]
        return added

    def _belongs(self, summary: RequestSummary) -> bool:
        if not self.rows:
            return self.newest
        if summary.position > self.rows[0].position:
            return self.newest
        return self.older is None or summary.position > self.rows[-1].position

    def density(self) -> int:
        """Return how many positions of the log 256 rows take, about."""
        if len(self.rows) < 2:
            return 4096
        span = self.rows[0].position - self.rows[-1].position
        return max(span * 256 // (len(self.rows) - 1), 256)
