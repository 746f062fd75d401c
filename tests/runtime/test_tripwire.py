"""The tripwire: what reaches the outside past the contexts is told of (EF-6)."""

import asyncio
import datetime as dt
import logging
import os
import random
import secrets
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime import GlobalContext, LocalContext
from runtime.errors import UnrecordedEffectError
from runtime.modules import ModuleRegistry
from runtime.testing import run_virtual
from tests.builders import version_of
from tests.controlled import Controlled, Told

Deed = Callable[[LocalContext], Any]
now = dt.datetime.now  # noqa: TID251 - what is caught
PAST: dict[str, Deed] = {
    "time": lambda _: time.time(),
    "perf_counter": lambda _: time.perf_counter(),
    "datetime.now": lambda _: now(dt.UTC),
    "date.today": lambda _: dt.date.today(),  # noqa: DTZ011
    "time.sleep": lambda _: time.sleep(0),
    "random": lambda _: random.random(),  # noqa: S311 - what is caught
    "random.choice": lambda _: random.choice([1]),  # noqa: S311 - what is caught
    "Random()": lambda _: random.Random(),  # noqa: S311 - what is caught
    "SystemRandom": lambda _: random.SystemRandom().random(),
    "secrets": lambda _: secrets.token_hex(),
    "urandom": lambda _: os.urandom(1),
    "uuid4": lambda _: uuid.uuid4(),  # noqa: TID251
    "open": lambda _: open(os.devnull),  # noqa: PTH123, SIM115
    "read_text": lambda _: Path(os.devnull).read_text(),
    "listdir": lambda _: os.listdir("."),  # noqa: PTH208
    "connect": lambda _: socket.create_connection(("127.0.0.1", 9)),
    "getaddrinfo": lambda _: socket.getaddrinfo("localhost", 9),
    "subprocess": lambda _: subprocess.run(["true"], check=False),
    "system": lambda _: os.system("true"),  # noqa: S605
    "thread": lambda _: threading.Thread(target=int).start(),
}
"""What is caught, and the beginning of nothing: a call that is caught is not made."""
FINE: dict[str, Deed] = {
    "now": lambda lctx: lctx.now(),
    "random": lambda lctx: lctx.random().choice([1, 2]),
    "uuid": lambda lctx: lctx.uuid(),
    "Random(3)": lambda _: random.Random(3).random(),  # noqa: S311 - what is caught
    "a fixed time": lambda _: dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    "sorted": lambda _: sorted([2, 1]),
    "uuid5": lambda _: uuid.uuid5(uuid.NAMESPACE_DNS, "a"),
    "path": lambda _: Path("a") / "b",
}
deeds = st.one_of(
    st.sampled_from([*FINE.items()]),
    st.sampled_from([*FINE.items()]),
    st.sampled_from([*PAST.items()]),
)


def sent(handle: Any, **more: Any) -> Told:
    harness = Controlled(version_of(handle), **more)
    told = run_virtual(harness.send())
    harness.controller.close()
    return told


def failure_of(told: Told) -> tuple[str, str] | None:
    failed = [fact.data.failure for fact in told.facts if fact.type == "handler.failed"]
    return (failed[0].error, failed[0].message) if failed else None


@pytest.mark.proves("EF-6")
@given(drawn=st.lists(deeds, max_size=5), kind=st.sampled_from(["async", "sync", "task"]))
def test_code_fails_at_the_first_call_past_its_contexts_and_only_then(
    drawn: list[tuple[str, Deed]], kind: str
) -> None:
    done: list[str] = []

    def work(lctx: LocalContext) -> None:
        for name, deed in drawn:
            deed(lctx)
            done.append(name)

    async def as_task(lctx: LocalContext) -> None:
        async def child() -> None:
            work(lctx)

        await asyncio.gather(child())

    async def waits(lctx: LocalContext) -> None:
        await lctx.sleep(1)
        work(lctx)

    told = sent({"sync": work, "task": as_task, "async": waits}[kind])

    caught = next((i for i, (_, deed) in enumerate(drawn) if deed in PAST.values()), None)
    event("caught" if caught is not None else "fine")
    assert len(done) == (len(drawn) if caught is None else caught)
    assert (failure_of(told) is None) == (caught is None)
    assert told.answer.status == (204 if caught is None else 500)


