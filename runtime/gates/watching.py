"""Watches one request for the gates that may hold it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from eventstore import NewEvent
from runtime.context import Folding
from runtime.gate_facts import GateHit, GateReleased
from runtime.gates.armed import Gate
from runtime.gates.pausing import Pause
from runtime.gates.wanted import Moment
from runtime.lifecycle.points import Standstill
from runtime.lifecycle.run import Run
from runtime.lifecycle.sections import was_cancelled


class Holding(Protocol):
    """Who holds requests."""

    def room(self, gate: Gate) -> str:
        """Say why *gate* holds no request now; ``: it does."""
        ...

    def now_us(self) -> int:
        """Return the time."""
        ...

    def leave(self, gate: Gate) -> None:
        """Give a place of *gate* back."""
        ...

    async def held(self, pause: Pause, watch: "Watch") -> None:
        """Return when *pause* is over."""
        ...

    def end(self, pause: Pause, how: str, by: str) -> None:
        """Let the request go on."""
        ...


class Watch:
    """The points of one request; see `runtime.lifecycle.points.Gates`.

    Args:
        keeper: holds it.
        run: the request.
        gates: that match it, as far as that can be said when it begins.
    """

    def __init__(self, keeper: Holding, run: Run, gates: Sequence[Gate]) -> None:
        self._keeper = keeper
        self._run = run
        self._gates = gates
        self._seen = 0
        self._folding: Folding | None = None
        self._folded = 0
        self._done: set[Gate] = set()
        """Gates that stop it once, and have."""
        self._told: set[tuple[Gate, str]] = set()
        self._standstill = Standstill(run)
        self._is_over = False
        self._stepping: Gate | None = None
        self.pauses: list[Pause] = []

    async def reached(self) -> None:
        """Hold the request, if a fact since the last point says so (GA-2)."""
        run = self._run
        if self._is_over or run.stop_reason is not None or was_cancelled(run):
            return
        pause = self._hit()
        if pause is not None:
            await self._keeper.held(pause, self)

    def close(self) -> None:
        """Let go of what is held."""
        self._is_over = True
        for pause in tuple(self.pauses):
            self._keeper.end(pause, "ended", "")
        self._stop_stepping()

    def step(self, gate: Gate) -> None:
        """Hold the request at its next point, whatever that is; it keeps its place."""
        self._stop_stepping()
        self._stepping = gate

    def _stop_stepping(self) -> Gate | None:
        gate, self._stepping = self._stepping, None
        if gate is not None:
            self._keeper.leave(gate)
        return gate if gate is not None and gate.is_armed else None

    # --- at a point ---

    def _hit(self) -> Pause | None:
        point = self._run.record.events[-1]
        matched = list(self._matched())
        stepped = self._stop_stepping()
        found: list[tuple[Gate, str]] = [] if stepped is None else [(stepped, "")]
        found += [(gate, reason) for gate, reason in matched if gate is not stepped]
        named = f"{point.type} {point.key or ''}".rstrip()
        pause: Pause | None = None
        for gate, unknown in found:
            reason = unknown or self._keeper.room(gate)
            if not reason and pause is not None:
                reason = f"held by {pause.gate.id}"
            gate.hits += 1
            if reason:
                self._tell(gate, named, reason)
                continue
            self._run.record.add(GateHit(named, paused=True), gate.id)
            if gate.wanted.is_once:
                self._done.add(gate)
            pause = Pause(self._run, gate, named, self._standstill)
        self._seen = len(self._run.record.events)
        return pause

    def _tell(self, gate: Gate, point: str, reason: str) -> None:
        """Write down that it was not held, for each reason once."""
        if (gate, reason) not in self._told:
            self._told.add((gate, reason))
            self._run.record.add(GateHit(point, paused=False, reason=reason), gate.id)

    def _matched(self) -> Iterator[tuple[Gate, str]]:
        """Give the gates that match a fact since the last point, and what nobody can say."""
        events = self._run.record.events
        for gate in self._gates:
            if not gate.is_armed or gate in self._done:
                continue
            unknown = ""
            for index in range(self._seen, len(events)):
                answer = self._judged(gate, events, index)
                if answer is True:
                    yield gate, ""
                    break
                unknown = unknown or answer or ""
            else:
                if unknown:
                    yield gate, unknown

    def _judged(self, gate: Gate, events: Sequence[NewEvent], index: int) -> bool | str:
        event = events[index]
        if isinstance(event.data, GateHit | GateReleased) or not gate.wanted.fits_fact(event):
            return False
        if gate.condition is None:
            return True
        before, after = self._states(events, index)
        moment = Moment(
            self._run.record.stream, events[: index + 1], before, after, self._keeper.now_us()
        )
        try:
            return gate.condition(moment)
        except Exception as error:  # noqa: BLE001 - no condition may disturb a request
            return f"error: {type(error).__name__}"

    def _states(self, events: Sequence[NewEvent], index: int) -> tuple[dict[str, object], ...]:
        if self._folding is None or self._folded > index:
            # Another gate looks at the same facts once more.
            self._folding, self._folded = Folding(), 0
        self._fold(events, index)
        before = dict(self._folding.values)
        self._fold(events, index + 1)
        return before, dict(self._folding.values)

    def _fold(self, events: Sequence[NewEvent], until: int) -> None:
        folding = self._folding
        assert folding is not None  # noqa: S101 - made by the caller
        for n in range(self._folded, until):
            event = events[n]
            folding.add(event.data, event.key, n + 1, event.at_us, event.site)
        self._folded = until
