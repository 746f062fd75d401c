"""An event loop whose time is not ours: when nothing can happen now, it jumps to the next alarm.

An hour of timeouts runs in a millisecond, and always the same way. Worker threads started
by `run_in_executor` are waited for in real time, and virtual time stands still while one runs.
"""

import asyncio
import concurrent.futures
import contextvars
import heapq
import itertools
import selectors
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")


class Deadlock(RuntimeError):
    """Nothing can happen any more, and the work is not done; it lists where each task waits."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio event loop on virtual time.

    Args:
        schedule: numbers that choose, at each turn, in which order what is ready runs; used
            up, the order is asyncio's.
        stuck: called when nothing can happen any more; it may set something going. What
            raises, ends the loop. None: wait for whoever may still call from outside.
    """

    def __init__(
        self, schedule: Sequence[int] = (), stuck: Callable[[], None] | None = None
    ) -> None:
        super().__init__(self.new_selector())
        self.now_s = 0.0
        """Virtual seconds since the loop was made."""
        self.stuck = stuck
        self._choices = iter(schedule)
        self._numbers = itertools.count()
        self._busy = 0
        self._pool: concurrent.futures.ThreadPoolExecutor | None = None
        self._busy_lock = threading.Lock()

    def new_selector(self) -> selectors.BaseSelector:
        """Make what the loop waits with; called once, before anything else of it."""
        return _JumpingSelector(self)

    def time(self) -> float:
        """Return virtual time, in seconds."""
        return self.now_s

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call *callback* at *when*; of equal times the first asked for comes first.

        asyncio leaves that open: two requests could change each other's order.
        """
        alarm = _Alarm(when, callback, args, self, context)
        alarm.number = next(self._numbers)
        heapq.heappush(self._scheduled, alarm)  # type: ignore[attr-defined]
        alarm._scheduled = True  # type: ignore[attr-defined] # noqa: SLF001 - asyncio's own mark, read when it is cancelled
        return alarm

    def next_timer(self) -> float | None:
        """Return when the next alarm is due, in virtual seconds; None: there is none."""
        alarms = self._scheduled  # type: ignore[attr-defined]
        return min((alarm.when() for alarm in alarms if not alarm.cancelled()), default=None)

    @property
    def is_busy(self) -> bool:
        """Whether a thread may still do something on its own."""
        return self._busy > 0

    def run_in_executor(  # type: ignore[override]
        self, executor: concurrent.futures.Executor | None, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """Run *func* in a thread, and let virtual time stand still meanwhile."""
        self._count(1)
        pool = executor or self._default_pool()
        try:
            job = pool.submit(func, *args)
        except BaseException:
            self._count(-1)
            raise
        result = asyncio.wrap_future(job, loop=self)
        # Registered after the one of `wrap_future`: the loop hears of the result first, and
        # only then that the thread is done and time may jump.
        job.add_done_callback(lambda _: self._say(-1))
        return result

    def _default_pool(self) -> concurrent.futures.Executor:
        if self._pool is None:
            self._pool = concurrent.futures.ThreadPoolExecutor(thread_name_prefix="virtual")
            self.set_default_executor(self._pool)
        return self._pool

    def _say(self, by: int) -> None:
        if not self.is_closed():
            with suppress(RuntimeError):
                # The loop may close in between; then nobody counts any more.
                self.call_soon_threadsafe(self._count, by)

    def thread_waits_for(self, answer: "concurrent.futures.Future[Any]") -> None:
        """Say, in a thread of `run_in_executor`, that it waits for *answer*: time may jump."""
        # Called where the answer is given, so that time stands still before the thread runs.
        # Registered first: an answer that is there already must count before the wait does.
        answer.add_done_callback(lambda _: self._count(1))
        self._say(-1)

    @contextmanager
    def thread_waits(self) -> Iterator[None]:
        """Say, in a thread of `run_in_executor`, that it waits for another: time may jump."""
        self._say(-1)
        try:
            yield
        finally:
            self._count(1)

    def _count(self, by: int) -> None:
        with self._busy_lock:
            self._busy += by

    def may_pass(self, wait_s: float | None) -> bool:
        """Say whether time may pass until the next alarm, in *wait_s*, now that nothing runs.

        False: something was set going instead. None: there is no alarm.
        """
        return True

    def turn(self, timeout: float | None, listen: Callable[[float | None], list[Any]]) -> list[Any]:
        """Instead of waiting for time to pass, let it pass; return what was heard meanwhile.

        Args:
            timeout: seconds until the next alarm; None: there is none.
            listen: waits, really, and returns what it heard.
        """
        self._shuffle()
        events = listen(0)
        # A thread may have called since the loop looked last.
        if events or timeout == 0 or self._ready:  # type: ignore[attr-defined]
            return events
        if self.is_busy:
            events = listen(None)
        elif not self.may_pass(timeout):
            return events
        elif timeout is not None:
            self.now_s += timeout
        elif self.stuck is not None:
            self.stuck()
        else:
            events = listen(None)
        return events

    def _shuffle(self) -> None:
        """Put what is ready in the order that the schedule chooses."""
        ready = self._ready  # type: ignore[attr-defined]
        if len(ready) < 2:
            return
        waiting = list(ready)
        ready.clear()
        while waiting:
            choice = next(self._choices, 0)
            ready.append(waiting.pop(choice % len(waiting)))


class _Alarm(asyncio.TimerHandle):
    """An alarm that knows how many were set before it."""

    number = 0

    def __lt__(self, other: Any) -> bool:
        return (self.when(), self.number) < (other.when(), other.number)


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for time to pass, lets it pass."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        return self._loop.turn(timeout, super().select)


def run_virtual(
    work: Coroutine[Any, Any, T],
    schedule: Sequence[int] = (),
    stuck: Callable[[], None] | None = None,
) -> T:
    """Run *work* to its end on a new `VirtualLoop`, as `asyncio.run` does on a real one.

    Raises:
        Deadlock: *work* waits for something that cannot happen, unless *stuck* is given.
    """
    loop = VirtualLoop(schedule, stuck or refuse_deadlock)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(work)


def refuse_deadlock() -> None:
    """Say that nothing can happen any more, and where each task waits; called by the loop.

    Raises:
        Deadlock: always.
    """
    tasks = sorted(asyncio.all_tasks(), key=lambda task: task.get_name())
    waits = "".join(f"\n- {_waits(task)}" for task in tasks)
    msg = f"Nothing can happen any more, and the work is not done.{waits}"
    raise Deadlock(msg)


def _waits(task: "asyncio.Task[Any]") -> str:
    """Say where a task waits: the innermost place of its coroutines."""
    work: Any = task.get_coro()
    name, place = getattr(work, "__qualname__", "work"), "?"
    while (frame := getattr(work, "cr_frame", None)) is not None:
        place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        work = work.cr_await
    return f"{task.get_name()}, {name}, waits at {place}"
