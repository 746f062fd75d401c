"""Run a piece of user code in the request's own task, and cut it short when its time is over.

A coroutine is stepped by hand. One that never waits costs a call: no task, no timer.
Only when it waits for the first time a timer is set. When the time is over the code is
cancelled and awaited; if it goes on for a second more it is given up (CN-3): it goes on in
a task of its own, where it can write no more facts.
"""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any, Protocol

from runtime.errors import HookTimedOutError, RequestStoppedError, RequestTimedOutError
from runtime.lifecycle.groups import LEAVES_CANCELLED, group_of
from runtime.lifecycle.waiting import go_on

GRACE_S = 1.0
"""What cancelled code, and threads, get to come to an end (CN-3)."""


class Timed(Protocol):
    """The request as far as its time goes."""

    loop: asyncio.AbstractEventLoop
    task: "asyncio.Task[Any]"
    cancelling: int
    """Cancellations of the task that were there before the request."""
    deadline_at: float
    """On the loop's clock."""
    timeout_s: float
    timed_out: bool
    section: "Section | None"
    stop_reason: str | None
    is_held: bool
    """Whether its time stands still."""

    def deadline_passed(self) -> None:
        """Write down that it did, once."""
        ...

    def interrupt(self) -> None:
        """Wake threads that wait for an effect."""
        ...

    def give_up(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let *work* go on alone, without the right to write."""
        ...


class Section:
    """A piece of user code that waits, and what may cut it short."""

    __slots__ = (
        "_cancels", "_capped", "_excused", "_grace", "_limit_at", "_limit_s", "_request", "_timer",
        "cut", "lost",
    )  # fmt: skip

    def __init__(
        self, request: Timed, limit_s: float | None, limit_at: float | None, *, capped: bool
    ) -> None:
        self._request = request
        self._capped = capped
        self._limit_s = limit_s
        self._limit_at = limit_at
        self._cancels = 0
        self._excused: list[asyncio.TaskGroup] = []
        self._grace: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.cut: str | None = None
        """deadline, limit or stop; None: nothing cut it."""
        self.lost = False
        """Whether it did not end when it was cancelled."""
        if not request.is_held:
            self._set_alarm()

    def _set_alarm(self) -> None:
        request, limit_at = self._request, self._limit_at
        if self._capped and (limit_at is None or request.deadline_at <= limit_at):
            self._timer = request.loop.call_at(request.deadline_at, self._cut, "deadline")
        elif limit_at is not None:
            self._timer = request.loop.call_at(limit_at, self._cut, "limit")

    def hold(self) -> None:
        """Let its time stand still."""
        if self._timer is not None:
            self._timer.cancel()

    def go_on(self, waited_s: float) -> None:
        """Let its time go on, which stood still for so long; the deadline was moved."""
        if self._limit_at is not None:
            self._limit_at += waited_s
        if self.cut is None:
            self._set_alarm()

    def stop(self) -> None:
        """Cut it short from outside."""
        if self.cut is None:
            self._cut("stop")

    def _cut(self, why: str) -> None:
        self.cut = why
        if why == "deadline":
            self._request.deadline_passed()
        self._grace = self._request.loop.call_later(GRACE_S, self._lose)
        self._cancel()

    def _lose(self) -> None:
        self.lost = True
        self._cancel()

    def _cancel(self) -> None:
        self._cancels += 1
        self._request.task.cancel()
        self._request.interrupt()

    def excuse(self, work: Coroutine[Any, Any, Any], thrown: BaseException) -> None:
        """Take back for a group of tasks within *work* that it cancelled the request's task."""
        if not LEAVES_CANCELLED or type(thrown) is not asyncio.CancelledError:
            return
        group = group_of(work)
        if group is not None and group not in self._excused:
            self._excused.append(group)
            self._request.task.uncancel()

    def close(self) -> None:
        """Set no more alarms, and take back the cancellations that were ours."""
        if self._timer is not None:
            self._timer.cancel()
        if self._grace is not None:
            self._grace.cancel()
        for _ in range(self._cancels):
            self._request.task.uncancel()

    def verdict(self, error: BaseException | None) -> BaseException | None:
        """Return what the end of this section means; None: it ended well."""
        request = self._request
        if isinstance(error, asyncio.CancelledError) and was_cancelled(request):
            return RequestStoppedError("cancelled")
        if self.cut == "deadline":
            return timed_out(request.timeout_s)
        if self.cut == "limit":
            return HookTimedOutError(
                f"It took longer than {self._limit_s:g} s.", "Raise its timeout or do less."
            )
        if self.cut == "stop":
            return RequestStoppedError(request.stop_reason or "stopped")
        if error is None and self._capped:
            return late(request)
        return error


def was_cancelled(request: Timed) -> bool:
    """Say whether somebody else cancelled the request's task."""
    return request.task.cancelling() > request.cancelling


def late(request: Timed) -> RequestTimedOutError | None:
    """Return an error if the deadline passed while the code did not let anybody tell it."""
    if request.loop.time() < request.deadline_at:
        return None
    request.deadline_passed()
    return timed_out(request.timeout_s)


def timed_out(timeout_s: float) -> RequestTimedOutError:
    """Return the error of a request whose deadline passed."""
    return RequestTimedOutError(
        f"The request took longer than {timeout_s:g} s.", "Send it again, or ask for less."
    )


@types.coroutine
def drive(  # noqa: C901 - one loop, run for every wait of user code
    request: Timed,
    work: Coroutine[Any, Any, Any],
    limit_s: float | None,
    capped: bool,  # noqa: FBT001 - the innermost call of every request
) -> Generator[Any, Any, Any]:
    """Run *work* to its end and return its result, within *limit_s*.

    Args:
        request: whose task this is.
        work: has not started.
        limit_s: None: no limit of its own.
        capped: whether the request's deadline cuts it short, too.

    Raises:
        RequestTimedOutError: the deadline passed.
        HookTimedOutError: the limit passed.
        RequestStoppedError: the request was stopped.
    """
    # From here, not from its first wait: run again, its recorded waits are over at once.
    limit_at = None if limit_s is None else request.loop.time() + limit_s
    try:
        waits_for = work.send(None)
    except StopIteration as end:
        if capped and request.loop.time() >= request.deadline_at:
            request.deadline_passed()
            raise timed_out(request.timeout_s) from None
        return end.value
    section = request.section = Section(request, limit_s, limit_at, capped=capped)
    error: BaseException | None = None
    result = None
    try:
        while True:
            try:
                yield waits_for
            except GeneratorExit:
                work.close()
                raise
            except BaseException as thrown:  # noqa: BLE001 - it is the user code's, not ours
                if section.lost:
                    request.give_up(_rest_of(work, thrown))
                    error = thrown
                    break
                section.excuse(work, thrown)
                waits_for = work.throw(thrown)
            else:
                waits_for = work.send(None)
    except StopIteration as end:
        result = end.value
    except BaseException as raised:  # noqa: BLE001 - judged below
        error = raised
    finally:
        request.section = None
        section.close()
    verdict = section.verdict(error)
    if verdict is None:
        return result
    if verdict is error:
        raise verdict
    raise verdict from error


async def _rest_of(work: Coroutine[Any, Any, Any], error: BaseException) -> Any:
    """Go on with *work*, which waits, by throwing *error* into it."""
    try:
        waits_for = work.throw(error)
    except StopIteration as end:
        return end.value
    return await go_on(work, waits_for)
