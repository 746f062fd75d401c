"""Takes what requests publish: keeps places, refuses, lets wait (QF-6)."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from eventstore import StreamId
from runtime.errors import QueueFullError, RequestStoppedError
from runtime.facts import Json
from runtime.queue import Asked, Full, Message, Offer, QueueFold, Room, Topic

WAIT_S = 5.0
"""How long a publication waits for room."""
_Waiting = tuple[StreamId, Offer, "asyncio.Future[None]"]


class Places:
    """The desk of an app. Used on its event loop only.

    Args:
        fold: what is queued.
        room: the bounds.
        wake: called when something published may have become deliverable.
        displace: gives up a message for a newer one.
        ask: publishes a message at once, and waits for its result.
    """

    def __init__(
        self,
        fold: QueueFold,
        room: Room,
        wake: Callable[[], None],
        displace: Callable[[str, Message], None],
        ask: Callable[[Asked], Awaitable[Json]],
    ) -> None:
        self._fold = fold
        self._room = room
        self._wake = wake
        self._displace = displace
        self._ask = ask
        self._lines: dict[str, deque[_Waiting]] = {}
        self._unread: set[StreamId] = set()
        """Streams that ended well, and of which the messages are not in the inboxes yet."""
        self._reading: asyncio.Future[None] | None = None
        """Done once more was read; None: nobody waits for it."""
        self._closed = False
        self.refused = 0
        """Publications that found no room."""

    async def offer(self, stream: StreamId, offer: Offer) -> None:
        """See `runtime.effects.Desk`."""
        topic, size = offer.topic, offer.size
        if self._closed:
            raise RequestStoppedError("shutting-down")
        if not self._fold.inboxes:
            return  # nobody subscribes to anything, and nobody reads when the stream has ended
        full = self._room.full(topic.name, size)
        while full is not None and topic.full == "drop_oldest":
            if not self._drops(full, topic):
                if not self._unread:
                    break  # all of them are being worked on, or their requests go on
                await self._read_on()
            full = self._room.full(topic.name, size)
        if full is None and not self._lines.get(topic.name):
            self._room.keep(stream, offer)
        elif topic.full != "wait" or not await self._waited(stream, offer):
            raise self._refusal(topic, size)

    async def offer_all(self, stream: StreamId, topic: Topic, sizes: Sequence[int]) -> None:
        """Take messages of a topic together where there is room for all; else each by itself.

        Args:
            stream: that publishes them.
            topic: of all of them.
            sizes: theirs, in bytes.

        Raises:
            QueueFullError: there is no room for one of them; those before keep their places.
        """
        together = Offer(topic, sum(sizes), count=len(sizes))
        if self._closed or self._lines.get(topic.name) or self._has_no_room(together):
            for size in sizes:
                await self.offer(stream, Offer(topic, size))
        elif self._fold.inboxes:
            self._room.keep(stream, together)

    def _has_no_room(self, offer: Offer) -> bool:
        return self._room.full(offer.topic.name, offer.size, offer.count) is not None

    async def ask(self, asked: Asked) -> Json:
        """See `runtime.effects.Desk`."""
        return await self._ask(asked)

    def ended(self, stream: StreamId, *, well: bool, kept: bool) -> None:
        """See `runtime.effects.Desk`."""
        if self._lines:
            self._send_away(stream)
        if not (well and kept):
            self._room.free(stream, lasting=not kept)
            self._let_all_in()
        if self._room.keeps(stream):
            self._unread.add(stream)
        self._wake()

    def caught_up(self) -> None:
        """Free the places of streams that ended, and let in who waits; after the fold went on."""
        for stream in self._fold.ended:
            self._room.free(stream)
            self._unread.discard(stream)
        self._fold.ended.clear()
        self._let_all_in()
        self._tell_read()

    async def _read_on(self) -> None:
        if self._closed:
            raise RequestStoppedError("shutting-down")
        if self._reading is None:
            self._reading = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._reading)

    def _tell_read(self) -> None:
        if self._reading is not None:
            self._reading.set_result(None)
            self._reading = None

    def _send_away(self, stream: StreamId) -> None:
        """Give no place any more to whoever still publishes for *stream*, which has ended."""
        for line in self._lines.values():
            for waiting, _, place in line:
                if waiting == stream and not place.done():
                    place.set_exception(RequestStoppedError("cancelled"))

    def _let_all_in(self) -> None:
        for topic in list(self._lines):
            self._let_in(topic)

    def close(self) -> None:
        """Refuse from now on, those who wait, too: the app stops."""
        self._closed = True
        for line in self._lines.values():
            for _, _, place in line:
                if not place.done():
                    place.set_exception(RequestStoppedError("shutting-down"))
        self._lines.clear()
        self._tell_read()

    def _drops(self, full: Full, topic: Topic) -> bool:
        oldest = self._fold.inboxes[full.subscriber].oldest_ready(topic.name)
        if oldest is None:
            return False
        self._displace(full.subscriber, oldest)
        return True

    async def _waited(self, stream: StreamId, offer: Offer) -> bool:
        """Wait in order of arrival; False: no room came."""
        line = self._lines.setdefault(offer.topic.name, deque())
        place = asyncio.get_running_loop().create_future()
        entry = stream, offer, place
        line.append(entry)
        try:
            async with asyncio.timeout(WAIT_S):
                await place
        except TimeoutError:
            return _is_given(place)
        except asyncio.CancelledError:
            if _is_given(place):
                # It came in the same moment; nobody is left to take it up.
                self._room.give_back(stream, offer)
            raise
        finally:
            if entry in line:
                line.remove(entry)
            # Whoever left early may have stood in the way of others.
            self._let_in(offer.topic.name)
        return True

    def _let_in(self, topic: str) -> None:
        line = self._lines.get(topic)
        while line:
            stream, offer, place = line[0]
            if not place.done():
                if self._room.full(topic, offer.size) is not None:
                    return
                self._room.keep(stream, offer)
                place.set_result(None)
            line.popleft()
        self._lines.pop(topic, None)

    def _refusal(self, topic: Topic, size: int) -> QueueFullError:
        self.refused += 1
        full = self._room.full(topic.name, size)
        if full is None:
            # Room came, but others were before.
            depth = self._room.depth(topic.name)
            return QueueFullError(topic.name, depth, topic.depth, 100)
        return QueueFullError(full.name, full.depth, full.limit, full.percent)


def _is_given(place: "asyncio.Future[None]") -> bool:
    return place.done() and not place.cancelled() and place.exception() is None
