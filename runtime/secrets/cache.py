"""Keeps secrets for a while, so that a provider is asked once for many readers (SE-2, SE-3).

One cache belongs to one event loop. Times are the caller's, in µs since 1970: a clock that
was set back makes what is kept look as if it came from the future, and it is fetched anew.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

import msgspec

from runtime.errors import SecretUnavailableError
from runtime.secrets.provider import Fetched, Provider, ask, unavailable
from runtime.secrets.scrubber import Scrubber
from runtime.secrets.wishes import Reading, Readings, Wish

MAX_ENTRIES = 1_000
STALE_S = 900.0
"""How long a secret is used while its providers are out of reach, since it was fetched."""
MISS_S = 5.0
"""How long it is remembered that there is none."""


class Counts(msgspec.Struct, frozen=True):
    """What a cache did so far."""

    size: int
    hits: int
    misses: int
    evictions: int


class Kept(msgspec.Struct, frozen=True):
    """A secret in the cache."""

    fetched: Fetched
    at_us: int
    """When its provider was asked."""

    def is_within(self, seconds: float, now_us: int) -> bool:
        """Say whether it is at most that old."""
        return 0 <= now_us - self.at_us <= seconds * 1_000_000

    def reading(self, *, cached: bool, stale: bool = False) -> Reading:
        """Return it as it is read now."""
        found = self.fetched.found
        return Reading(found.value, found.version, self.fetched.provider, cached, stale)


class SecretCache:
    """Reads secrets, from memory while they are young enough.

    Args:
        providers: asked in this order.
        scrubber: told every value, before anybody gets it.
    """

    def __init__(self, providers: Sequence[Provider], scrubber: Scrubber | None = None) -> None:
        self.providers = tuple(providers)
        self.scrubber = scrubber or Scrubber()
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._missing: dict[str, int] = {}
        self._flights: dict[str, asyncio.Task[Fetched | None]] = {}
        self._hits = self._misses = self._evictions = 0

    @property
    def counts(self) -> Counts:
        """How it did."""
        return Counts(len(self._kept), self._hits, self._misses, self._evictions)

    def invalidate(self, name: str) -> None:
        """Forget one secret; who reads it next asks its provider."""
        self._kept.pop(name, None)
        self._missing.pop(name, None)
        # What is on its way was asked for before: its waiters get it, and nobody else.
        self._flights.pop(name, None)

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._missing.clear()
        self._flights.clear()

    async def fulfil(self, wish: Wish, now_us: int) -> Readings:
        """Return those of the secrets asked for that are there.

        Raises:
            SecretUnavailableError: providers were out of reach, so that nobody knows; names
                all that is missing, unless those that are there will do.
        """
        if wish.what == "whether":
            return await self._whether(wish.names[0], now_us)
        reads = [self._read(name, wish, now_us) for name in wish.names]
        results = await asyncio.gather(*reads, return_exceptions=True)
        by_name = dict(zip(wish.names, results, strict=True))
        unknown = False
        for result in results:
            if isinstance(result, BaseException):
                if not isinstance(result, SecretUnavailableError):
                    raise result
                unknown = True
        found = {name: each for name, each in by_name.items() if isinstance(each, Reading)}
        if unknown and not wish.partial:
            raise unavailable([name for name in by_name if name not in found])
        return found

    async def _whether(self, name: str, now_us: int) -> Readings:
        """Look whether there is one; its value is let go at once."""
        kept = self._kept.get(name)
        if kept is not None and kept.is_within(STALE_S, now_us):
            return {name: Reading("")}
        fetched = await ask(self.providers, name)
        return {} if fetched is None else {name: Reading("")}

    async def _read(self, name: str, wish: Wish, now_us: int) -> Reading | None:
        kept = self._kept.get(name)
        if not wish.refresh:
            if kept is not None and kept.is_within(wish.ttl_s, now_us):
                self._hits += 1
                self._kept.move_to_end(name)
                return kept.reading(cached=True)
            missed_us = self._missing.get(name)
            if missed_us is not None and 0 <= now_us - missed_us <= MISS_S * 1_000_000:
                self._hits += 1
                return None
        self._misses += 1
        try:
            fetched = await self._fetch(name, now_us)
        except SecretUnavailableError:
            if kept is None or not kept.is_within(STALE_S, now_us):
                raise
            return kept.reading(cached=True, stale=True)
        return None if fetched is None else Kept(fetched, now_us).reading(cached=False)

    async def _fetch(self, name: str, now_us: int) -> Fetched | None:
        """Ask the providers, or wait for who does already."""
        flight = self._flights.get(name)
        if flight is None:
            flight = asyncio.get_running_loop().create_task(ask(self.providers, name))
            self._flights[name] = flight
            # Before the waiters wake: who reads next finds it in the cache.
            flight.add_done_callback(partial(self._landed, name, now_us))
        # A reader whose time is over leaves the others theirs.
        return await asyncio.shield(flight)

    def _landed(self, name: str, asked_us: int, flight: "asyncio.Task[Fetched | None]") -> None:
        failed = flight.cancelled() or flight.exception() is not None
        fetched = None if failed else flight.result()
        if fetched is not None:
            self.scrubber.learn(name, fetched.found.value)
        if self._flights.get(name) is not flight:
            return
        del self._flights[name]
        if not failed:
            self._keep(name, fetched, asked_us)

    def _keep(self, name: str, fetched: Fetched | None, asked_us: int) -> None:
        if fetched is None:
            self._kept.pop(name, None)
            if len(self._missing) >= MAX_ENTRIES:
                self._missing.clear()
            self._missing[name] = asked_us
            return
        self._missing.pop(name, None)
        self._kept[name] = Kept(fetched, asked_us)
        self._kept.move_to_end(name)
        if len(self._kept) > MAX_ENTRIES:
            self._kept.popitem(last=False)
            self._evictions += 1
