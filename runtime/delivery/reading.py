"""Reads the log into a fold: at start-up where each subscriber was, then as it grows."""

from collections.abc import Mapping
from uuid import UUID

from eventstore import Cursor, Event, Row, Store, StreamId
from runtime.context import QUEUE, REQUEST
from runtime.queue import (
    KIND,
    Message,
    QueueFold,
    Standing,
    Subscriber,
    standing_of,
    subscriber_stream,
)
from runtime.queue.opened import message_of
from runtime.queue_facts import MessagePublished
from runtime.relay_facts import MessageArrived

_KINDS = (QUEUE.name, REQUEST.name)
_FEED = "queue"


class Tail:
    """Goes along the log with a fold.

    Args:
        store: the log.
        fold: filled with its subscribers.
        after: position after which reading begins.
    """

    def __init__(self, store: Store, fold: QueueFold, after: int) -> None:
        self._store = store
        self._fold = fold
        cursor: Cursor = store.cursor_at(after)
        self._pages = store.subscribe(_FEED, after=cursor, kinds=_KINDS)

    def look(self) -> "Page | None":
        """Return what is new, at most a page; in any thread, one at a time.

        Raises:
            EventStoreError: the log cannot be read.
        """
        page = self._pages.poll()
        if page is None:
            return None
        rows = tuple(page.rows)
        return Page(rows, _revived(self._store, rows))

    def go_on(self, page: "Page") -> None:
        """Fold a page; where the inboxes are used."""
        for row in page.rows:
            self._fold.add_rows((row,))
            for subscriber, id_, position in self._fold.retried:
                message = page.revived.get(id_)
                if message is not None:
                    self._fold.accept_again(subscriber, message, position)
            self._fold.retried.clear()

    def catch_up(self) -> None:
        """Fold all that is there; blocks."""
        while (page := self.look()) is not None:
            self.go_on(page)


class Page:
    """Rows, and the messages that they want to be tried again."""

    __slots__ = ("revived", "rows")

    def __init__(self, rows: tuple[Row, ...], revived: Mapping[str, Message]) -> None:
        self.rows = rows
        self.revived = revived


def _revived(store: Store, rows: tuple[Row, ...]) -> dict[str, Message]:
    wanted = {
        event.key or ""
        for row in rows
        if row.kind == KIND
        for event in row.events
        if event.type == "message.retried"
    }
    found = {id_: find_message(store, id_) for id_ in wanted}
    return {id_: message for id_, message in found.items() if message is not None}


def find_message(store: Store, id_: str) -> Message | None:
    """Read a message by its id; None: the log has none such."""
    name, _, revision = id_.partition("@")
    try:
        stream, at = StreamId(UUID(hex=name)), int(revision)
    except ValueError:
        return None
    events: list[Event] = list(store.read(stream, 1, at)) if at > 0 else []
    if not events or not isinstance(events[-1].data, MessagePublished | MessageArrived):
        return None
    return message_of(events)


def standings(store: Store, subscribers: Mapping[str, Subscriber]) -> dict[str, Standing]:
    """Say where subscribers are that the log knows."""
    found = {name: standing_of(store.read(subscriber_stream(name))) for name in subscribers}
    return {name: each for name, each in found.items() if each is not None}
