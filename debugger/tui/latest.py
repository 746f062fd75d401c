"""Questions to the store, asked off the screen's thread: the latest wins (RN-4).

A held key asks thirty times a second. One question is worked on, at most one waits, a
newer one takes the place of the one that waits, and answers that came too late are
dropped: what is shown is always the last thing asked for.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from textual.message_pump import MessagePump

T = TypeVar("T")


class _Question(msgspec.Struct, Generic[T]):
    number: int
    work: Callable[[], T]
    then: Callable[[T], None]
    failed: Callable[[Exception], None]
    context: contextvars.Context


class Latest:
    """One lane of questions, with a thread of its own.

    Args:
        host: whose message queue hands out the answers, in order with its messages.
        name: of the thread.
    """

    def __init__(self, host: MessagePump, name: str) -> None:
        self._host = host
        self._name = name
        self._asked = 0
        self._answered = 0
        self._waiting: _Question[Any] | None = None
        self._closed = False
        self._idle = True
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._answered != self._asked

    def ask(
        self,
        work: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Have *work* done in the thread; *then* or *failed* hears of it on the screen's.

        Neither is called once something newer was asked, or the lane was closed.
        """
        if self._closed:
            return
        self._asked += 1
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            # A daemon: quitting does not wait for a long scan.
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        with self._wake:
            context = contextvars.copy_context()
            self._waiting = _Question(self._asked, work, then, failed, context)
            self._idle = False
            self._wake.notify_all()

    def wait(self, most_s: float) -> None:
        """Give the thread the processor until it is done, *most_s* seconds at most.

        For a start, when nothing is on the screen yet that could stand still.
        """
        with self._wake:
            self._wake.wait_for(lambda: self._idle, most_s)

    def drop(self) -> None:
        """Want no answer any more."""
        self._asked += 1
        self._answered = self._asked
        with self._wake:
            self._waiting = None

    def close(self) -> None:
        """End the thread as soon as it is free."""
        self.drop()
        with self._wake:
            self._closed = True
            self._wake.notify_all()

    def superseded(self) -> bool:
        """Say, inside the work, whether something newer was asked: long scans then stop."""
        return self._waiting is not None or self._closed

    def _run(self) -> None:
        while True:
            with self._wake:
                while self._waiting is None:
                    self._idle = True
                    self._wake.notify_all()
                    if self._closed:
                        return
                    self._wake.wait()
                question, self._waiting = self._waiting, None
            try:
                answer = question.work()
            except Exception as error:  # noqa: BLE001 - told to whoever asked
                self._tell(question, question.failed, error)
            else:
                self._tell(question, question.then, answer)

    def _tell(self, question: _Question[Any], hear: Callable[[Any], None], what: Any) -> None:
        def deliver() -> None:
            if question.number == self._asked:
                self._answered = question.number
                hear(what)

        def hand_over() -> None:
            if not self._host.call_later(deliver):
                self.drop()  # the screen is closing

        loop = self._loop
        try:
            if loop is not None:
                loop.call_soon_threadsafe(hand_over, context=question.context)
        except RuntimeError:
            return  # the screen is gone, and its loop with it
