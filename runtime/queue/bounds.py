"""How full topics and subscribers are, with the places kept for what may still come. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from eventstore import StreamId
from runtime.queue.folding import QueueFold
from runtime.queue.topics import Offer, Subscriber, Topic


class Full(msgspec.Struct, frozen=True):
    """What has no room."""

    name: str
    """The topic, or the subscriber whose own bound it is."""
    subscriber: str
    depth: int
    limit: int
    percent: int
    """Of the bound that is reached, count or bytes."""


class Room:
    """The bounds of an app's queues (QF-6).

    A publication keeps its place from the call on until its request has ended. The place is
    of the topic: it counts for whoever subscribes at the time that is asked about, also for
    who began after it was kept, as that one gets the message, too.

    Args:
        fold: what is queued.
        topics: by name.
        subscribers: by name.
    """

    def __init__(
        self,
        fold: QueueFold,
        topics: Mapping[str, Topic],
        subscribers: Mapping[str, Subscriber],
    ) -> None:
        self._fold = fold
        self._topics = topics
        self._subscribers = subscribers
        self._scales: dict[str, float] = {}
        self._kept: dict[StreamId, list[Offer]] = {}
        self._places: dict[str, list[int]] = {}
        """Topic to number and bytes of kept places."""

    def scale(self, topic: str, share: float) -> None:
        """Let *topic* have *share*, 0 to 1, of the room it was declared with.

        Raises:
            ValueError: it is no share.
        """
        if not 0 <= share <= 1:
            msg = f"{share!r} is not within 0 and 1."
            raise ValueError(msg)
        self._scales[topic] = share

    def keep(self, stream: StreamId, offer: Offer) -> None:
        """Keep the places of what is offered until *stream* has ended."""
        self._kept.setdefault(stream, []).append(offer)
        self._add(offer, 1)

    def free(self, stream: StreamId, *, lasting: bool = True) -> None:
        """Give up the places of *stream*.

        Args:
            stream: that has ended, or published nothing after all.
            lasting: also those of messages that are delivered if their request fails.
        """
        kept = self._kept.pop(stream, [])
        left = [] if lasting else [each for each in kept if each.lasting]
        if left:
            self._kept[stream] = left
        for offer in kept:
            if lasting or not offer.lasting:
                self._add(offer, -1)

    def give_back(self, stream: StreamId, offer: Offer) -> None:
        """Give up the place of one offer, which was not taken up after all."""
        self._kept[stream].remove(offer)
        self._add(offer, -1)

    def keeps(self, stream: StreamId) -> bool:
        """Say whether places are kept for *stream*."""
        return bool(self._kept.get(stream))

    def _add(self, offer: Offer, sign: int) -> None:
        places = self._places.get(offer.topic.name)
        if places is None:
            places = self._places[offer.topic.name] = [0, 0]
        places[0] += sign * offer.count
        places[1] += sign * offer.size

    def depth(self, topic: str) -> int:
        """Return how many messages of *topic*, kept places too, its fullest subscriber has."""
        names = self._fold.subscribers_of(topic)
        return max((self._held(name, topic)[0] for name in names), default=0)

    def full(self, topic: str, size: int, count: int = 1) -> Full | None:
        """Say what has no room for *count* more messages of *topic*; None: there is room.

        Args:
            topic: of them.
            size: of all of them, in bytes.
            count: how many.
        """
        share = self._scales.get(topic, 1.0)
        declared = self._topics[topic]
        of_topic = int(declared.depth * share), int(declared.size * share)
        for name in self._fold.subscribers_of(topic):
            found = _over(self._held(name, topic), of_topic, (count, size))
            if found is not None:
                return Full(topic, name, *found)
            own = self._subscribers[name]
            if own.depth is None and own.size is None:
                continue
            found = _over(self._held_in_all(name), (own.depth, own.size), (count, size))
            if found is not None:
                return Full(name, name, *found)
        return None

    def first_full(self, topics: Iterable[str]) -> str | None:
        """Return the first of *topics* that has no room for a message; None: all have."""
        return next((topic for topic in topics if self.full(topic, 0) is not None), None)

    def _held(self, name: str, topic: str) -> tuple[int, int]:
        count, size = self._fold.inboxes[name].topics.get(topic, (0, 0))
        places = self._places.get(topic, (0, 0))
        return count + places[0], size + places[1]

    def _held_in_all(self, name: str) -> tuple[int, int]:
        inbox = self._fold.inboxes[name]
        count, size = len(inbox), inbox.size
        for topic, places in self._places.items():
            if name in self._fold.subscribers_of(topic):
                count, size = count + places[0], size + places[1]
        return count, size


def _over(
    held: tuple[int, int], limits: tuple[int | None, int | None], more: tuple[int, int]
) -> tuple[int, int, int] | None:
    """Return depth, limit and percent where *more*, in number or bytes, does not fit."""
    for at in (0, 1):
        limit = limits[at]
        if limit is not None and held[at] + more[at] > limit:
            return held[at], limit, 100 if limit == 0 else 100 * held[at] // limit
    return None
