"""Holds a run that is done again where its record was held, for as long (RX-9).

What happened at gates is in the record and no code's doing: it is written where it stands there.
Code that was held waits until its release is written, so that what else the request did
meanwhile keeps its place.
"""

import asyncio
from typing import Any

from eventstore import Event
from runtime.errors import GateFailedError
from runtime.facts import ContextEdited
from runtime.gate_facts import GateHit, GateReleased
from runtime.gates.keeper import failed
from runtime.lifecycle.points import Standstill
from runtime.lifecycle.run import Run


class Regated:
    """The points of a run that follows a record; see `runtime.lifecycle.gated.Gates`."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._standstill = Standstill(run)
        self._coming: int | None = None
        """Revision of a `gate.hit` that nobody has come to yet."""
        self._held: dict[int, asyncio.Future[GateFailedError | None]] = {}
        self._is_left = False

    def wrote(self, event: Event, revision: int) -> None:
        """Hear of a fact of the record that no code writes."""
        fact: Any = event.data
        if self._is_left:
            return
        if isinstance(fact, GateHit) and fact.paused:
            self._coming = revision
            self._held[revision] = self._run.loop.create_future()
            self._standstill.begin()
        elif isinstance(fact, GateReleased) and fact.hit in self._held:
            if fact.how == "stopped":
                # What stopped the request then does it again, while the code waits here.
                self._standstill.end()
                return
            error = failed(event.key or "", fact.by) if fact.how == "failed" else None
            self._let_go(fact.hit, error)
        elif isinstance(fact, ContextEdited) and event.key is not None:
            values = self._run.record.state.values
            if event.key in values:
                size = self._run.holdings.check(event.key, values[event.key])
                self._run.holdings.put(event.key, size)

    def _let_go(self, hit: int, error: GateFailedError | None) -> None:
        held = self._held[hit]
        if not held.done():
            self._standstill.end()
            held.set_result(error)

    async def reached(self) -> None:
        """Wait as long as the record did.

        Raises:
            GateFailedError: the request was failed here.
        """
        hit, self._coming = self._coming, None
        if hit is None:
            return
        error = await self._held[hit]
        if error is not None:
            raise error

    def close(self) -> None:
        """Hold nobody any more: the record is left, or ends."""
        self._is_left = True
        for hit in self._held:
            self._let_go(hit, None)


def has_gates(events: Any) -> bool:
    """Say whether something of a record happened at gates."""
    return any(isinstance(event.data, GateHit) for event in events)
