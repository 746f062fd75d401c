"""The port of reading a log as it grows, and going on from where one stopped.

The docstrings are the rules, and `eventstore.testing.StoreContract` checks them.
"""

from collections.abc import Sequence
from typing import Protocol, Self

from eventstore.cursors import Cursor
from eventstore.events import Row
from eventstore.keeping import Database


class Page(Protocol):
    """Rows of one log, in its order."""

    @property
    def rows(self) -> Sequence[Row]:
        """From 1 to 256."""
        ...

    @property
    def cursor(self) -> Cursor:
        """After these rows; give it to `subscribe` to go on from there."""
        ...

    def done(self, database: Database | None = None) -> None:
        """Say that this page, and all before it, need not come again.

        Without *database* the cursor is saved in the store: after a crash in between, the
        page comes again, so its work is done at least once. With one, such as a
        connection of `sqlite3` or psycopg, the cursor is kept in table `cursors` of that database
        (made if it is not there) within the transaction of the caller, who commits it together
        with the work of the page: it is done exactly once. `cursor_in` gives that cursor back.

        Raises:
            EventStoreError: `read-only`: the store cannot keep it. `cursor-moved`: that
                database has another cursor than the one before this page; roll back.
        """
        ...


class Subscription(Protocol):
    """Pages of a log, as it grows. An iterator and an async iterator; one user at a time.

    A page is read when it is asked for: nothing is read ahead, and no transaction lasts
    between pages. What other processes commit is seen within 250 ms, what this store
    commits at once. When the store is closed, `store-closed` is raised.
    """

    @property
    def name(self) -> str:
        """Under which the cursor is saved."""
        ...

    @property
    def cursor(self) -> Cursor:
        """After the last page that was given."""
        ...

    def poll(self) -> Page | None:
        """Return the next page if there is one now.

        Raises:
            EventStoreError: `history-forked`, `store-closed`, and what reading met.
        """
        ...

    def __iter__(self) -> Self: ...

    def __next__(self) -> Page:
        """Block until there is a page; end when `close` was called."""
        ...

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> Page:
        """Wait for a page without blocking the event loop. Cancelled, it loses none."""
        ...

    def reset(self, after: Cursor | None = None) -> None:
        """Begin anew after *after*, or at the beginning; the log keeps a fact that says so.

        It is the way on after `history-forked`, and the only way back for a saved cursor.

        Raises:
            EventStoreError: `read-only`, `history-forked`.
        """
        ...

    def close(self) -> None:
        """End the iteration, from any thread. The store stays open."""
        ...
