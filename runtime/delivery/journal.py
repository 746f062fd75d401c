"""Writes facts of subscribers: what they claim, give up, and how far they are."""

from collections.abc import Iterable, Sequence

from eventstore import ANY, Clock, NewEvent, Store, StreamId, Ticket
from runtime.facts import Fact
from runtime.queue import KIND, Letter, dead_stream, subscriber_stream
from runtime.queue_facts import MessageDeadLettered
from runtime.secrets import Scrubber

Keyed = tuple[Fact, str]


class Journal:
    """The queue streams of a log.

    Args:
        store: the log.
        clock: gives the time of facts.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.scrubber: Scrubber | None = None
        """Takes secrets out of what is told (SE-8)."""

    def tell(self, subscriber: str, facts: Iterable[Keyed], expected: int = ANY) -> Ticket:
        """Append to a subscriber's stream.

        Args:
            subscriber: its name.
            facts: with their keys.
            expected: the revision it is at; else the ticket raises `wrong-revision`.
        """
        return self._append(subscriber_stream(subscriber), facts, expected)

    def bury(self, letter: Letter) -> Ticket:
        """Append a dead letter to its stream."""
        return self.bury_all(dead_stream(letter.topic, letter.subscriber), [letter], ANY)

    def bury_all(self, stream: StreamId, letters: Sequence[Letter], expected: int) -> Ticket:
        """Append dead letters to the *stream* of their topic and subscriber.

        Args:
            stream: of all of them.
            letters: to be appended.
            expected: as for `tell`.
        """
        facts = [
            MessageDeadLettered(
                each.topic, each.subscriber, each.attempts, each.reason, each.error, each.message
            )
            for each in letters
        ]
        keys = [each.id for each in letters]
        return self._append(stream, zip(facts, keys, strict=True), expected)

    def publish(self, stream: StreamId, facts: Sequence[Fact], topic: str) -> Ticket:
        """Append messages from outside of requests, in a stream of their own."""
        return self._append(stream, [(fact, topic) for fact in facts], 0, close=True)

    def _append(
        self, stream: StreamId, facts: Iterable[Keyed], expected: int, *, close: bool = False
    ) -> Ticket:
        now_us = self._clock()
        events: Sequence[NewEvent] = [NewEvent(f.type, f, key, now_us) for f, key in facts]
        if self.scrubber is not None and self.scrubber.knows:
            events = self.scrubber.events(events)
        return self._store.append(stream, events, kind=KIND, expected=expected, close=close)
