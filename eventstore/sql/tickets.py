"""The promise of an append: kept by the writer thread, waited for by threads and event loops."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec

from eventstore.errors import EventStoreError
from eventstore.events import Commit

Outcome: TypeAlias = Commit | EventStoreError


class SqlTicket(msgspec.Struct, eq=False):
    """See `eventstore.store.Ticket`. Only `settle` may set *outcome*."""

    # No lock between waiter and writer: a waiter puts itself down and then looks for the
    # outcome, the writer puts the outcome down and then looks for waiters; one sees the other.

    ring: Callable[[], None]
    """Has the commit written now, where an event loop still gathers."""
    outcome: Outcome | None = None
    waiters: list[asyncio.Future[None]] = []
    gate: "threading.Lock | None" = None
    """Locked until there is an outcome. A bare lock: an Event costs four times as much."""

    def result(self, timeout_s: float | None = None) -> Commit:
        """Block until the commit is durable.

        Raises:
            EventStoreError: what the append met.
            TimeoutError: it is still on its way after *timeout_s*.
        """
        if self.outcome is None:
            with _making_gates:
                gate = self.gate
                if gate is None:
                    gate = threading.Lock()
                    gate.acquire()
                    self.gate = gate
            if self.outcome is None:
                self.ring()
                if not gate.acquire(timeout=-1 if timeout_s is None else timeout_s):
                    msg = f"The commit is not durable after {timeout_s} s; it is still on its way."
                    raise TimeoutError(msg)
                gate.release()  # for the next who waits
        return self._answer()

    async def durable(self) -> Commit:
        """Wait until the commit is durable, without blocking the event loop.

        Raises:
            EventStoreError: what the append met.
        """
        if self.outcome is None:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.waiters.append(waiter)
            if self.outcome is None:
                await waiter
        return self._answer()

    def _answer(self) -> Commit:
        if isinstance(self.outcome, EventStoreError):
            raise self.outcome
        assert self.outcome is not None  # noqa: S101 - for the type checker
        return self.outcome


def settle(tickets: Iterable[SqlTicket], outcomes: Iterable[Outcome]) -> int:
    """Tell all who wait, with one wake-up for each event loop; return how many threads wait."""
    threads = 0
    here = asyncio._get_running_loop()  # noqa: SLF001 - the public one raises where there is none
    elsewhere: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for ticket, outcome in zip(tickets, outcomes, strict=True):
        ticket.outcome = outcome
        for waiter in ticket.waiters:
            if (loop := waiter.get_loop()) is not here:
                elsewhere.setdefault(loop, []).append(waiter)
            elif not waiter.done():
                waiter.set_result(None)
        if ticket.gate is not None:
            ticket.gate.release()
            threads += 1
    for loop, waiters in elsewhere.items():
        try:
            loop.call_soon_threadsafe(_wake, waiters)
        except RuntimeError:
            continue  # the loop is closed: nobody waits there any more
    return threads


def _wake(waiters: Iterable[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)


_making_gates = threading.Lock()
