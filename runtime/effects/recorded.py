"""Answers effects from the record of an earlier run; performs nothing."""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from eventstore import Event
from eventstore.values import Viewer
from runtime.effects.failures import FindError, error_of
from runtime.effects.outside import Outside
from runtime.errors import DivergenceError
from runtime.facts import EffectFailed, EffectReturned
from runtime.modules.registry import Method
from runtime.secrets import PLACEHOLDER, Found

_NOT_ANSWERS = frozenset({"CancelledError"})
"""Failures that the request's own end brings about, again in every run."""


class Recorded:
    """Gives each effect the answer it got, when it is that answer's turn.

    Args:
        events: of the stream, from its first on.
        viewer: decodes what modules answered.
        written: tells how many facts have been written in this run.
        until: answers after this revision are *beyond*'s; None: none are.
        beyond: answers what the record does not; None: nobody, and such an effect parts
            from the record.
    """

    def __init__(
        self,
        events: Iterable[Event],
        viewer: Viewer,
        written: Callable[[], int],
        until: int | None = None,
        beyond: Outside | None = None,
    ) -> None:
        self._viewer = viewer
        self._written = written
        self._beyond = beyond
        self._answers: dict[int, Event] = {}
        self._waiting: dict[int, asyncio.Future[None]] = {}
        for event in events:
            if until is None or beyond is None or event.revision <= until:
                self._keep(event)

    def _keep(self, event: Event) -> None:
        fact = event.data
        cut_short = isinstance(fact, EffectFailed) and fact.failure.error in _NOT_ANSWERS
        if isinstance(fact, EffectReturned | EffectFailed) and not cut_short:
            self._answers[fact.n] = event

    def now_us(self, n: int) -> int:
        """Return the time that was read then."""
        event = self._answers.get(n)
        if event is None:
            return self._other(n).now_us(n)
        instant: dt.datetime = self._viewer.thaw(event.data.value)
        return round(instant.timestamp() * 1_000_000)

    async def sleep(self, n: int, seconds: float) -> None:
        """Wait until it is this answer's turn."""
        if n in self._answers:
            await self._answer(n, lambda _: None)
        elif self._beyond is not None:
            await self._beyond.sleep(n, seconds)
        else:
            # It never ended then either: only the end of the request ends it.
            await _never()

    async def call(
        self, n: int, method: Method, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Return or raise what the method did."""
        if n in self._answers:
            return await self._answer(n, method.find_error)
        if self._beyond is not None:
            return await self._beyond.call(n, method, args, kwargs)
        return await _never()

    async def _answer(self, n: int, find: FindError) -> Any:
        event = self._answers[n]
        if event.revision > self._written() + 1:
            turn = asyncio.get_running_loop().create_future()
            self._waiting[event.revision] = turn
            await turn
        if isinstance(event.data, EffectFailed):
            raise error_of(event.data.failure, find)
        return self._viewer.thaw(event.data.value)

    async def secret(self, n: int, name: str) -> Found | None:
        """Return a placeholder of the version that was read; or that there was none."""
        if n in self._answers:
            recorded: dict[str, str | None] = await self._answer(n, lambda _: None)
            return Found(PLACEHOLDER, recorded.get("version"))
        if self._beyond is not None:
            return await self._beyond.secret(n, name)
        return await _never()

    def _other(self, n: int) -> Outside:
        if self._beyond is None:
            msg = f"Effect {n} is not in the record."
            raise DivergenceError(msg)
        return self._beyond

    def went_on(self) -> None:
        """Let an answer go whose turn has come: it is the record's next fact."""
        turn = self._waiting.pop(self._written() + 1, None)
        if turn is not None and not turn.done():
            turn.set_result(None)


async def _never() -> NoReturn:
    """Wait: only the end of the request ends it."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError
