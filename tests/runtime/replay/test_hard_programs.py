"""Programs that are hard to run again: tasks that fail together, errors of all kinds, threads.

Each is served, and its record run again: it has to say the same, and to ask nobody.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any

import pytest

from runtime import App, Backoff, GlobalContext, HttpError, LocalContext, Sensitive, retrying
from runtime.effects.failures import error_of
from runtime.errors import RecordedError, RPCError
from runtime.facts import Failure
from runtime.replay import Replay, reexecute
from tests.runtime.replay.shop import record

Work = Callable[[LocalContext, Any], Awaitable[Any]]


class Picky(Exception):
    """An error that is not made of what the log keeps."""

    def __new__(cls, *given: int) -> "Picky":
        first, second = given
        return super().__new__(cls, first, second)


class Gone(HttpError):
    """An answer of the module's own."""

    def __init__(self) -> None:
        super().__init__(410, "gone", "It was here")


class OutOf(KeyError):
    """An error whose words a handler passes on."""


class Mute(Exception):
    """An error that cannot even say what it is."""

    def __str__(self) -> str:
        raise ValueError


class Mixed(KeyError, ConnectionError):
    """An error that only one of its built-in bases can make."""


class Things:
    """A module whose methods end in all ways."""

    def __init__(self) -> None:
        self.calls = 0

    async def give(self, name: str, seconds: float) -> str:
        self.calls += 1
        await asyncio.sleep(seconds)
        return name

    async def refuse(self, seconds: float) -> str:
        self.calls += 1
        await asyncio.sleep(seconds)
        raise LookupError

    async def picky(self) -> None:
        raise Picky(1, 2)

    async def several(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.refuse(0.01))

    async def teapot(self) -> None:
        raise HttpError(418, "teapot", "Short and stout")

    async def bare_teapot(self) -> None:
        raise HttpError(418, "teapot")

    async def gone(self) -> None:
        raise Gone

    async def mute(self) -> None:
        raise Mute(1, 2)

    async def out_of(self, name: str) -> None:
        raise OutOf(name)

    async def out_of_hidden(self, card: Annotated[str, Sensitive]) -> None:
        raise OutOf(card)

    async def not_its_own(self, name: str) -> None:
        raise LookupError(name)

    async def cancels_itself(self) -> None:
        task = asyncio.create_task(asyncio.sleep(1))
        task.cancel()
        await task


def again(work: Work, **options: Any) -> Replay:
    """Serve *work* by a handler; run its record again."""

    def app(things: Things) -> App:
        made = App("hard")
        made.module("things", things)

        @made.handler("POST /", **options)
        async def handler(lctx: LocalContext, gctx: GlobalContext) -> Any:
            return await work(lctx, gctx.modules.things)

        return made

    store, stream = record(app(Things()), None, target="/")
    silent = Things()
    told = reexecute(app(silent), store, stream)
    assert silent.calls == 0
    return told


def ending(told: Replay) -> Any:
    """Return status and problem code of what is on record; it said the same again."""
    assert told.divergence is None
    assert told.events[-1].type == "response.sent"
    return told.events[-1].data.status, told.events[-1].data.code


def set_by(told: Replay) -> dict[str, Any]:
    return {e.key or "": e.data.value for e in told.events if e.type == "context.set"}


@contextlib.asynccontextmanager
async def grouped() -> AsyncIterator[asyncio.TaskGroup]:
    async with asyncio.TaskGroup() as group:
        yield group


async def in_group(lctx: LocalContext, things: Any) -> str:
    async with asyncio.TaskGroup() as group:
        group.create_task(things.refuse(0.01))
        group.create_task(things.give("a", 5.0))
    return "not reached"


async def caught(lctx: LocalContext, things: Any) -> str:
    try:
        await in_group(lctx, things)
    except* LookupError as several:
        lctx.set("several", len(several.exceptions))
    await lctx.sleep(1)
    return "well"


async def through_generator(lctx: LocalContext, things: Any) -> str:
    with contextlib.suppress(BaseExceptionGroup):
        async with grouped() as group:
            group.create_task(things.refuse(0.01))
            group.create_task(lctx.sleep(5))
    return "well"


async def while_it_works(lctx: LocalContext, things: Any) -> str:
    with contextlib.suppress(BaseExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(things.refuse(0.01))
            await lctx.sleep(5)
    return "well"


async def one_in_another(lctx: LocalContext, things: Any) -> str:
    with contextlib.suppress(BaseExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(things.refuse(0.01))
            await in_group(lctx, things)
    return "well"


@pytest.mark.proves("HW-6", "CN-2", "RX-3", "EF-6")
@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (in_group, (500, "handler-error")),
        (caught, (200, None)),
        (through_generator, (200, None)),
        (while_it_works, (200, None)),
        (one_in_another, (200, None)),
    ],
)
def test_a_group_of_tasks_that_fails_ends_no_request_but_by_its_error(
    work: Work, expected: tuple[int, str | None]
) -> None:
    """Seen to fail, with requests aborted as cancelled, where a group's cancellation counts."""
    assert ending(again(work)) == expected


