"""Brings messages to subscribers: folds the log, claims, runs, and never polls (QF-14).

What happened is in the log and nowhere else. This reads it, asks the inboxes what comes
next, writes the claims, and lets the controller run the deliveries; what they came to is
read from the log again. A commit of this process wakes it; what other processes write, such
as `timescape queue retry`, it sees within 250 ms.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from http import HTTPStatus

import msgspec

from eventstore import Clock, EventStoreError, Ids, Store, StreamId, Ticket
from runtime.delivery.desk import Places
from runtime.delivery.handing import Claim, Handful, handfuls, received_for
from runtime.delivery.journal import Journal, Keyed
from runtime.delivery.leftovers import MOST, IsGone, bury, gone_by, heads_of, take_back
from runtime.delivery.publishing import Press
from runtime.delivery.reading import Tail, standings
from runtime.delivery.replies import Replies
from runtime.effects import Workers
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.handlers import HandlerVersion
from runtime.queue import (
    Counts,
    Inbox,
    Letter,
    Message,
    Options,
    QueueFold,
    Room,
    Subscriber,
    Topic,
    find_topic,
)
from runtime.queue_facts import (
    MessageClaimed,
    MessageExpired,
    SubscriptionAdvanced,
    SubscriptionOpened,
)

LOOK_S = 0.25
DRAIN_S = 1.0
"""What deliveries have to end when the app stops."""
CLAIMED = 256
"""Messages in a fact of claims, at most."""
ADVANCE_EVERY = 1_000
"""Messages settled before a subscriber writes down how far it is."""
_log = logging.getLogger("timescape")


class Fabric:
    """The queues of one app, on its event loop.

    Args:
        store: the log.
        topics: by name.
        subscribers: by name.
        clock: gives all times.
        ids: gives the ids of deliveries.
    """

    def __init__(
        self,
        store: Store,
        topics: Mapping[str, Topic],
        subscribers: Mapping[str, Subscriber],
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._store = store
        self._topics = topics
        self._subscribers = subscribers
        self._clock = clock
        self._ids = ids
        self._fold = QueueFold()
        self.room = Room(self._fold, topics, subscribers)
        """How full topics and subscribers are."""
        self._journal = Journal(store, clock)
        self._woken = asyncio.Event()
        self._reader = Workers("timescape-queue", 1)
        self._replies = Replies(store, self._reader)
        self._press = Press(topics, self._journal, self._replies, clock, ids)
        self.desk = Places(self._fold, self.room, self.wake, self._displace, self._press.ask)
        self._press.desk = self.desk
        self._tail: Tail | None = None
        self._pump: asyncio.Task[None] | None = None
        self._running: Counter[str] = Counter()
        self._deliveries: set[asyncio.Task[None]] = set()
        self._advanced: dict[str, int] = {}
        self._controller: Controller | None = None
        self._versions: Mapping[str, HandlerVersion] = {}
        self._stopping = False
        self._node = "" if store.nodes is None else store.nodes.me
        self._gone: list[tuple[frozenset[str], asyncio.Future[None]]] = []
        """Nodes whose claims are to be taken back, and who waits for it."""
        self.also_wake: Callable[[], None] | None = None
        """Called whenever something may have become deliverable."""

    # --- life ---

    async def begin(self, controller: Controller, versions: Mapping[str, HandlerVersion]) -> None:
        """Catch up with the log, and deliver from now on.

        Args:
            controller: runs deliveries.
            versions: what runs, by subscriber.

        Raises:
            EventStoreError: the log cannot be read or written.
        """
        self._journal.scrubber = controller.surroundings.gctx.secrets.cache.scrubber
        if not self._subscribers:
            return
        self._controller, self._versions = controller, versions
        is_gone = await self._reader.run(lambda: gone_by(self._store.nodes))
        await self._reader.run(self._open)
        while not await self._take_back(is_gone):
            await self._read()
        self._pump = asyncio.create_task(self._run())

    def _open(self) -> None:
        """Open the subscriptions that are new, and fold from where the others are."""
        known = standings(self._store, self._subscribers)
        live_from = self._store.end()
        for name, declared in self._subscribers.items():
            standing = known.get(name)
            if standing is None or standing.topic != declared.topic or not standing.is_open:
                opened = SubscriptionOpened(declared.topic)
                self._journal.tell(name, [(opened, name)]).result()
                standing = standings(self._store, {name: declared})[name]
            known[name] = standing
            inbox = self._fold.add(name, standing, declared.lane_of, live_from=live_from)
            self._advanced[name] = _settled(inbox.counts)
        after = min((each.after for each in known.values()), default=live_from)
        self._tail = Tail(self._store, self._fold, after)
        self._tail.catch_up()

    def _take_back(self, is_gone: IsGone) -> Awaitable[bool]:
        return take_back(self._fold, self._journal, self._subscribers, is_gone, self._attempts)

    async def end_of(self, nodes: Collection[str]) -> None:
        """Let be tried again what gone *nodes* had claimed; returns when that is written."""
        if self._pump is None or self._stopping:
            return
        done = asyncio.get_running_loop().create_future()
        self._gone.append((frozenset(nodes), done))
        self.wake()
        await done

    async def stop(self) -> None:
        """Take no more messages; those in work have 1 s, then are stopped. Durable ones stay."""
        self._stopping = True
        self.desk.close()
        if self._pump is not None:
            self.wake()
            await self._pump
        if self._deliveries:
            await asyncio.wait(self._deliveries, timeout=DRAIN_S)
        for delivery in self._deliveries:
            delivery.cancel()
        if self._deliveries:
            await asyncio.wait(self._deliveries)
        await self._replies.stop()
        if self._tail is not None:
            await self._reader.run(self._catch_up_and_advance)
        self._reader.close()

    def _catch_up_and_advance(self) -> None:
        assert self._tail is not None  # noqa: S101 - there is one once it began
        try:
            self._tail.catch_up()
            for name in self._subscribers:
                ticket = self._advance(name)
                if ticket is not None:
                    ticket.result()
        except EventStoreError as error:
            # The log may be why we stop; what is not written down is read again.
            _log.warning("queues not closed: code=%s", error.code)

    # --- publishing outside of requests ---

    async def publish(self, topic: str, payload: object, options: Options) -> str:
        """Publish a message at once, in a commit of its own; return its id.

        Raises:
            UnknownTopicError, MessageTypeError, QueueFullError: as for `gctx.publish`.
            EventStoreError: the log refused it.
        """
        (id_,) = await self._press.publish_all(topic, [payload], options)
        return id_

    async def publish_all(
        self, topic: str, payloads: Sequence[object], options: Options
    ) -> tuple[str, ...]:
        """Publish messages in one commit, all or none; see `publish`."""
        return await self._press.publish_all(topic, payloads, options)

    def scale(self, topic: str, share: float) -> None:
        """Let *topic* have *share*, 0 to 1, of the room it was declared with.

        Raises:
            UnknownTopicError: there is none.
            ValueError: it is no share.
        """
        self.room.scale(find_topic(self._topics, topic).name, share)
        self.wake()

    def has_subscribers(self, topic: str) -> bool:
        """Say whether somebody here gets messages of *topic*."""
        return bool(self._fold.subscribers_of(topic))

    @property
    def inboxes(self) -> Mapping[str, Inbox]:
        """What subscribers have before them, by name. To be read only."""
        return self._fold.inboxes

    # --- the pump ---

    def wake(self) -> None:
        """Look at the log again, soon."""
        self._woken.set()
        self._replies.wake()
        if self.also_wake is not None:
            self.also_wake()

    async def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                await self._read()
                await self._settle_for_others()
                await self._hand_out()
            except EventStoreError as error:
                _log.error("queues wait for the log: code=%s", error.code)
            await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._pause_s()):
                await self._woken.wait()
        except TimeoutError:
            return

    def _pause_s(self) -> float:
        due = [us for each in self._fold.inboxes.values() if (us := each.due_us()) is not None]
        if not due:
            return LOOK_S
        return min(LOOK_S, max(0.0, (min(due) - self._clock()) / 1_000_000))

    async def _read(self) -> None:
        assert self._tail is not None  # noqa: S101 - there is one once it began
        while (page := await self._reader.run(self._tail.look)) is not None:
            self._tail.go_on(page)
            self.desk.caught_up()

    async def _settle_for_others(self) -> None:
        """Write down what is to be, whoever it happened to; each once, by whoever is first."""
        while self._fold.letters:
            letters = list(self._fold.letters.values())[:MOST]
            heads = await self._reader.run(partial(heads_of, self._store, letters))
            await self._read()  # what was buried before is known to be
            left = [each for each in letters if (each.subscriber, each.id) in self._fold.letters]
            await bury(self._journal, left, heads)
            await self._read()
        while self._gone:
            nodes, done = self._gone[0]
            if await self._take_back(nodes.__contains__):
                self._gone.pop(0)
                done.set_result(None)
            await self._read()

    async def _hand_out(self) -> None:
        """Claim what subscribers can take now, all of them at once, then begin with it."""
        claims = [claim for name in self._subscribers if (claim := self._claim(name))]
        for claim in claims:
            await self._begin(claim)
        for name in self._subscribers:
            inbox = self._fold.inboxes[name]
            # Finding out looks at each that is queued: not before as many were settled.
            if _settled(inbox.counts) - self._advanced[name] >= max(ADVANCE_EVERY, len(inbox)):
                self._advance(name)

    def _claim(self, name: str) -> Claim | None:
        inbox, of = self._fold.inboxes[name], self._subscribers[name]
        free = of.concurrency - self._running[name]
        taken = inbox.take(self._clock(), free * of.batch)
        if not taken.chosen and not taken.expired:
            return None
        chosen = [(each, inbox.queued[each.id].attempts + 1) for each in taken.chosen]
        given = handfuls(chosen, of.batch, self._attempts)
        for each in given[free:]:  # alone they are more than it works on at a time
            for message in each.messages:
                inbox.put_back(message.id)
        claim = Claim(name, given[:free], taken.expired)
        facts = self._facts_of(claim)
        if facts:
            try:
                claim.ticket = self._journal.tell(name, facts, self._fold.revision(name))
            except EventStoreError as error:
                self._give_back(claim, error)
                return None
        return claim

    def _facts_of(self, claim: Claim) -> list[Keyed]:
        name, facts = claim.subscriber, list[Keyed]()
        for at in range(0, len(claim.expired), CLAIMED):
            ids = tuple(each.id for each in claim.expired[at : at + CLAIMED])
            facts.append((MessageExpired(ids), name))
        # With other nodes all that is taken: they see it lie there, too.
        told = [
            (message.id, each.attempt)
            for each in claim.chosen
            for message in each.messages
            if message.durable or self._node
        ]
        for at in range(0, len(told), CLAIMED):
            facts.append((MessageClaimed(tuple(told[at : at + CLAIMED]), self._node), name))
        return facts

    async def _begin(self, claim: Claim) -> None:
        try:
            if claim.ticket is not None:
                told = await claim.ticket.durable()
                self._fold.wrote(claim.subscriber, told.last)
        except EventStoreError as error:
            self._give_back(claim, error)
            return
        inbox = self._fold.inboxes[claim.subscriber]
        for each in claim.chosen:
            for message in each.messages:
                inbox.claim(message.id, each.attempt, self._node)
            self._running[claim.subscriber] += 1
            task = asyncio.create_task(self._deliver(claim.subscriber, each))
            self._deliveries.add(task)
            task.add_done_callback(self._deliveries.discard)
        if claim.expired:
            self.wake()  # they are settled once this is read

    def _give_back(self, claim: Claim, error: EventStoreError) -> None:
        """Let messages be claimed again: the log did not take it that they were."""
        for message in claim.messages:
            self._fold.inboxes[claim.subscriber].put_back(message.id)
        if error.code == "wrong-revision":
            # Somebody else wrote to the subscriber's stream: look what, and decide again.
            self.wake()
        else:
            _log.error("claim not written: subscriber=%s code=%s", claim.subscriber, error.code)

    async def _deliver(self, name: str, handful: Handful) -> None:
        assert self._controller is not None  # noqa: S101 - there is one once it began
        now_us = self._clock()
        stream = StreamId(self._ids.uuid7(now_us))
        received = received_for(
            handful, name, is_list=self._subscribers[name].batch > 1,
            attempts=self._attempts(handful.messages[0]), stream=stream, now_us=now_us,
            ratio=self._controller.surroundings.sampling.ratio,
        )  # fmt: skip
        try:
            answer = await self._controller.run(received, self._versions[name])
            if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and not await self._is_kept(stream):
                for message in handful.messages:
                    self._fold.inboxes[name].put_back(message.id)
        finally:
            self._running[name] -= 1
            self.wake()

    async def _is_kept(self, stream: StreamId) -> bool:
        """Say whether the log knows how a delivery ended."""
        try:
            head = await self._reader.run(lambda: self._store.head(stream))
        except EventStoreError:
            return False
        return bool(head.closed)

    def _attempts(self, message: Message) -> int:
        topic = self._topics.get(message.topic)
        return 3 if topic is None else topic.attempts

    def _displace(self, subscriber: str, message: Message) -> None:
        attempts = self._fold.inboxes[subscriber].queued[message.id].attempts
        self._fold.inboxes[subscriber].settle(message.id, "dead")
        letter = Letter(message.id, message.topic, subscriber, attempts, "displaced")
        self._journal.bury(letter)

    def _advance(self, name: str) -> Ticket | None:
        """Write down how far a subscriber is, if that is farther than before."""
        inbox = self._fold.inboxes[name]
        position = self._fold.reaches(name)
        settled = _settled(inbox.counts)
        if settled == self._advanced[name]:
            return None
        self._advanced[name] = settled
        counts = inbox.counts_up_to(position)
        fact = SubscriptionAdvanced(position, *msgspec.structs.astuple(counts))
        return self._journal.tell(name, [(fact, name)])


def _settled(counts: Counts) -> int:
    return counts.acknowledged + counts.expired + counts.dead
