"""The port to the outside: what a handler reaches through its contexts.

The controller writes down what was asked and answered; behind the port is either the
world (`Live`) or the record of an earlier run (`runtime.replay`).
"""

import asyncio
from typing import Any, Protocol

from eventstore import Clock
from runtime.effects.tripwire import PERFORMING
from runtime.effects.workers import Workers
from runtime.modules.registry import Method
from runtime.secrets import Environment, Readings, SecretCache, Wish


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


class Live:
    """Does it.

    Args:
        clock: the real one, or a test's.
        workers: where methods that are not coroutines run. Not those of handlers: a
            handler in a thread that waits for one more thread could wait for ever.
        secrets: where secrets come from; None: the environment.
    """

    __slots__ = ("_clock", "_secrets", "_workers")

    def __init__(self, clock: Clock, workers: Workers, secrets: SecretCache | None = None) -> None:
        self._clock = clock
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
            if method.is_async:
                return await method.call(*args, **kwargs)
            return await self._workers.run(lambda: method.call(*args, **kwargs))
        finally:
            PERFORMING.reset(performing)

    async def secrets(self, n: int, wish: Wish) -> Readings:
        """Read them from the cache, or ask the providers."""
        performing = PERFORMING.set(True)
        try:
            return await self._secrets.fulfil(wish, self._clock())
        finally:
            PERFORMING.reset(performing)
