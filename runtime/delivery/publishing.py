"""Publishes outside of requests: a commit of its own, at once (QF-2, QF-12)."""

import asyncio
from collections.abc import Mapping, Sequence

from eventstore import Clock, Ids, StreamId
from runtime.delivery.desk import Places
from runtime.delivery.journal import Journal
from runtime.delivery.replies import Replies
from runtime.errors import ResultTimeoutError
from runtime.facts import Json
from runtime.queue import Asked, Options, Topic, find_topic, publications
from runtime.queue_facts import MessagePublished


class Press:
    """Publishes for an app, on its event loop.

    Args:
        topics: by name.
        journal: takes what is published.
        replies: finds results.
        clock: gives the time of ids.
        ids: names the streams of what is published.
    """

    def __init__(
        self,
        topics: Mapping[str, Topic],
        journal: Journal,
        replies: Replies,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._topics = topics
        self._journal = journal
        self._replies = replies
        self._clock = clock
        self._ids = ids
        self.desk: Places
        """Where places are asked for; to be set before anything is published."""

    async def publish_all(
        self, topic: str, payloads: Sequence[object], options: Options
    ) -> tuple[str, ...]:
        """Publish messages in one commit, all or none; return their ids.

        Raises:
            UnknownTopicError, MessageTypeError, QueueFullError: as for `gctx.publish`.
            EventStoreError: the log refused it.
        """
        declared = find_topic(self._topics, topic)
        raws = [declared.encode(each) for each in payloads]
        stream, facts = self._new_stream(), publications(declared, raws, options)
        if facts:
            await self._publish(stream, declared, [len(raw) for raw in raws], facts)
        name = stream.hex
        return tuple([f"{name}@{n}" for n in range(1, len(facts) + 1)])

    async def ask(self, asked: Asked) -> Json:
        """Publish a message, and return what the first subscriber answers.

        Raises:
            ResultTimeoutError: nobody answered in time.
            QueueFullError: there is no room.
            EventStoreError: the log refused it.
        """
        stream, topic = self._new_stream(), asked.offer.topic
        try:
            async with (
                asyncio.timeout(asked.timeout_s) as limit,
                self._replies.expected(f"{stream.hex}@1") as result,
            ):
                await self._publish(stream, topic, [asked.offer.size], [asked.fact])
                return await result
        except TimeoutError:
            if not limit.expired():
                raise
            raise ResultTimeoutError(topic.name, asked.timeout_s) from None

    def _new_stream(self) -> StreamId:
        return StreamId(self._ids.uuid7(self._clock()))

    async def _publish(
        self, stream: StreamId, topic: Topic, sizes: Sequence[int],
        facts: Sequence[MessagePublished],
    ) -> None:  # fmt: skip
        try:
            await self.desk.offer_all(stream, topic, sizes)
            await self._journal.publish(stream, facts, topic.name).durable()
        except BaseException:
            self.desk.ended(stream, well=False, kept=False)
            raise
        self.desk.ended(stream, well=True, kept=True)
