"""Keeps the gates of a process: who armed them, whom they hold, who let them go.

All of it happens on the event loop that serves; nothing here waits but held requests.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from eventstore import Clock, EventStoreError, Ids
from runtime.errors import GateFailedError, GateRefusedError
from runtime.facts import Fact
from runtime.gate_facts import GateArmed, GateDisarmed
from runtime.gates.armed import Gate
from runtime.gates.editing import apply_edits
from runtime.gates.pausing import Pause
from runtime.gates.views import GateView, Held
from runtime.gates.wanted import ReadCondition, Wanted
from runtime.gates.watching import Watch
from runtime.lifecycle.editing import SetState
from runtime.lifecycle.run import Run

OWNER_S = 5.0
"""After which an owner of whom nothing was heard is taken for lost (GA-11)."""
MOST_PAUSED = 20
_REMEMBERED = 1_000
RELEASES = ("resumed", "step", "failed", "forked")


class Keeper:
    """See the module's words.

    Args:
        clock: gives the time of day.
        ids: names gates.
        read: reads conditions.
        tell: writes to the app's control stream.
        node: this process, where several serve from the log.
    """

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        read: ReadCondition,
        tell: Callable[[Fact, str], None],
        node: str = "",
    ) -> None:
        self._node = node
        self._clock = clock
        self._ids = ids
        self._read = read
        self._tell = tell
        self._gates: dict[str, Gate] = {}
        self._owners: dict[str, asyncio.TimerHandle] = {}
        self._pauses: dict[str, Pause] = {}
        self._watches: dict[Pause, Watch] = {}
        self._released: dict[str, tuple[str, str]] = {}
        self._places = 0
        self.is_closed = False

    # --- what requests ask ---

    def watch(self, run: Run) -> Watch | None:
        """Return what holds a request that begins; None: no gate that is armed now may."""
        gates = [gate for gate in self._gates.values() if gate.wanted.fits_request(run)]
        return Watch(self, run, gates) if gates else None

    def room(self, gate: Gate) -> str:
        """Say why *gate* holds no request now; ``: it does."""
        return gate.refuses(lambda: self._places, MOST_PAUSED)

    def now_us(self) -> int:
        """Return the time."""
        return self._clock()

    def leave(self, gate: Gate) -> None:
        """Give a place of *gate* back."""
        gate.places -= 1
        self._places -= 1

    async def held(self, pause: Pause, watch: Watch) -> None:
        """Return when *pause* is over.

        Raises:
            GateFailedError: the request is to fail here.
        """
        self._pauses[pause.id] = pause
        self._watches[pause] = watch
        watch.pauses.append(pause)
        pause.gate.places += 1
        self._places += 1
        self._set_alarm(pause)
        pause.run.record.commit()
        try:
            # Code that waits for the first time has a section only when it has waited.
            await asyncio.sleep(0)
            pause.stand_still()
            with suppress(EventStoreError):
                await pause.run.record.durable()
            pause.is_shown = True
            await pause.done
        except asyncio.CancelledError:
            self.end(pause, "stopped", "")
            raise
        if pause.how == "failed":
            raise failed(pause.gate.id, pause.by)

    def _set_alarm(self, pause: Pause) -> None:
        if pause.alarm is not None:
            pause.alarm.cancel()
        pause.alarm = pause.run.loop.call_later(
            max(pause.left_s, 0.0), self.end, pause, "expired", ""
        )

    def end(self, pause: Pause, how: str, by: str, fork: str = "") -> None:
        """Let the request go on; the first who says so wins."""
        if pause.how:
            return
        del self._pauses[pause.id]
        watch = self._watches.pop(pause)
        watch.pauses.remove(pause)
        if how == "step":
            watch.step(pause.gate)
        else:
            self.leave(pause.gate)
        self._released[pause.id] = by, how
        if len(self._released) > _REMEMBERED:
            del self._released[next(iter(self._released))]
        pause.end(how, by, fork)

    # --- what debuggers ask ---

    def beat(self, owner: str) -> None:
        """Hear of *owner*; its gates stay armed for 5 s from now on."""
        if self.is_closed:
            return
        alarm = self._owners.pop(owner, None)
        if alarm is not None:
            alarm.cancel()
        loop = asyncio.get_running_loop()
        self._owners[owner] = loop.call_later(OWNER_S, self._lose, owner)

    def _lose(self, owner: str) -> None:
        del self._owners[owner]
        self._disarm_all(lambda gate: gate.owner == owner, "owner-lost")

    def _disarm_all(self, of: Callable[[Gate], bool], how: str) -> None:
        for gate in [gate for gate in self._gates.values() if of(gate)]:
            self._disarm(gate, gate.by, how)

    def arm(self, owner: str, by: str, wanted: Wanted) -> GateView:
        """Arm a gate, for requests that come from now on.

        Args:
            owner: whose heartbeat keeps it armed.
            by: who does it.
            wanted: what it matches.

        Raises:
            GateRefusedError: `bad-input`.
            Exception: that of the reader: the condition cannot be read.
        """
        if self.is_closed:
            raise GateRefusedError("bad-input", "The process stops.", "Arm it in the next one.")
        wanted.check()
        condition = self._read(wanted.when) if wanted.when else None
        gate = Gate(f"gate-{self._ids.token(4).hex()}", owner, by, wanted, condition)
        self.beat(owner)
        self._gates[gate.id] = gate
        armed = GateArmed(
            by, wanted.match, wanted.when, wanted.hold, wanted.cap, wanted.note, self._node
        )
        self._tell(armed, gate.id)
        return gate.view(0)

    def follow(self, armed: Mapping[str, GateArmed], disarmed: Mapping[str, str]) -> None:
        """Hold what is held at other processes, too.

        Args:
            armed: the gates that are armed there now.
            disarmed: how gates were disarmed, anywhere.
        """
        if self.is_closed:
            return
        for name in [n for n, gate in self._gates.items() if not gate.is_own and n not in armed]:
            self._end(self._gates[name], "", disarmed.get(name, "owner-lost"))
        for name in [n for n, gate in self._gates.items() if gate.is_own and n in disarmed]:
            self._end(self._gates[name], "", disarmed[name])
        for name, of in armed.items():
            if name not in self._gates and name not in disarmed:
                wanted = Wanted(of.match, of.when, of.hold, of.cap, of.note)
                with suppress(ValueError):  # of another release, whose filters say more
                    condition = self._read(of.when) if of.when else None
                    self._gates[name] = Gate(name, "", of.by, wanted, condition, is_own=False)

    def disarm(self, gate: str, by: str) -> None:
        """Disarm a gate; what it holds goes on.

        Raises:
            GateRefusedError: `no-such`.
        """
        if gate not in self._gates:
            raise _no_such("gate", gate, self._gates)
        self._disarm(self._gates[gate], by, "disarmed")

    def _disarm(self, gate: Gate, by: str, how: str) -> None:
        self._end(gate, by, how)
        if gate.is_own or how == "disarmed":
            # What is armed at another process ends here with this one, and goes on there.
            self._tell(GateDisarmed(by, how), gate.id)

    def _end(self, gate: Gate, by: str, how: str) -> None:
        del self._gates[gate.id]
        gate.is_armed = False
        for pause in [each for each in self._pauses.values() if each.gate is gate]:
            self.end(pause, how, by)

    def release(
        self, of: str, how: str, by: str, edits: Sequence[SetState] = (), fork: str = ""
    ) -> str:
        """Let a held request go on; return the pause's id.

        Args:
            of: the pause, or the request or gate that has but one.
            how: resumed, step, failed or forked.
            by: who does it.
            edits: of its state, applied before it goes on; all or none.
            fork: of `forked`: the id of the fork.

        Raises:
            GateRefusedError: `no-such`; `released`: somebody was first; `bad-input`: with all
                that is wrong with the edits, and it is still held.
        """
        pause = self._find(of)
        if how not in RELEASES or (edits and how not in {"resumed", "step"}):
            raise GateRefusedError("bad-input", f"No request goes on so: {how[:40]!r}.")
        if edits:
            apply_edits(pause.run, edits, gate=pause.gate.id, by=by)
            how = "edited" if how == "resumed" else how
        self.end(pause, how, by, fork)
        return pause.id

    def extend(self, of: str, seconds: float) -> float:
        """Let a request be held for longer; return the seconds left.

        Raises:
            GateRefusedError: as for `release`.
        """
        pause = self._find(of)
        if not seconds > 0:
            raise GateRefusedError("bad-input", f"{seconds} s are no time to wait.")
        pause.extend(seconds)
        self._set_alarm(pause)
        return round(pause.left_s, 3)

    def view(self) -> Held:
        """Show all there is."""
        paused = [each for each in self._pauses.values() if each.is_shown]
        return Held(
            tuple(
                gate.view(sum(each.gate is gate for each in paused))
                for gate in self._gates.values()
            ),
            tuple(each.view(self._clock) for each in paused),
        )

    def close(self) -> None:
        """Disarm all; what is held goes on, and nothing is held any more."""
        self.is_closed = True
        for alarm in self._owners.values():
            alarm.cancel()
        self._owners.clear()
        self._disarm_all(lambda _: True, "shutdown")

    def _find(self, of: str) -> Pause:
        if of in self._pauses:
            return self._pauses[of]
        found = [p for p in self._pauses.values() if of in (p.run.request_id, p.gate.id)]
        if len(found) == 1:
            return found[0]
        if found:
            named = ", ".join(pause.id for pause in found)
            raise GateRefusedError("bad-input", f"{of} holds several.", f"Name one: {named}.")
        ids = [each for each in self._released if each == of or each.partition("@")[0] == of]
        if ids:
            by, how = self._released[ids[-1]]
            problem = f"{ids[-1]} is held no more: {how}{f' by {by}' if by else ''}."
            raise GateRefusedError("released", problem, "", by, how)
        raise _no_such("pause", of, self._pauses)


def failed(gate: str, by: str) -> GateFailedError:
    """Return the error of a request that somebody let fail."""
    return GateFailedError(f"The request was failed at {gate} by {by}.")


def _no_such(what: str, named: str, known: Iterable[str]) -> GateRefusedError:
    there = ", ".join(known) or "none"
    return GateRefusedError(
        "no-such", f"There is no {what} {named[:80]!r}.", f"There are: {there}."
    )
