"""P29: a secret is served from cache within its time, then fetched once; and none leaves."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.errors import SecretsConfigError, SecretUnavailableError
from runtime.secrets import Environment, Found, SecretCache, in_order
from runtime.secrets.cache import MAX_ENTRIES
from runtime.secrets.wishes import wish
from runtime.testing import run_virtual

START_US = 1_790_000_000_000_000
DOWN = "down"


class Vault:
    """A provider whose secret changes, goes and cannot be reached, as it is told."""

    name = "vault"

    def __init__(self, has: str | None = None) -> None:
        self.has = has
        self.calls = 0

    async def get(self, name: str) -> Found | None:
        self.calls += 1
        said = self.has
        await asyncio.sleep(1)
        if said == DOWN:
            raise OSError
        return None if said is None else Found(said)


@dataclass
class Read:
    """Readers come at one time."""

    after_s: float
    has: str | None
    readers: int = 1
    ttl_s: float = 300.0
    refresh: bool = False


@dataclass
class Model:
    """What the cache should do, said as plainly as may be."""

    value: str | None = None
    fetched_s: float | None = None
    missed_s: float | None = None
    calls: int = 0
    said: list[Any] = field(default_factory=list)

    def read(self, now_s: float, how: Read) -> tuple[str, bool, bool] | str | None:
        """Give value, cached, stale; `down` if nobody knows; None if there is none."""
        ttl_s = min(max(how.ttl_s, 60), 900)
        age_s = None if self.fetched_s is None else now_s - self.fetched_s
        if not how.refresh:
            if age_s is not None and 0 <= age_s <= ttl_s:
                return str(self.value), True, False
            if self.missed_s is not None and 0 <= now_s - self.missed_s <= 5:
                return None
        self.calls += 1
        if how.has == DOWN:
            usable = age_s is not None and 0 <= age_s <= 900
            return (str(self.value), True, True) if usable else DOWN
        self.missed_s = now_s if how.has is None else None
        self.value, self.fetched_s = how.has, None if how.has is None else now_s
        return None if how.has is None else (how.has, False, False)


reads = st.builds(
    Read,
    st.sampled_from([0.0, 1.0, 5.0, 6.0, 60.0, 61.0, 299.0, 301.0, 900.0, 901.0, -30.0]),
    st.sampled_from([None, DOWN, "first-value", "second-value", ""]),
    st.integers(1, 4),
    st.sampled_from([0.0, 60.0, 300.0, 900.0, 5_000.0]),
    st.booleans(),
)


@pytest.mark.proves("P29", "SE-2", "SE-3")
@given(st.lists(reads, max_size=8))
def test_p29_providers_are_asked_as_the_model_says(plan: list[Read]) -> None:
    """Seen to fail with a call of the provider for each of many readers at once."""
    vault, model = Vault(), Model()
    cache = SecretCache([vault])
    now_s = 0.0

    async def one(how: Read) -> Any:
        asked = wish(("token",), ttl_s=how.ttl_s, refresh=how.refresh)
        try:
            found = await cache.fulfil(asked, START_US + round(now_s * 1_000_000))
        except SecretUnavailableError:
            return DOWN
        reading = found.get("token")
        return reading and (reading.value, reading.cached, reading.stale)

    async def scenario() -> None:
        nonlocal now_s
        for how in plan:
            now_s += how.after_s
            vault.has = how.has
            expected = model.read(now_s, how)
            results = await asyncio.gather(*[one(how) for _ in range(how.readers)])
            event(f"answered: {type(expected).__name__}, readers: {how.readers > 1}")
            assert results == [expected] * how.readers
            assert vault.calls == model.calls

    run_virtual(scenario())


async def _read(cache: SecretCache, *names: str, **how: Any) -> Any:
    what = "many" if len(names) > 1 else "one"
    return await cache.fulfil(wish(names, what=what, **how), START_US)


@pytest.mark.proves("SE-1")
def test_the_first_that_has_it_answers_and_one_out_of_reach_is_passed_by() -> None:
    class Stuck:
        async def get(self, name: str) -> Found | None:
            await asyncio.sleep(3_600)
            return None

    async def scenario() -> None:
        first, second = Vault(), Vault("in-the-second")
        found = await _read(SecretCache([first, Stuck(), second]), "token")
        assert (found["token"].value, found["token"].provider) == ("in-the-second", "vault")
        assert asyncio.get_running_loop().time() < 10
        with pytest.raises(SecretUnavailableError, match="no secret 'token'"):
            await _read(SecretCache([Vault(DOWN), Vault()]), "token")
        assert await _read(SecretCache([Vault(), Vault()]), "token") == {}

    run_virtual(scenario())
    with pytest.raises(SecretsConfigError):
        in_order([])
    assert len(in_order(Environment())) == 1


@pytest.mark.proves("SE-5")
def test_many_are_all_or_one_error_that_names_every_missing_one() -> None:
    class Some:
        async def get(self, name: str) -> Found | None:
            if name == "lost":
                raise OSError
            return Found(f"value-of-{name}") if name in {"a", "b"} else None

    async def scenario() -> None:
        cache = SecretCache([Some()])
        assert list(await _read(cache, "a", "b")) == ["a", "b"]
        with pytest.raises(SecretUnavailableError, match="no secrets 'none', 'lost'"):
            await _read(cache, "none", "a", "lost")
        assert list(await _read(cache, "none", "a", "lost", partial=True)) == ["a"]

    run_virtual(scenario())


@pytest.mark.proves("P29", "SE-3")
def test_a_reader_that_leaves_and_one_that_invalidates_spoil_nothing_for_others() -> None:
    async def scenario() -> None:
        vault = Vault("first-value")
        cache = SecretCache([vault])
        leaves = asyncio.create_task(_read(cache, "token"))
        stays = asyncio.create_task(_read(cache, "token"))
        await asyncio.sleep(0.5)
        leaves.cancel()
        cache.invalidate("token")
        vault.has = "second-value"
        late = await _read(cache, "token")
        assert (await stays)["token"].value == "first-value"
        assert late["token"].value == "second-value"
        assert (await _read(cache, "token"))["token"].value == "second-value"
        assert vault.calls == 2
        cache.clear()
        assert cache.counts.size == 0

    run_virtual(scenario())


@pytest.mark.proves("SE-3")
def test_the_cache_is_bounded_and_counts() -> None:
    class Everything:
        async def get(self, name: str) -> Found | None:
            return Found("v")

    async def scenario() -> None:
        cache = SecretCache([Everything()])
        names = [f"n{i}" for i in range(MAX_ENTRIES + 1)]
        await _read(cache, *names)
        await _read(cache, names[-1])
        counts = cache.counts
        assert (counts.size, counts.hits, counts.evictions) == (MAX_ENTRIES, 1, 1)
        assert counts.misses == MAX_ENTRIES + 1

    run_virtual(scenario())