@pytest.mark.proves("RX-3", "EF-6")
def test_tasks_that_are_cancelled_together_end_as_they_did() -> None:
    """Seen to fail with the order of a set of tasks, which is that of their addresses."""

    async def work(lctx: LocalContext, things: Any) -> None:
        async def one(n: int) -> None:
            try:
                await things.give("a", 5.0 + n)
            finally:
                lctx.set(f"ended {n}", n)

        async with asyncio.TaskGroup() as group:
            for n in range(12):
                group.create_task(one(n))

    assert ending(again(work, timeout=1.0)) == (504, "timeout")


@pytest.mark.proves("EF-3", "RX-3")
@pytest.mark.parametrize(
    ("method", "error", "expected"),
    [
        ("picky", Picky, (500, "handler-error")),
        ("several", ExceptionGroup, (500, "handler-error")),
        ("teapot", HttpError, (418, "teapot")),
        ("bare_teapot", HttpError, (418, "teapot")),
        ("gone", Gone, (410, "gone")),
        ("mute", Mute, (500, "handler-error")),
        ("cancels_itself", RPCError, (500, "module-failed")),
    ],
)
def test_what_a_module_raises_is_raised_again(
    method: str, error: type[Exception], expected: tuple[int, str]
) -> None:
    """Seen to fail with errors made by their own constructors, and without the status."""

    async def work(lctx: LocalContext, things: Any) -> None:
        try:
            await getattr(things, method)()
        except error as raised:
            lctx.set("raised", type(raised).__name__)
            raise

    told = again(work)

    assert ending(told) == expected
    assert set_by(told) == {"raised": error.__name__}


@pytest.mark.proves("EF-3", "RX-3")
def test_what_an_error_of_the_modules_own_says_is_said_again() -> None:
    async def work(lctx: LocalContext, things: Any) -> None:
        try:
            await things.out_of("mugs")
        except OutOf as error:
            lctx.set("said", str(error))

    told = again(work)

    assert ending(told) == (204, None)
    assert set_by(told) == {"said": "'mugs'"}


@pytest.mark.proves("EF-3", "GT-19")
@pytest.mark.parametrize("method", ["out_of_hidden", "not_its_own"])
def test_what_other_errors_say_is_not_recorded(method: str) -> None:
    """It may hold anything, or what the method declares to be Sensitive."""

    async def work(lctx: LocalContext, things: Any) -> None:
        with contextlib.suppress(LookupError):
            await getattr(things, method)("4111 1111")

    told = again(work)

    assert ending(told) == (204, None)
    failed = next(e.data.failure for e in told.events if e.type == "effect.failed")
    assert failed.message is None


@pytest.mark.proves("EF-3")
def test_an_error_that_nobody_can_make_is_a_recorded_error() -> None:
    raised = error_of(Failure("Mixed"), lambda _: Mixed)

    assert type(raised) is RecordedError
    assert "Mixed" in str(raised)


@pytest.mark.proves("EF-3")
def test_an_http_error_of_an_older_record_has_a_status() -> None:
    raised = error_of(Failure("HttpError", "teapot", "teapot"), lambda _: None)

    assert isinstance(raised, HttpError)
    assert (raised.status, raised.problem_code, raised.detail) == (500, "teapot", "")


@pytest.mark.proves("CN-5", "HO-8", "RX-3")
def test_a_backoff_of_whole_numbers_is_the_same_again() -> None:
    """Seen to fail with 1 held against the 1.0 that was read."""

    async def work(lctx: LocalContext, things: Any) -> None:
        attempts = itertools.count()

        def undo() -> None:
            lctx.set("undoing", attempt := next(attempts))
            if attempt < 2:
                raise ValueError

        lctx.compensate(retrying(undo, 3, Backoff(1, 2, 4)))
        await things.picky()

    told = again(work)

    assert ending(told) == (500, "handler-error")
    assert set_by(told) == {"undoing": 2}


@pytest.mark.proves("HW-5", "CN-3", "RX-3")
def test_a_thread_whose_effect_is_cut_short_goes_on_behind_it() -> None:
    """Seen to fail, now and then, with a thread woken before its effect has ended."""
    app = App("hard")
    app.module("things", Things())

    @app.handler("POST /", timeout=0.5)
    def handler(lctx: LocalContext, gctx: GlobalContext) -> None:
        try:
            gctx.modules.things.give("a", 5.0)
        finally:
            lctx.set("ended", 1)

    store, stream = record(app, None, target="/")
    told = reexecute(app, store, stream)

    types = [e.type for e in told.events]
    assert ending(told) == (504, "timeout")
    assert types.index("effect.failed") < types.index("context.set")
