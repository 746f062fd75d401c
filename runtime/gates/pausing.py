"""One request while a gate holds it, and how it goes on."""

import asyncio

from eventstore import Clock
from runtime.gate_facts import GateReleased
from runtime.gates.armed import Gate
from runtime.gates.views import PauseView
from runtime.lifecycle.gated import MOST_HOLD_S
from runtime.lifecycle.points import Standstill
from runtime.lifecycle.run import Run


class Pause:
    """Begins when it is made: its `gate.hit` has just been written."""

    def __init__(self, run: Run, gate: Gate, point: str, standstill: Standstill) -> None:
        self.run = run
        self.gate = gate
        self.point = point
        self.hit = int(run.record.revision)
        self.id = f"{run.request_id}@{self.hit}"
        self.how = ""
        """How it was released; `` while it is held."""
        self.by = ""
        self.is_shown = False
        """Whether the log has what led to it."""
        self.done: asyncio.Future[None] = run.loop.create_future()
        self.alarm: asyncio.TimerHandle | None = None
        self._standstill = standstill
        self._stands = False
        self._since = run.loop.time()
        self._until = self._since + gate.wanted.hold

    @property
    def left_s(self) -> float:
        """Seconds until it goes on by itself."""
        return self._until - self.run.loop.time()

    def extend(self, seconds: float) -> None:
        """Let it be held for longer, but never for more than 300 s in all (GA-6)."""
        self._until = min(self._until + seconds, self._since + MOST_HOLD_S)

    def stand_still(self) -> None:
        """Stop the request's time, if it is not over already."""
        if not self.how:
            self._stands = True
            self._standstill.begin()

    def end(self, how: str, by: str, fork: str) -> None:
        """Write down that the request goes on, and let it."""
        self.how, self.by = how, by
        if self.alarm is not None:
            self.alarm.cancel()
        if self._stands:
            self._standstill.end()
        record = self.run.record
        waited = round(self.run.loop.time() - self._since, 6)
        record.add(GateReleased(self.hit, how, by, waited, fork), self.gate.id)
        record.commit()
        if not self.done.done():
            self.done.set_result(None)

    def view(self, clock: Clock) -> PauseView:
        """Show it."""
        now = self.run.loop.time()
        return PauseView(
            self.id, self.run.request_id, self.gate.id, self.point, self.hit - 1,
            round(now - self._since, 3), round(max(self._until - now, 0.0), 3),
            patience(self.run, clock()), self.gate.by,
        )  # fmt: skip


def patience(run: Run, now_us: int) -> float | str:
    """Say how long the caller still waits, by what it said (GA-7)."""
    stated = run.received.timeout_s
    if not run.delivered:
        return "gone"
    if stated is None:
        return "not stated"
    left = stated - (now_us - run.received.received_us) / 1_000_000
    return round(left, 3) if left > 0 else "gone"
