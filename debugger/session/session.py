"""One store, asked the debugger's questions."""

from collections.abc import Callable, Iterator

from debugger.session.requests import RequestList, RequestSummary
from debugger.timeline import Timeline
from eventstore import Row, Store, StreamId, Verdict


class Session:
    """Answers about one store. Safe to call from worker threads.

    Args:
        store: opened for reading; the session closes it.
        write: opens the store for one append (a restore); None: read-only.
    """

    def __init__(self, store: Store, *, write: Callable[[], Store] | None = None) -> None:
        self.store = store
        self._write = write

    def requests(
        self, where: str = "", *, before: int | None = None, limit: int = 256
    ) -> RequestList:
        """Give requests that match the filter text, newest first."""
        raise NotImplementedError

    def newer(self, after: int, where: str = "", *, limit: int = 256) -> list[RequestSummary]:
        """Give requests whose last row stands after position *after*, oldest first: the live tail.

        A request may come again when it has gone on; the later one replaces the earlier.
        """
        raise NotImplementedError

    def count(self) -> int:
        """Count all requests; may take a while on a large store."""
        raise NotImplementedError

    def find(self, text: str) -> StreamId:
        """Find a request by `req-…`, a full id, or its last digits (4 or more).

        Raises:
            BadInputError: not an id.
            NotFoundError: none or several fit; the remedy names them.
        """
        raise NotImplementedError

    def timeline(self, stream: StreamId) -> Timeline:
        """Load the whole history of a request (at most 50 000 facts)."""
        raise NotImplementedError

    def restore(self, stream: StreamId, at: int, *, by: str, reason: str = "") -> StreamId:
        """Make a fork of *stream* at revision *at* whose state is that of the moment; give its id.

        Raises:
            WriteRefusedError: the session is read-only.
        """
        raise NotImplementedError

    def search(self, where: str, *, limit: int = 1000) -> Iterator[tuple[Row, int]]:
        """Find facts in the whole log: rows with the index of a matching event."""
        raise NotImplementedError

    def verify(self, progress: Callable[[int, int], None] | None = None) -> Verdict:
        """Check the whole log."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the store."""
        raise NotImplementedError
