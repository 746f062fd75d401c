"""How long what passes between an app and others takes, and what is lost on the way (SI-3).

All of it is drawn from a seed, each link by itself: what one carries changes nothing on another.
"""

import asyncio
import inspect
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self, TypeAlias, TypeVar

import msgspec

from eventstore import Event
from runtime.facts import EffectFailed, EffectRequested, EffectReturned

T = TypeVar("T")
Latency: TypeAlias = float | tuple[float, float] | list[float]
"""Seconds: always so many; any between two; or one of those that were recorded."""


class Link(msgspec.Struct, frozen=True):
    """What becomes of calls on their way.

    Raises:
        ValueError: a negative latency, or a probability outside of 0 to 1.
    """

    latency: Latency = 0.0
    """Of each call, there and back."""
    loss: float = 0.0
    """Probability that the call, or as often its answer, does not arrive."""
    duplication: float = 0.0
    """Probability that it arrives twice; the caller gets the first answer."""

    def __post_init__(self) -> None:
        seconds = self.latency if isinstance(self.latency, tuple | list) else [self.latency]
        if not seconds or any(not each >= 0 for each in seconds):
            msg = f"latency={self.latency!r:.80}: seconds are 0 or more."
            raise ValueError(msg)
        for name in ("loss", "duplication"):
            if not 0 <= getattr(self, name) <= 1:
                msg = f"{name}={getattr(self, name)!r}: a probability is from 0 to 1."
                raise ValueError(msg)

    @classmethod
    def recorded(cls, events: Sequence[Event], method: str) -> Self:
        """Return a link whose calls take as long as those of a module took in a log.

        Args:
            events: of requests, each whole.
            method: `pricing` or `pricing.quote`.

        Raises:
            ValueError: nothing called it.
        """
        begun: dict[tuple[object, int], int] = {}
        found: list[float] = []
        for event in events:
            data = event.data
            if isinstance(data, EffectRequested) and _is_of(event.key or "", method):
                begun[event.stream, data.n] = event.at_us
            elif isinstance(data, EffectReturned | EffectFailed):
                at_us = begun.pop((event.stream, data.n), None)
                found += [] if at_us is None else [max(0, event.at_us - at_us) / 1_000_000]
        return cls(latency=found)


class Carrier:
    """Carries calls over links.

    Args:
        links: by module, or by method such as `pricing.quote`, which goes before its module.
        seed: decides what is drawn.
        block: lets time pass while the caller waits and nothing else runs.
    """

    def __init__(
        self, links: Mapping[str, Link], seed: int, block: Callable[[float], None]
    ) -> None:
        self._links = links
        self._seed = seed
        self._block = block

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Give what is called in place of a method; it is as async as the method is."""
        link = self._links.get(name) or self._links.get(name.partition(".")[0])
        if link is None:
            return call
        way = Way(link, f"{self._seed}:{name}")
        if inspect.iscoroutinefunction(call):

            async def waits(*args: Any, **kwargs: Any) -> Any:
                return await way.carry(name, lambda: call(*args, **kwargs))

            return waits

        def gives(*args: Any, **kwargs: Any) -> Any:
            self._block(way.seconds())
            return way.fate(name).apply(lambda: call(*args, **kwargs))

        return gives


class Fate(msgspec.Struct, frozen=True):
    """What becomes of one call."""

    name: str
    times: int
    """How often it arrives."""
    is_heard: bool
    """Whether its answer arrives."""

    def apply(self, call: Callable[[], T]) -> T:
        """Make the call.

        Raises:
            ConnectionError: it was lost, or its answer was.
        """
        answers = [call() for _ in range(self.times)]
        self._refuse_lost()
        return answers[0]

    async def apply_async(self, call: Callable[[], Awaitable[T]]) -> T:
        """See `apply`."""
        answers = [await call() for _ in range(self.times)]
        self._refuse_lost()
        return answers[0]

    def _refuse_lost(self) -> None:
        if not self.is_heard:
            what = "The answer" if self.times else "The call"
            msg = f"{what} of {self.name} was lost."
            raise ConnectionError(msg)


class Way:
    """A link, and the chance that decides on it."""

    def __init__(self, link: Link, seed: str) -> None:
        self._link = link
        self._chance = random.Random(seed)  # noqa: S311 - repeatable by intent

    def seconds(self) -> float:
        """Draw how long a call takes."""
        latency = self._link.latency
        if isinstance(latency, tuple):
            low, high = latency
            return low + (high - low) * self._chance.random()
        if isinstance(latency, list):
            return latency[int(self._chance.random() * len(latency))]
        return latency

    def fate(self, name: str) -> Fate:
        """Draw what becomes of a call."""
        lost = self._chance.random() < self._link.loss
        arrives = self._chance.random() < 0.5
        twice = self._chance.random() < self._link.duplication
        times = 0 if lost and not arrives else 1 + twice
        return Fate(name, times, not lost)

    async def carry(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make an async call over the link.

        Raises:
            ConnectionError: it was lost, or its answer was.
        """
        await asyncio.sleep(self.seconds())
        return await self.fate(name).apply_async(call)


def _is_of(qualified: str, name: str) -> bool:
    return qualified == name or qualified.startswith(f"{name}.")
