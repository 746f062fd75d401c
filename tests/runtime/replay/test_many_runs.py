"""One job runs many requests again: what they share, and what none leaves to the next."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest

from eventstore import StreamId
from eventstore.memory import MemoryStore
from runtime import App, LocalContext, Request
from runtime.context import registry
from runtime.errors import ReplayLimitError
from runtime.replay import Library, Options, Replay, run_again
from runtime.replay.looping import ReplayLoop
from runtime.testing import FakeClock, SeededIds, run_virtual
from tests.faces.asgi import ask

WAIT_S = 30.0


class Site:
    """An app whose handler does what it is asked, and the log of what it was asked."""

    def __init__(self) -> None:
        self.spins = False
        self.ended: list[str] = []
        self.app = App("site")
        self.app.handler("POST /things")(self._handler())
        self.store = MemoryStore(registry=registry(), clock=FakeClock(), ids=SeededIds(1))

    def _handler(self) -> Callable[..., object]:
        doings = {"spin": self._spin, "clock": self._clock, "leave": self._leave}

        async def things(req: Request[str], lctx: LocalContext) -> str:
            lctx.set("what", req.body)
            await doings.get(req.body, self._wait)(lctx)
            return req.body

        return things

    async def _wait(self, lctx: LocalContext) -> None:
        await lctx.sleep(3600)

    async def _spin(self, _: LocalContext) -> None:
        while self.spins:
            pass

    async def _clock(self, _: LocalContext) -> None:
        time.time()

    async def _leave(self, _: LocalContext) -> None:
        self.task = asyncio.ensure_future(self._ending("task"))
        self.numbers = self._numbering()
        await anext(self.numbers)

    async def _ending(self, name: str) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.ended.append(name)

    async def _numbering(self) -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            self.ended.append("generator")

    def record(self, *bodies: str) -> list[StreamId]:
        async def serve() -> list[str]:
            self.app.start(self.store, clock=FakeClock(), ids=SeededIds(2))
            names = [(await ask(self.app, "POST", "/things", body)).request_id for body in bodies]
            await self.app.stop()
            return names

        hexes = [name.removeprefix("req-") for name in run_virtual(serve())]
        rows = {row.stream.hex: row.stream for row in self.store.read_log(kinds=("request",))}
        self.ended.clear()
        return [rows[each] for each in hexes]

    def library(self) -> Library:
        return Library(self.app, self.store)

    def again(self, library: Library, stream: StreamId, cpu_s: float = WAIT_S) -> Replay:
        events = tuple(self.store.read(stream))
        return run_again(library, events, Options(cpu_s=cpu_s), fork=stream)


def watching() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name == "timescape-replay-limit"}


@pytest.mark.proves("RX-2", "RX-10", "PF-6")
def test_runs_of_one_job_share_one_thread_that_ends_after_them() -> None:
    """Seen to fail with a thread that looks for ever."""
    site = Site()
    streams = site.record("one", "two", "three")
    library, before = site.library(), watching()

    told = [site.again(library, stream) for stream in streams]

    assert [each.divergence for each in told] == [None] * 3
    (watch,) = watching() - before
    watch.join(WAIT_S)
    assert not watch.is_alive()


@pytest.mark.proves("RX-10")
def test_a_run_that_took_too_much_leaves_the_next_of_its_job_alone() -> None:
    """Seen to fail with runs that are watched on after their end."""
    site = Site()
    spin, other = site.record("spin", "other")
    library, site.spins = site.library(), True

    with pytest.raises(ReplayLimitError):
        site.again(library, spin, cpu_s=0.1)
    site.spins = False

    told = [site.again(library, stream) for stream in (other, spin, other)]
    assert [each.divergence for each in told] == [None] * 3


@pytest.mark.proves("EF-6", "RX-2")
def test_user_code_is_watched_again_once_its_fact_is_written() -> None:
    """Seen to fail with a fact that ends the watch for good."""
    site = Site()
    (stream,) = site.record("clock")

    parted = site.again(site.library(), stream).divergence

    assert parted is not None
    assert parted.attempted is not None
    assert parted.attempted.type == "handler.failed"
    assert parted.attempted.data.failure.error == "UnrecordedEffectError"


@pytest.mark.proves("RX-2")
def test_what_a_run_leaves_in_its_loop_ends_with_it() -> None:
    """Seen to fail with loops that are closed over what is left."""
    site = Site()
    (stream,) = site.record("leave")

    told = site.again(site.library(), stream)

    assert told.divergence is None
    assert sorted(site.ended) == ["generator", "task"]


@pytest.mark.proves("RX-2")
def test_the_loop_of_a_run_hears_of_threads_and_has_no_sockets() -> None:
    """Seen to fail, with a wait for ever, where a thread's call does not wake the loop."""
    loop = ReplayLoop(lambda _: False)
    at = threading.Event()

    def work() -> str:
        return "done" if at.wait(WAIT_S) else "late"

    async def scenario() -> str:
        job = loop.run_in_executor(None, work)
        loop.call_soon(at.set)
        return await job

    try:
        assert loop.run_until_complete(scenario()) == "done"
        with pytest.raises(NotImplementedError, match="no socket"):
            loop.add_reader(0, print)
    finally:
        loop.end()
    assert loop.is_closed()