@pytest.mark.proves("EF-6")
@pytest.mark.parametrize("name", PAST)
def test_each_is_caught_with_its_line_and_a_remedy(name: str) -> None:
    async def handle(lctx: LocalContext) -> None:
        PAST[name](lctx)

    error, message = failure_of(sent(handle)) or ("", "")

    assert error == UnrecordedEffectError.__name__
    assert message.startswith("tests/runtime/test_tripwire.py:")
    assert "lctx." in message or "gctx.modules" in message


@pytest.mark.proves("EF-6")
def test_the_order_of_tasks_is_guarded_and_gather_and_groups_are_fine() -> None:
    async def waits(lctx: LocalContext) -> None:
        await asyncio.wait([lctx._run.loop.create_future()])

    async def completes(lctx: LocalContext) -> None:
        for each in asyncio.as_completed([lctx._run.loop.create_future()]):
            await each

    async def fine(lctx: LocalContext) -> None:
        await asyncio.gather(asyncio.sleep(1), asyncio.sleep(2))
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(1))

    caught = [failure_of(sent(handle)) for handle in (waits, completes)]

    assert [found and found[0] for found in caught] == [UnrecordedEffectError.__name__] * 2
    assert failure_of(sent(fine)) is None


class Clocks:
    """What a module may do: it is recorded."""

    async def read(self) -> float:
        return time.time()

    def read_in_a_thread(self) -> float:
        return os.getpid() * 0 + time.time()


@pytest.mark.proves("EF-6", "EF-1")
def test_a_module_may_read_what_it_likes() -> None:
    modules = ModuleRegistry()
    modules.register("clocks", Clocks())

    async def handle(gctx: GlobalContext) -> Any:
        return await gctx.modules.clocks.read() < await gctx.modules.clocks.read_in_a_thread() + 9

    assert sent(handle, gctx=GlobalContext(modules)).json is True


@pytest.mark.proves("EF-6")
@pytest.mark.parametrize("place", ["before", "after", "catch", "cleanup", "compensation"])
def test_hooks_and_what_ends_a_request_are_watched_as_well(place: str) -> None:
    caught: list[str] = []

    async def reads() -> None:
        try:
            time.time()
        except UnrecordedEffectError:
            caught.append(place)
            raise

    async def handle(lctx: LocalContext) -> None:
        if place == "cleanup":
            lctx.on_cleanup(reads)
        if place == "compensation":
            lctx.compensate(reads)
        if place in {"compensation", "catch"}:
            raise KeyError

    hooks: dict[str, Any] = {place: [reads]} if place in {"before", "after", "catch"} else {}
    harness = Controlled(version_of(handle, **hooks))
    run_virtual(harness.send())
    harness.controller.close()

    assert caught == [place]


@pytest.mark.proves("EF-6")
def test_a_server_may_be_told_to_warn_once_a_place_or_to_say_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def handle() -> float:
        return time.time()

    async def thrice(tripwire: str) -> list[int]:
        harness = Controlled(version_of(handle), tripwire=tripwire)
        return [(await harness.send()).answer.status for _ in range(3)]

    with caplog.at_level(logging.WARNING, "timescape"):
        assert run_virtual(thrice("off")) == [200] * 3
        assert caplog.messages == []
        assert run_virtual(thrice("warn")) == [200] * 3

    assert len(caplog.messages) == 1
    assert "reads the clock" in caplog.messages[0]
    assert "test_tripwire.py" in caplog.messages[0]


@pytest.mark.proves("EF-6")
def test_code_that_goes_on_after_it_was_caught_is_caught_again() -> None:
    caught: list[int] = []

    async def stubborn(lctx: LocalContext) -> None:
        for n in range(2):
            try:
                time.time()
            except UnrecordedEffectError:
                caught.append(n)
            await lctx.sleep(1)

    sent(stubborn)

    assert caught == [0, 1]
