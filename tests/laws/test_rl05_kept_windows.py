"""Windows of rate limits survive a restart, and what is read for that is bounded (RL-5)."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import EventStoreError, NewEvent, named_stream
from eventstore.memory import MemoryStore
from runtime.app.guards import guard_of
from runtime.context import WINDOWS, registry
from runtime.ingress.window_keeping import CHARGES, SPAN_US, WindowKeeping
from runtime.ingress.windows import Windows
from runtime.ingress_facts import KeptWindow, WindowsKept
from runtime.policies import Limit
from runtime.policies.kept_windows import WINDOWS_REDUCER, KeptWindows
from runtime.policy_facts import Charged
from runtime.testing import FakeClock, SeededIds, VirtualLoop
from tests.faces.asgi import ask
from tests.faces.guarded import Site
from tests.strategies import as_events

MINUTE = Limit("3/minute", 3, 60)
DAY = Limit("9/day", 9, 86_400)
START_US = 1_790_000_000_000_000

kept = st.builds(
    KeptWindow,
    st.sampled_from(["get-a", "get-b"]),
    st.sampled_from(["address x", "user 0  ann"]),
    st.sampled_from([60, 86_400]),
    st.integers(0, 200).map(lambda second: START_US + second * 1_000_000),
    st.integers(1, 9),
)
tellings = st.lists(st.lists(kept, max_size=4).map(tuple), max_size=6)


def events_of(told: Sequence[tuple[KeptWindow, ...]]) -> Any:
    facts = [WindowsKept(each) for each in told]
    return as_events(
        [NewEvent(f.type, f, None, START_US + n * 40_000_000) for n, f in enumerate(facts)]
    )


@pytest.mark.proves("RL-5", "KF-1")
@given(tellings, st.integers(0, 6))
def test_a_fold_may_begin_anywhere_and_drops_only_what_is_over(
    told: list[tuple[KeptWindow, ...]], at: int
) -> None:
    events = events_of(told)
    whole = WINDOWS_REDUCER.apply_all(WINDOWS_REDUCER.initial(), events)
    before = WINDOWS_REDUCER.apply_all(WINDOWS_REDUCER.initial(), events[:at])
    loaded = WINDOWS_REDUCER.load(WINDOWS_REDUCER.dump(before))

    assert loaded == before
    after = WINDOWS_REDUCER.apply_all(loaded, events[at:])
    assert after == whole
    assert WINDOWS_REDUCER.dump(after) == WINDOWS_REDUCER.dump(whole)
    now_us = events[-1].at_us if events else 0
    assert list(whole.windows) == sorted(
        whole.windows, key=lambda w: (w.handler, w.caller, w.window_s)
    )
    newest: dict[Any, tuple[int, int]] = {}
    for each in (window for one in told for window in one):
        key = each.window_s, each.handler, each.caller
        newest[key] = max(newest.get(key, (0, 0)), (each.start, each.used))
    live = {k: w for k, w in newest.items() if now_us < w[0] + k[0] * 1_000_000}
    assert {(w.window_s, w.handler, w.caller): (w.start, w.used) for w in whole.windows} == live


# --- what is told, and what is read after a restart ---


class Looking:
    """A log that notes which rows were read, and may lose what it is given."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.rows = 0
        self.refuses = self.loses = False

    def read_log(self, **how: Any) -> Any:
        found = self._store.read_log(**how)
        self.rows += len(found) if "request" in how.get("kinds", ()) else 0
        return found

    def append(self, *args: Any, **more: Any) -> Any:
        if self.refuses:
            raise EventStoreError("store-busy", "It is full.", "Wait.", {})
        return Lost() if self.loses else self._store.append(*args, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


class Lost:
    def result(self, timeout_s: float | None = None) -> Any:
        raise EventStoreError("store-full", "It is full.", "Make room.", {})


@pytest.fixture(scope="module")
def loop() -> Iterator[VirtualLoop]:
    loop = VirtualLoop()
    yield loop
    loop.close()


def restarted(site: Site, looking: Looking) -> Windows:
    """Begin anew on the log, as after a crash: nobody told anything at the end."""
    app = site.app
    guard = guard_of(
        app.name,
        app._authenticating,
        app._declared,
        looking,
        site.clock,
    )
    return guard._windows


@pytest.mark.proves("RL-5", "P34")
def test_after_a_crash_a_day_of_requests_is_not_read_again(loop: VirtualLoop) -> None:
    site = Site()
    site.handler(limits=["9/day", "4/minute"])
    site.handler("GET /free")

    async def work() -> None:
        site.start()
        for _ in range(4):
            assert (await ask(site.app, "GET", "/things")).status == 200
        for _ in range(20):
            await ask(site.app, "GET", "/free")
        site.clock.step(61)
        assert (await ask(site.app, "GET", "/things")).status == 200  # it tells of the windows
        for _ in range(3):
            await ask(site.app, "GET", "/free")
        site.clock.step(61)

    loop.run_until_complete(work())
    before = set(site.app.edge.guard._windows.kept())
    looking = Looking(site.store)
    after = set(restarted(site, looking).kept())

    # The window of a minute is over, and was told: nothing brings it back.
    live = {each for each in before if each.window_s == 86_400}
    assert [each.used for each in live] == [5]
    assert live <= after <= before
    assert looking.rows == 4
    loop.run_until_complete(site.app.stop())
    again = Looking(site.store)
    assert live <= set(restarted(site, again).kept())
    assert again.rows == 0


steps = st.lists(
    st.tuples(
        st.sampled_from(["charge", "charge", "charge", "crash", "lose", "find"]),
        st.integers(0, 3),
        st.sampled_from([0, 1_000_000, SPAN_US + 1]),
    ),
    max_size=25,
)


class World:
    """Windows that are charged and told; a request's own fact is in `charges` at once."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.store = Looking(MemoryStore(registry(), self.clock, SeededIds(1)))
        self.stream = named_stream(WINDOWS.name, "shop")
        self.charges: list[tuple[int, str, Any]] = []
        """Position of the log, caller and window of each request that was let in."""
        self.begin()

    def begin(self) -> None:
        self.windows = Windows()
        keeping = WindowKeeping(self.store, self.stream, self.windows, self.clock)
        state: KeptWindows = self.store.fold(WINDOWS_REDUCER, self.stream).state
        known = [
            (w.handler, w.caller, Charged("", w.window_s, w.start, w.used)) for w in state.windows
        ]
        for position, caller, window in self.charges:
            if position >= state.position:
                keeping.charged_before("h", caller, window)
                known.append(("h", caller, window))
        self.windows.restore(known)
        self.keeping = keeping

    def charge(self, caller: str) -> None:
        now_us = self.clock()
        outcomes = self.windows.ask("h", caller, [MINUTE, DAY], now_us)
        if all(each.allowed for each in outcomes):
            charged = self.windows.keep("h", caller, [MINUTE, DAY], outcomes, now_us)
            self.charges += [(self.store.end(), caller, each) for each in charged]
            self.keeping.charged("h", caller, charged, now_us)

    def live(self) -> set[KeptWindow]:
        now_us = self.clock()
        return {w for w in self.windows.kept() if now_us < w.start + w.window_s * 1_000_000}


@pytest.mark.proves("RL-5", "P34")
@given(steps)
def test_whenever_it_crashes_the_windows_are_as_they_were(
    steps: list[tuple[str, int, int]],
) -> None:
    world = World()
    for what, who, later_us in steps:
        world.clock.step(later_us / 1_000_000)
        if what == "charge":
            world.charge(f"caller {who}")
        elif what == "crash":
            before = world.live()
            world.begin()
            assert world.live() == before
        else:
            world.store.loses, world.store.refuses = what == "lose" and who < 2, what == "lose"
            world.store.refuses = what == "lose" and who >= 2
    before = world.live()
    world.begin()
    assert world.live() == before


@pytest.mark.proves("RL-5")
def test_windows_are_told_after_so_many_charges_and_each_once() -> None:
    world = World()
    for n in range(CHARGES):
        world.charge(f"caller {n}")
    told = [e.data for e in world.store.read(world.stream)]
    assert sum(len(each.windows) for each in told) == 2 * CHARGES
    world.charge("caller 1")
    world.keeping.tell()
    world.keeping.tell()
    assert [len(e.data.windows) for e in world.store.read(world.stream)][len(told) :] == [2]
