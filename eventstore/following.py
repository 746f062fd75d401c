"""The subscriptions of all backends: one class, and the `Feed` that a backend gives it."""

import asyncio
from collections.abc import Sequence
from typing import Protocol, Self
from uuid import UUID

import msgspec

from eventstore import refusals
from eventstore.bell import Bell
from eventstore.cursors import LAST, Cursor, Mark
from eventstore.errors import EventStoreError
from eventstore.events import Row
from eventstore.keeping import Database, keep
from eventstore.values import text

PAGE_ROWS = 256
PAUSES_S = (0.005, 0.25)
"""Between two looks for what other processes wrote; doubled from the first to the second."""
NAME_BYTES = 128


class Found(msgspec.Struct, frozen=True):
    """What there is after a mark."""

    rows: Sequence[Row]
    """At most `PAGE_ROWS`, of the kinds that were asked for."""
    mark: Mark
    """After these rows, and after those of other kinds that were passed by."""
    more: bool
    """Whether there may be more behind."""


class Feed(Protocol):
    """What a backend gives its subscriptions. Thread-safe."""

    @property
    def log(self) -> UUID:
        """Id of the log."""
        ...

    @property
    def pauses_s(self) -> tuple[float, float]:
        """The shortest and the longest time between two looks while nothing rings."""
        ...

    def version(self) -> int:
        """Return a number that is another one whenever something was committed since.

        Raises:
            EventStoreError: `store-closed`.
        """
        ...

    def page(self, after: Mark, kinds: Sequence[int]) -> Found:
        """Read on from *after*.

        Raises:
            EventStoreError: `history-forked` when *after* is not of this history.
        """
        ...

    def beginning(self) -> Mark:
        """Return the mark before the first row."""
        ...

    def saved(self, name: str) -> Mark | None:
        """Return what was saved for *name*."""
        ...

    def save(self, name: str, mark: Mark) -> None:
        """Keep *mark* for *name*, unless one further on is kept.

        Raises:
            EventStoreError: `read-only`.
        """
        ...

    def reset(self, name: str, mark: Mark | None) -> None:
        """Keep *mark* for *name*, or none, and append the fact `subscription.reset`.

        Raises:
            EventStoreError: `read-only`.
        """
        ...


class FollowedPage:
    """See `eventstore.subscription.Page`."""

    def __init__(self, feed: Feed, name: str, rows: Sequence[Row], before: Mark, after: Mark):
        self.rows = rows
        self.cursor = Cursor({feed.log: after})
        self._feed = feed
        self._name = name
        self._before = before
        self._after = after

    def done(self, database: Database | None = None) -> None:
        if database is None:
            self._feed.save(self._name, self._after)
        else:
            keep(database, self._name, self._feed.log, self._before, self._after)


class Following:
    """See `eventstore.subscription.Subscription`.

    Args:
        feed: of the store.
        bell: rung when the log grows in this process.
        name: under which the cursor is saved.
        after: where to begin; None: at the saved cursor, or at the beginning.
        kinds: numbers of kinds of streams; none: all.
        pauses_s: between two looks while nothing rings; None: as the feed says.
    """

    def __init__(
        self,
        feed: Feed,
        bell: Bell,
        name: str,
        after: Cursor | None,
        kinds: Sequence[int],
        *,
        pauses_s: tuple[float, float] | None = None,
    ) -> None:
        _check_name(name)
        self.name = name
        self._feed = feed
        self._bell = bell
        self._kinds = kinds
        self._pauses_s = pauses_s
        self._closed = False
        self._start(self._mark_of(after) if after is not None else feed.saved(name))

    def _start(self, mark: Mark | None) -> None:
        self._given = self._seen = self._feed.beginning() if mark is None else mark
        self._version: int | None = None

    def _mark_of(self, cursor: Cursor) -> Mark | None:
        foreign = [log for log in cursor.marks if log != self._feed.log]
        if foreign:
            raise refusals.other_log(self._feed.log, foreign[0])
        mark = cursor.marks.get(self._feed.log)
        if mark is not None and not 0 <= mark.position <= LAST:
            raise refusals.history_forked(self._feed.log, mark.position)
        return mark

    @property
    def cursor(self) -> Cursor:
        return Cursor({self._feed.log: self._given})

    def poll(self) -> FollowedPage | None:
        return self._take(*self._look())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> FollowedPage:
        pause_s = 0.0
        while not self._closed:
            rings = self._bell.rings
            page = self.poll()
            if page is not None:
                return page
            pause_s = self._next_pause(pause_s)
            if not self._closed:
                self._bell.wait(rings, pause_s)
        raise StopIteration

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FollowedPage:
        pause_s = 0.0
        while not self._closed:
            rings = self._bell.rings
            # Taken here and not in the thread: a page that was read for one who left is read
            # again.
            page = self._take(*await asyncio.to_thread(self._look))
            if page is not None:
                return page
            pause_s = self._next_pause(pause_s)
            if not self._closed:
                await self._bell.wait_async(rings, pause_s)
        raise StopAsyncIteration

    def reset(self, after: Cursor | None = None) -> None:
        mark = self._mark_of(after) if after is not None else None
        if mark is not None:
            self._feed.page(mark, self._kinds)  # refuses a mark of another history
        self._feed.reset(self.name, mark)
        self._start(mark)

    def close(self) -> None:
        self._closed = True
        self._bell.ring()

    def _next_pause(self, last_s: float) -> float:
        first_s, longest_s = self._pauses_s or self._feed.pauses_s
        return min(max(last_s * 2, first_s), longest_s)

    def _look(self) -> tuple[int, Found | None]:
        # The version first: what is committed after it is seen at the next look.
        version = self._feed.version()
        if version == self._version:
            return version, None
        return version, self._feed.page(self._seen, self._kinds)

    def _take(self, version: int, found: Found | None) -> FollowedPage | None:
        if found is None:
            return None
        self._seen = found.mark
        self._version = None if found.more else version
        if not found.rows:
            return None
        before, self._given = self._given, found.mark
        return FollowedPage(self._feed, self.name, found.rows, before, found.mark)


def _check_name(name: str) -> None:
    if isinstance(name, str) and text.is_plain(name) and 0 < len(name.encode()) <= NAME_BYTES:
        return
    problem = f"{str(name)[:80]!a} cannot be the name of a cursor."
    remedy = f"Give 1 to {NAME_BYTES} bytes of text without NUL or lone surrogates."
    raise EventStoreError("invalid-id", problem, remedy, {"name": name})
