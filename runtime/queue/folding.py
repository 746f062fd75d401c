"""The fold of a log's rows to what every subscriber has still to settle. Pure.

A dispatcher, the command line and the tests all go through it. A message is accepted where
the request that published it ends well (QF-2); its outcome stands in the last commit of the
delivery that worked on it (QF-9).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from eventstore import Event, Row, StreamId
from runtime import queue_facts as facts
from runtime.facts import RequestAborted, ResponseSent
from runtime.queue.backoff import retry_after_us
from runtime.queue.inbox import Inbox, Outcome
from runtime.queue.messages import Message
from runtime.queue.names import matcher
from runtime.queue.opened import NOTED, PUBLISHING, Opened
from runtime.queue.standing import KIND, Standing, subscriber_stream

CRASH = "crash"
"""Why an attempt failed whose process has gone."""
LaneOf = Callable[[Message], str | None]


class Letter(msgspec.Struct, frozen=True):
    """A message that was given up."""

    id: str
    topic: str
    subscriber: str
    attempts: int
    reason: str = ""
    error: str | None = None
    message: str | None = None
    since: int = 0
    at_us: int = 0


class _Subscriber:
    """A subscriber, as the fold knows it."""

    def __init__(self, standing: Standing, lane_of: LaneOf, live_from: int) -> None:
        self.after = standing.after
        self.matches = matcher(standing.topic)
        self.lane_of = lane_of
        self.live_from = live_from
        self.is_open = standing.is_open
        self.inbox = Inbox(standing.counts)
        self.inbox.is_paused = standing.is_paused
        self.revision = standing.revision
        self.claimed_to = 0
        """Revision up to which claims are known, although they may not be read yet."""

    def wants(self, message: Message) -> bool:
        """Say whether *message* is for it."""
        return (
            self.is_open
            and message.since > self.after
            and (message.durable or message.position > self.live_from)
            and self.matches(message.topic)
        )


class QueueFold:
    """The inboxes of some subscribers, row by row.

    Rows come in the order of the log, from after the least `Standing.after` on.
    """

    def __init__(self) -> None:
        self._subscribers: dict[str, _Subscriber] = {}
        self._open: dict[StreamId, Opened] = {}
        self.inboxes: dict[str, Inbox] = {}
        """By subscriber."""
        self.letters: dict[tuple[str, str], Letter] = {}
        """Messages that were given up and are not in a dead-letter stream yet."""
        self.ended: list[StreamId] = []
        """Streams with messages that ended since somebody emptied this: whatever of them was to
    be delivered is in inboxes now."""
        self.retried: list[tuple[str, str, int]] = []
        """Subscriber, id and position of dead letters that are to be accepted again."""
        self.position = 0
        self._streams: dict[StreamId, _Subscriber] = {}
        self._takers: dict[str, list[str]] = {}
        """Topic to the names of its subscribers, until one comes or goes."""
        self._in_requests: Mapping[str, Callable[[Event, Any], None]] = {
            facts.MessageAcknowledged.type: self._acknowledged,
            facts.MessageFailed.type: self._failed,
        }
        self._in_queues: Mapping[str, Callable[[Event, Any], None]] = {
            facts.MessageFailed.type: self._failed,
            facts.MessageClaimed.type: self._claimed,
            facts.MessageExpired.type: self._expired,
            facts.MessageDeadLettered.type: self._dead_lettered,
            facts.MessageRetried.type: self._retried,
            facts.MessageDropped.type: self._dropped,
            facts.SubscriptionOpened.type: self._opened,
            facts.SubscriptionClosed.type: self._closed,
            facts.SubscriptionPaused.type: self._paused,
            facts.SubscriptionResumed.type: self._resumed,
        }

    def add(
        self,
        name: str,
        standing: Standing,
        lane_of: LaneOf = lambda message: message.key,
        *,
        live_from: int = 0,
    ) -> Inbox:
        """Fold for a subscriber, too; before the first row.

        Args:
            name: of the subscriber.
            standing: where its fold begins.
            lane_of: says which messages are taken one after the other.
            live_from: messages that are not durable come only from later positions.
        """
        new = self._subscribers[name] = _Subscriber(standing, lane_of, live_from)
        self._streams[subscriber_stream(name)] = new
        self.inboxes[name] = new.inbox
        self._takers.clear()
        return new.inbox

    def revision(self, name: str) -> int:
        """Return how far the stream of a subscriber is."""
        return self._subscribers[name].revision

    def wrote(self, name: str, revision: int) -> None:
        """Learn that a subscriber's stream goes up to *revision*, with claims that are noted.

        Reading them later changes nothing: what was claimed may have been put back by then.
        """
        known = self._subscribers[name]
        known.revision = max(known.revision, revision)
        known.claimed_to = revision

    def subscribers_of(self, topic: str) -> list[str]:
        """Name those who get messages of *topic*, one of the app's."""
        found = self._takers.get(topic)
        if found is None:
            every = self._subscribers.items()
            found = [name for name, each in every if each.is_open and each.matches(topic)]
            self._takers[topic] = found
        return found

    def add_rows(self, rows: Iterable[Row]) -> None:
        """Go on by *rows*."""
        for row in rows:
            self.position = row.position + len(row.events) - 1
            if row.kind == KIND:
                self._queue_row(row)
            else:
                self._request_row(row)

    def accept_again(self, subscriber: str, message: Message, position: int) -> None:
        """Accept a dead letter that somebody wants to be tried again at *position*."""
        known = self._subscribers.get(subscriber)
        if known is not None and position > known.after:
            known.inbox.accept(message, known.lane_of(message), position)

    # --- rows of requests ---

    def _request_row(self, row: Row) -> None:
        opened = self._open.get(row.stream) or Opened(row.position, published=[])
        opened.is_fork = opened.is_fork or row.parent is not None
        end: object = None
        for event in row.events:
            if event.type in NOTED:
                opened.note(event)
            elif event.type in self._in_requests and not opened.is_fork:
                self._in_requests[event.type](event, event.data)
            elif event.type in _TERMINAL:
                end = event.data
        if end is None and not row.closes:
            self._open[row.stream] = opened
            return
        self._open.pop(row.stream, None)
        if opened.published and not opened.is_fork:
            self.ended.append(row.stream)
            self._deliver(row, opened, well=isinstance(end, ResponseSent) and end.code is None)

    def _deliver(self, row: Row, opened: Opened, *, well: bool) -> None:
        told = opened.published
        if not well:
            told = [event for event in told if event.data.always]
        every = tuple(self._subscribers.values())
        for message in opened.messages(told, row.position):
            for each in every:
                if each.wants(message):
                    each.inbox.accept(message, each.lane_of(message))

    def _acknowledged(self, event: Event, fact: facts.MessageAcknowledged) -> None:
        known = self._subscribers.get(fact.subscriber)
        if known is not None:
            settle = known.inbox.settle
            for id_ in fact.messages or (event.key or "",):
                settle(id_, "acknowledged")

    # --- rows of subscribers ---

    def _queue_row(self, row: Row) -> None:
        own = self._streams.get(row.stream)
        if own is not None:
            own.revision = max(own.revision, row.last)
        published: list[Event] = []
        for event in row.events:
            if event.type in PUBLISHING:
                published.append(event)
                continue
            act = self._in_queues.get(event.type)
            if act is not None:
                act(event, event.data)
        if published:
            self.ended.append(row.stream)
            self._deliver(row, Opened(row.position, published=published), well=True)

    def _failed(self, event: Event, fact: facts.MessageFailed) -> None:
        known, id_ = self._subscribers.get(fact.subscriber), event.key or ""
        if known is None:
            return
        if fact.will_retry:
            # Whoever was interrupted, by a stop or a crash, is due at once and keeps its place.
            waits = fact.counted and fact.reason != CRASH
            wait_us = retry_after_us(fact.subscriber, id_, fact.attempt) if waits else 0
            known.inbox.retry(id_, event.at_us + wait_us, counted=fact.counted)
            return
        since = known.inbox.queued[id_].since if id_ in known.inbox.queued else 0
        message = known.inbox.settle(id_, "dead")
        if message is not None:
            self.letters[fact.subscriber, id_] = Letter(
                id_, message.topic, fact.subscriber, fact.attempt, fact.reason, fact.error,
                fact.message, since, event.at_us,
            )  # fmt: skip

    def _claimed(self, event: Event, fact: facts.MessageClaimed) -> None:
        known = self._subscribers.get(event.key or "")
        if known is not None and event.revision > known.claimed_to:
            for id_, attempt in fact.messages:
                known.inbox.claim(id_, attempt, fact.node)

    def _expired(self, event: Event, fact: facts.MessageExpired) -> None:
        for id_ in fact.messages:
            self._settle(event.key or "", id_, "expired")

    def _dead_lettered(self, event: Event, fact: facts.MessageDeadLettered) -> None:
        self.letters.pop((fact.subscriber, event.key or ""), None)
        self._settle(fact.subscriber, event.key, "dead")

    def _retried(self, event: Event, fact: facts.MessageRetried) -> None:
        if self._subscribers.get(fact.subscriber) is not None:
            self.retried.append((fact.subscriber, event.key or "", event.position))

    def _dropped(self, event: Event, fact: facts.MessageDropped) -> None:
        known, id_ = self._subscribers.get(fact.subscriber), event.key or ""
        queued = None if known is None else known.inbox.queued.get(id_)
        if known is not None and queued is not None and queued.phase != "running":
            known.inbox.settle(id_, "dead")

    def _opened(self, event: Event, fact: facts.SubscriptionOpened) -> None:
        known = self._subscribers.get(event.key or "")
        if known is not None:
            known.is_open = True
            known.matches = matcher(fact.topic)
            self._takers.clear()

    def _closed(self, event: Event, fact: object) -> None:
        known = self._subscribers.get(event.key or "")
        if known is not None:
            known.is_open = False
            self._takers.clear()

    def _paused(self, event: Event, fact: object) -> None:
        known = self._subscribers.get(event.key or "")
        if known is not None:
            known.inbox.is_paused = True

    def _resumed(self, event: Event, fact: object) -> None:
        known = self._subscribers.get(event.key or "")
        if known is not None:
            known.inbox.is_paused = False

    def _settle(self, name: str, id_: str | None, outcome: Outcome) -> None:
        known = self._subscribers.get(name)
        if known is not None:
            known.inbox.settle(id_ or "", outcome)

    # --- how far it is ---

    def reaches(self, name: str) -> int:
        """Return the position up to which nothing of a subscriber has to be read again."""
        starts = [each.first for each in self._open.values()]
        starts += [each.since for key, each in self.letters.items() if key[0] == name]
        queued = self._subscribers[name].inbox.reaches()
        if queued is not None:
            starts.append(queued)
        return min(starts, default=self.position + 1) - 1


_TERMINAL = frozenset({ResponseSent.type, RequestAborted.type})
