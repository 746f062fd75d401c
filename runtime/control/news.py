"""Reads along a control stream: what this process and others wrote, in order, each fact once."""

from collections.abc import Sequence

from eventstore import Event, Store, StreamId


class News:
    """See the module's words; in one thread at a time.

    Args:
        store: the log.
        stream: a control stream.
    """

    def __init__(self, store: Store, stream: StreamId) -> None:
        self._store = store
        self._stream = stream
        self.revision = 0
        """Of the last fact that was given."""

    def read(self) -> Sequence[Event]:
        """Return what is new; blocks.

        Raises:
            EventStoreError: the log cannot be read.
        """
        events = tuple(self._store.read(self._stream, self.revision + 1))
        if events:
            self.revision = events[-1].revision
        return events
