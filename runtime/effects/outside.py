"""The port to the outside: what a handler reaches through its contexts.

The controller writes down what was asked and answered; behind the port is either the
world (`Live`) or the record of an earlier run (`runtime.replay`).
"""

import asyncio
from typing import Any, Protocol

from eventstore import Clock, StreamId
from runtime.effects.tripwire import PERFORMING
from runtime.effects.workers import Workers
from runtime.errors import ResultTimeoutError, RPCError
from runtime.facts import Json
from runtime.modules.registry import Method
from runtime.queue import Asked, Offer
from runtime.secrets import Environment, Readings, SecretCache, Wish


class Desk(Protocol):
    """Takes what requests publish on topics of the app."""

    async def offer(self, stream: StreamId, offer: Offer) -> None:
        """Keep a place for a message until *stream* has ended.

        Raises:
            QueueFullError: there is no room, and none came in time.
            RequestStoppedError: the app stops.
        """
        ...

    async def ask(self, asked: Asked) -> Json:
        """Publish a message at once, and return the first answer of a subscriber.

        Raises:
            ResultTimeoutError: there was none in time.
            QueueFullError: there is no room, and none came in time.
            RequestStoppedError: the app stops.
        """
        ...

    def ended(self, stream: StreamId, *, well: bool, kept: bool) -> None:
        """Hear that *stream*, which published something, has ended.

        Args:
            stream: of a request.
            well: whether what it published is delivered.
            kept: whether the log has it.
        """
        ...


class Outside(Protocol):
    """Answers effects. *n* is the effect's number in its stream, from 1."""

    def now_us(self, n: int) -> int:
        """Return the time in µs since 1970, UTC."""
        ...

    async def sleep(self, n: int, seconds: float) -> None:
        """Return after *seconds*."""
        ...

    async def call(
        self, n: int, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Return what *method* answers, or raise what it raises."""
        ...

    async def secrets(self, n: int, wish: Wish) -> Readings:
        """Return those of the secrets asked for that are there."""
        ...

    async def publish(self, n: int, stream: StreamId, offer: Offer) -> None:
        """Return once there is room for a message; see `Desk.offer`."""
        ...

    async def ask(self, n: int, asked: Asked) -> Any:
        """Return what a subscriber answers; see `Desk.ask`."""
        ...


class Live:
    """Does it.

    Args:
        clock: the real one, or a test's.
        workers: where methods that are not coroutines run. Not those of handlers: a
            handler in a thread that waits for one more thread could wait for ever.
        secrets: where secrets come from; None: the environment.
        desk: takes messages; None: nobody subscribes to any.
    """

    __slots__ = ("_clock", "_desk", "_secrets", "_workers")

    def __init__(
        self,
        clock: Clock,
        workers: Workers,
        secrets: SecretCache | None = None,
        desk: Desk | None = None,
    ) -> None:
        self._clock = clock
        self._desk = desk
        self._workers = workers
        self._secrets = secrets or SecretCache([Environment()])

    def now_us(self, n: int) -> int:
        """Read the clock."""
        return self._clock()

    async def sleep(self, n: int, seconds: float) -> None:
        """Wait on the event loop."""
        await asyncio.sleep(seconds)

    async def call(
        self,
        n: int,
        method: Method,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Call the method, in a thread if it is not a coroutine function."""
        performing = PERFORMING.set(True)
        try:
            if method.host is not None:
                return await method.host.call(method, args, kwargs)
            if method.is_async:
                return await method.call(*args, **kwargs)
            return await self._workers.run(lambda: method.call(*args, **kwargs))
        except asyncio.CancelledError as error:
            raise _own_cancellation(method, error) from error.__cause__
        finally:
            PERFORMING.reset(performing)

    async def secrets(self, n: int, wish: Wish) -> Readings:
        """Read them from the cache, or ask the providers."""
        performing = PERFORMING.set(True)
        try:
            return await self._secrets.fulfil(wish, self._clock())
        finally:
            PERFORMING.reset(performing)

    async def publish(self, n: int, stream: StreamId, offer: Offer) -> None:
        """Ask the desk."""
        if self._desk is not None:
            await self._desk.offer(stream, offer)

    async def ask(self, n: int, asked: Asked) -> Any:
        """Ask the desk; where nobody subscribes, nobody answers."""
        if self._desk is not None:
            return await self._desk.ask(asked)
        await asyncio.sleep(asked.timeout_s)
        raise ResultTimeoutError(asked.offer.topic.name, asked.timeout_s)


def _own_cancellation(method: Method, error: asyncio.CancelledError) -> BaseException:
    """Return what a cancellation that came out of *method* means for who called it.

    If nobody cancelled the call, something that the method waited for was. To who called that
    would look as if its own task were cancelled, and end in silence.
    """
    task = asyncio.current_task()
    if task is None or task.cancelling():
        return error
    own = RPCError(
        f"{method.qualified} waited for something that was cancelled.",
        "Let it catch asyncio.CancelledError where it cancels tasks of its own.",
    )
    own.method = method.qualified
    return own
