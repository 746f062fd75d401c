"""Who listens to a request's own topics (LC-11).

Callbacks are called where somebody publishes, one publication after the other: what a
callback publishes is delivered when all have heard what it heard. Readers are handed theirs
through a queue of their own, so that a slow one keeps nobody waiting.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from runtime.effects.failures import failure_of
from runtime.errors import SignatureError, SubscriberOverflowError, WaitTimeoutError
from runtime.facts import Json, ListenerFailed
from runtime.lifecycle.binding import is_async
from runtime.lifecycle.record import closed
from runtime.lifecycle.run import Lease, Run

MOST_UNDELIVERED = 1_000


class Subscription:
    """A subscription to one topic of a request, from when it was made on.

    Without a callback it is read: `async for payload in lctx.subscribe("t")`. It ends with
    the request, or by `close`.
    """

    __slots__ = ("_closed", "_lost", "_queue", "_run", "_waiting", "fn", "id", "lease", "topic")

    def __init__(
        self,
        run: Run,
        lease: Lease,
        topic: str,
        fn: Callable[[Any], Any] | None,
        id: str,  # noqa: A002 - the field's name
    ) -> None:
        self._run = run
        self._queue: deque[Json] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._closed = False
        self._lost = False
        self.lease = lease
        self.topic = topic
        self.fn = fn
        self.id = id

    @property
    def is_live(self) -> bool:
        """Whether it is still told of publications."""
        return not self._closed and self.lease.open

    def close(self) -> None:
        """Be told of nothing more; a reader still gets what came before."""
        self._closed = True
        self._wake()

    def put(self, payload: Json) -> None:
        """Hand a publication to the reader, from any thread."""
        if len(self._queue) >= MOST_UNDELIVERED:
            self._lost = self._closed = True
        else:
            self._queue.append(payload)
        self._wake()

    def _wake(self) -> None:
        if threading.get_ident() == self._run.thread:
            self._done()
        elif not self._run.loop.is_closed():
            self._run.loop.call_soon_threadsafe(self._done)

    def _done(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        """Return the next payload.

        Raises:
            SubscriberOverflowError: more than 1,000 came that were not read; those are lost.
        """
        while not self._queue:
            if not self.lease.open:
                raise closed()
            if self._closed:
                raise self._over()
            self._waiting = self._run.loop.create_future()
            await self._waiting
        return self._run.surroundings.viewer.view(self._queue.popleft())

    def _over(self) -> Exception:
        if not self._lost:
            return StopAsyncIteration()
        return SubscriberOverflowError(
            f"A reader of {self.topic!r} left more than {MOST_UNDELIVERED} publications unread.",
            "Read faster, publish less, or pass a callback.",
        )


class Topics:
    """The subscriptions of one request."""

    __slots__ = ("_delivering", "_lock", "_pending", "_run", "_subscriptions")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._subscriptions: list[Subscription] = []
        self._pending: deque[tuple[Json, tuple[Subscription, ...]]] = deque()
        self._delivering = False
        self._lock = threading.Lock()

    def add(
        self, lease: Lease, topic: str, fn: Callable[[Any], Any] | None, site: str | None
    ) -> Subscription:
        """Subscribe.

        Raises:
            SignatureError: *fn* is a coroutine function: it would have to run beside others.
        """
        if fn is not None and is_async(fn):
            msg = f"The callback for {topic!r} is a coroutine function."
            raise SignatureError(msg, "Pass a plain function, or read what `subscribe` returns.")
        taken = {each.id for each in self._subscriptions}
        new = Subscription(self._run, lease, topic, fn, self._run.local_id(site, taken))
        self._subscriptions.append(new)
        return new

    def deliver(self, topic: str, payload: Json) -> None:
        """Tell who has subscribed to *topic* by now."""
        heard = tuple(s for s in self._subscriptions if s.topic == topic and s.is_live)
        if not heard:
            return
        with self._lock:
            self._pending.append((payload, heard))
            if self._delivering:
                return
            self._delivering = True
        try:
            while (publication := self._next()) is not None:
                told, subscriptions = publication
                for each in subscriptions:
                    self._tell(each, told)
        finally:
            self._delivering = False

    def _next(self) -> tuple[Json, tuple[Subscription, ...]] | None:
        with self._lock:
            if self._pending:
                return self._pending.popleft()
            self._delivering = False
            return None

    def _tell(self, subscription: Subscription, payload: Json) -> None:
        if not subscription.is_live:
            return
        if subscription.fn is None:
            subscription.put(payload)
            return
        try:
            subscription.fn(self._run.surroundings.viewer.view(payload))
        except Exception as error:  # noqa: BLE001 - whoever publishes is not to blame
            if subscription.lease.open:
                fact = ListenerFailed("topic", failure_of(error, self._run.surroundings.sites))
                self._run.record.add(fact, subscription.id)

    def close(self) -> None:
        """End all subscriptions: the request is over."""
        for each in self._subscriptions:
            each.close()


def topics_of(run: Run) -> Topics:
    """Return the topics of *run*, which has none before it is asked for them."""
    topics = run.topics
    if not isinstance(topics, Topics):
        topics = run.topics = Topics(run)
    return topics


async def first(subscription: Subscription, seconds: float) -> Any:
    """Return the first publication that comes within *seconds*, and end the subscription.

    Raises:
        WaitTimeoutError: none came.
    """
    try:
        async with asyncio.timeout(seconds):
            return await anext(subscription)
    except TimeoutError:
        raise WaitTimeoutError(subscription.topic, seconds) from None
    finally:
        subscription.close()
