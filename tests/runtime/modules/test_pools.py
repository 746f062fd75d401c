"""How many processes a module has: as many as it needs, and no fewer than it wants."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import App, GlobalContext, Module
from runtime.errors import ModuleManifestError
from runtime.isolation.pool import Pool
from runtime.manifests.module import Resources, module_from_json, module_to_json
from runtime.module_facts import ModuleResized
from runtime.testing import run_virtual
from tests.faces.asgi import ask, memory_store
from tests.runtime.modules.few import few


class Child:
    """Stands for a process."""

    def __init__(self) -> None:
        self.load = 0
        self.closing = False
        self.ending = None


class Made:
    """A pool of such, and when each came and went."""

    def __init__(self, **resources: Any) -> None:
        self.resources = Resources(**resources)
        self.resized: list[tuple[int, int, str]] = []
        self.pool = Pool(
            self.resources, self._grow, self._shrink, lambda *told: self.resized.append(told)
        )
        self.told: list[tuple[float, int]] = []

    async def _grow(self) -> None:
        self.pool.put(Child())  # type: ignore[arg-type]
        self._tell()

    async def _shrink(self, child: Any) -> None:
        assert child.closing
        assert child.load == 0
        self._tell()

    def _tell(self) -> None:
        self.told.append((asyncio.get_running_loop().time(), len(self.pool.children)))

    async def begin(self) -> None:
        for _ in range(self.resources.min_workers):
            self.pool.put(Child())  # type: ignore[arg-type]


def on(made: Made, work: Callable[[], Awaitable[None]]) -> list[tuple[float, int]]:
    """Give when its size changed, in seconds since it began."""

    async def scenario() -> list[tuple[float, int]]:
        began = asyncio.get_running_loop().time()
        await made.begin()
        await work()
        await made.pool.close()
        return [(round(at_s - began, 6), size) for at_s, size in made.told]

    return run_virtual(scenario())


@pytest.mark.proves("AD-3")
def test_a_pool_grows_when_it_is_busy_for_long_and_shrinks_when_it_is_idle_for_long() -> None:
    made = Made(workers=4, min_workers=2)

    async def work() -> None:
        first, second = await made.pool.acquire(), await made.pool.acquire()
        await asyncio.sleep(4.9)
        made.pool.release(first)
        await asyncio.sleep(1)
        # It was not busy for a moment: the five seconds begin anew.
        first = await made.pool.acquire()
        await asyncio.sleep(20)
        made.pool.release(first)
        made.pool.release(second)
        await asyncio.sleep(120)

    # Three of which two work are not too busy.
    assert on(made, work) == [(10.9, 3), (70.9, 2)]
    assert made.resized == [(3, 2, "busy"), (2, 3, "idle")]


@pytest.mark.proves("AD-3", "RPC-7")
def test_who_waits_gets_one_more_at_once_and_none_goes_while_many_work() -> None:
    made = Made(workers=3)

    async def work() -> None:
        working = [await made.pool.acquire() for _ in range(3)]
        made.pool.release(working[0])
        await asyncio.sleep(300)
        # Two of three work: that is more than half of what may.
        assert len(made.pool.children) == 3
        made.pool.release(working[1])
        await asyncio.sleep(59)
        made.pool.release(await made.pool.acquire())
        await asyncio.sleep(59)

    # A short call in between, in a minute of little use, does not count.
    assert on(made, work) == [(0.0, 2), (0.0, 3), (360.0, 2)]
    assert made.resized == [(2, 1, "waiting"), (3, 2, "waiting"), (2, 3, "idle")]


@pytest.mark.proves("AD-3")
def test_a_moment_without_work_gives_up_nobody_in_a_busy_minute() -> None:
    made = Made(workers=2)

    async def work() -> None:
        working = [await made.pool.acquire(), await made.pool.acquire()]
        await asyncio.sleep(35)
        for each in working:
            made.pool.release(each)
        await asyncio.sleep(100)

    assert on(made, work) == [(0.0, 2), (120.0, 1)]


@pytest.mark.proves("AD-3", "RPC-7")
@given(
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(1, 2),
    st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 1.0, 6.0, 61.0])), max_size=25),
)
def test_a_pool_is_never_smaller_or_larger_than_it_may_be_and_keeps_who_works(
    fewest: int, more: int, concurrency: int, steps: list[tuple[bool, float]]
) -> None:
    made = Made(min_workers=fewest, workers=fewest + more, concurrency=concurrency)

    async def work() -> None:
        working: list[Any] = []
        for takes, wait_s in steps:
            room = (fewest + more) * concurrency
            if takes and len(working) < room:
                working.append(await made.pool.acquire())
            elif working:
                made.pool.release(working.pop(0))
            await asyncio.sleep(wait_s)
            children = made.pool.children
            assert fewest <= len(children) <= fewest + more
            assert all(each in children for each in working)
            assert sum(each.load for each in children) == len(working)
        for each in working:
            made.pool.release(each)
        await asyncio.sleep(121)
        assert len(made.pool.children) == fewest

    on(made, work)
    # What is told adds up to what there is.
    size = fewest
    for now, was, why in made.resized:
        assert was == size
        assert (now < was) == (why == "idle")
        size = now
    assert size == fewest


@pytest.mark.proves("AD-3", "MM-1")
@pytest.mark.parametrize("fewest", [0, 11])
def test_more_processes_than_there_may_be_are_refused(fewest: int) -> None:
    app = App("shop")
    with pytest.raises(ModuleManifestError, match="1 worker at least"):
        app.module(Module("stock", resources=Resources(min_workers=fewest)))


@pytest.mark.proves("AD-3", "MM-1")
def test_a_module_that_says_nothing_of_it_is_what_it_was_to_older_logs() -> None:
    one, two = (
        Module("stock", resources=Resources(min_workers=fewest)).manifest for fewest in (1, 2)
    )

    assert "min_workers" not in one.plain()["resources"]
    assert one.digest == Module("stock").manifest.digest != two.digest
    assert module_from_json(module_to_json(two)) == two


@pytest.mark.proves("AD-3", "RPC-7")
def test_the_fewest_processes_run_before_the_app_is_ready_and_one_more_is_told_of() -> None:
    store = memory_store()

    def resized() -> list[Any]:
        rows = store.read_log(limit=1_000)
        return [e for row in rows for e in row.events if e.type == "module.resized"]

    async def scenario() -> None:
        app = App("shop")
        app.module(few)

        @app.handler("POST /calls")
        async def call(gctx: GlobalContext) -> None:
            await gctx.modules.few.nothing()

        app.start(store)
        await app.begin()
        try:
            assert app._hosting.hosts["few"].counts.total == 2
            tier: Any = app._hosting.hosts["few"]._tier
            pool = tier._pool
            working = [await pool.acquire(), await pool.acquire()]
            assert (await ask(app, "POST", "/calls")).status == 204
            for child in working:
                pool.release(child)
        finally:
            await app.stop()

    asyncio.run(scenario())
    (told,) = resized()
    assert (told.key, told.data) == ("few", ModuleResized(3, 2, "waiting", 1))
