"""Follows a record while a run writes its facts again, and says where the two part.

Next fact an answer: it is given. Next fact the code's: the run goes on until it comes (RX-2).
A *strict* run ends where it differs. A *lenient* one, which becomes a fork, is *loose* from
there on: it has left its record, time is virtual, answers come by what is asked (RX-6).
"""

import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import msgspec

from eventstore import Clock, Event, NewEvent, Store, StreamId
from eventstore.values import Withheld
from runtime.errors import NotRecordedError
from runtime.facts import (
    ContextDeleted,
    ContextEdited,
    ContextRestored,
    EffectRequested,
    Fact,
    RequestTimedOut,
)
from runtime.gate_facts import GateHit, GateReleased
from runtime.lifecycle.record import Recorder
from runtime.lifecycle.run import Run
from runtime.replay.answering import Answers
from runtime.replay.divergence import Divergence, Kind, difference
from runtime.replay.gating import Regated, has_gates
from runtime.replay.looping import ReplayLoop, runs_here

_SLACK_S = 0.001
"""What a recorded time may lie before the timer that brought it about."""
_OF_VERSIONS = frozenset({"version.resolved", "version.placed"})
_AT_GATES = (GateHit, GateReleased)
_EDITS = (ContextEdited, ContextDeleted, ContextRestored)
_GIVE_VALUE = "Give it a value (--input /body/…=JSON), or replay a request whose record has it."


class Parted(BaseException):
    """Ends a run that parted from the record; user code has no business catching it."""


class Course(msgspec.Struct, frozen=True):
    """What a run is to follow, and for how long."""

    events: Sequence[Event]
    """The record, with what a fork changes in it."""
    until: int
    """Facts up to this revision have to be as in the record."""
    lenient: bool = False
    """Whether the run goes on where it differs later."""
    leave: int | None = None
    """The revision behind which the run leaves its record in any case."""
    other_version: bool = False
    """Whether another version runs, so that what names versions differs."""


class Follower:
    """The record, and how far this run has followed it.

    Args:
        course: what to follow.
        codes: fingerprints of what ran and of what runs.
    """

    def __init__(self, course: Course, codes: tuple[str, str] = ("", "")) -> None:
        self._course = course
        self._codes = codes
        self._events = course.events
        self._facts: Sequence[NewEvent] = ()
        """Those of the recorder, which adds to them."""
        self._ended = False
        self._overdue = False
        self._began_us = course.events[0].at_us
        self.loop: ReplayLoop | None = None
        self.answers: Answers | None = None
        self.run: Run | None = None
        self._gates: Regated | None = None
        self.loose = False
        self.alike = 0
        """How many facts from the first on are the record's own, ids and all."""
        self.divergence: Divergence | None = None
        self.refusal: Exception | None = None
        """Why the request cannot be run again, where that is the reason."""

    def begun(self, run: Run) -> None:
        """Hear of the run that is done."""
        self.run = run
        if has_gates(self._events):
            run.gates = self._gates = Regated(run)

    # --- how far it is ---

    @property
    def facts(self) -> tuple[NewEvent, ...]:
        """What the run has written."""
        return tuple(self._facts)

    def written(self) -> int:
        """Return how many facts there are."""
        return len(self._facts)

    def new_recorder(self, stream: StreamId, store: Store, clock: Clock) -> Recorder:
        """Make what the run writes to."""
        recorder = _Following(stream, store, clock, self)
        self._facts = recorder.events
        return recorder

    def now_us(self) -> int:
        """Return the time at which the next fact was recorded; the virtual time when loose."""
        coming = self.coming
        return self.virtual_us() if coming is None else coming.at_us

    def virtual_us(self) -> int:
        """Return the virtual time in µs since 1970."""
        return self._began_us + (round(self.loop.now_s * 1_000_000) if self.loop else 0)

    def _since(self, at_us: int) -> float:
        return (at_us - self._began_us) / 1_000_000

    # --- fact by fact ---

    def wrote(self, attempted: NewEvent) -> None:
        """Hold the fact just written against the record.

        Raises:
            Parted: the run ends here.
        """
        if self._ended:
            raise Parted
        revision = self.written()
        if not self.loose:
            self._compare(revision, attempted)
            # The first fact that differs has its time from the record, too.
            self._pass_time(attempted.at_us)
            if revision == self._course.leave:
                self.loosen()
        self._tell_answers()

    def _compare(self, revision: int, attempted: NewEvent) -> None:
        recorded = self._events[revision - 1] if revision <= len(self._events) else None
        kind = difference(recorded, attempted)
        if kind is None or self._is_other_version(recorded, attempted):
            if kind is None and self.alike == revision - 1 and _key(recorded) == attempted.key:
                self.alike = revision
        elif kind == "redacted":
            self._refuse(f"The code writes what it read of a redacted value, at {attempted.type}.")
        elif self._overdue:
            self.part(revision, "missing", recorded, None)
        else:
            self.part(revision, kind, recorded, attempted)

    def _is_other_version(self, recorded: Event | None, attempted: NewEvent) -> bool:
        if recorded is None or recorded.type != attempted.type:
            return False
        return recorded.type in _OF_VERSIONS and self._course.other_version

    def part(
        self, revision: int, kind: Kind, recorded: Event | None, attempted: NewEvent | None
    ) -> None:
        """Note the first difference; go on loosely where that is wanted.

        Raises:
            Parted: it is not.
        """
        if self.divergence is None:
            self.divergence = Divergence(revision, kind, recorded, attempted, *self._codes)
        if not self._course.lenient or revision <= self._course.until:
            self.end()
        self.loosen()

    def end(self) -> NoReturn:
        """End the run, whatever user code does about it.

        Raises:
            Parted: always.
        """
        self._ended = True
        raise Parted

    def loosen(self) -> None:
        """Leave the record: what waits for its turn goes when it did then."""
        self.loose = True
        if self._gates is not None:
            self._in_loop(self._gates.close)
        if self.answers is not None and self.loop is not None:
            loop, answers = self.loop, self.answers
            self._in_loop(lambda: answers.loosen(loop, self._recorded_s))

    def _recorded_s(self, revision: int) -> float:
        return self._since(self._events[revision - 1].at_us)

    def _pass_time(self, at_us: int) -> None:
        if self.loop is None:
            return
        self.loop.now_s = max(self.loop.now_s, self._since(at_us))
        run = self.run
        if run is not None and isinstance(_data(self.coming), RequestTimedOut) and not run.is_held:
            # The deadline may have passed without the code ever waiting.
            self.loop.now_s = max(self.loop.now_s, run.deadline_at)

    def _tell_answers(self) -> None:
        if self.answers is not None:
            self._in_loop(self.answers.went_on)

    def _in_loop(self, call: Callable[[], None]) -> None:
        """Call it in the loop's own thread: user code may be in another one."""
        if self.loop is None or runs_here(self.loop):
            call()
        else:
            self.loop.call_soon_threadsafe(call)

    @property
    def coming(self) -> Event | None:
        """The record's next fact."""
        count = len(self._facts)
        return self._events[count] if count < len(self._events) and not self.loose else None

    def injected(self) -> Event | None:
        """Return the record's next fact if it is one that no code writes (RX-5, RX-9)."""
        coming = self.coming
        fact = _data(coming)
        if isinstance(fact, _EDITS):
            return coming if fact.origin else None
        return coming if isinstance(fact, _AT_GATES) else None

    def wrote_injected(self, event: Event) -> None:
        """Hear that *event* was written, which no code writes."""
        if self._gates is not None:
            gates, revision = self._gates, self.written()
            self._in_loop(lambda: gates.wrote(event, revision))
            self._pass_time(event.at_us)  # its time may go on from here

    # --- when nothing can happen ---

    def idle(self, wait_s: float | None) -> bool:
        """Decide when nothing can happen before an alarm in *wait_s*; None: nothing ever.

        Returns:
            Whether something can happen now.

        Raises:
            Parted: the run waits for what the record does not have.
        """
        coming = self.coming
        if self._ended or (coming is None and wait_s is None):
            # It waits for ever, for what is neither in the record nor in the future.
            if not self._ended and self.divergence is None and not self.loose:
                self._missing()
            self.end()
        if coming is None:
            return False
        if self._stop_as_recorded():
            return True
        loop = self.loop
        assert loop is not None  # noqa: S101 - it is who asks
        if wait_s is not None and loop.now_s + wait_s <= self._since(coming.at_us) + _SLACK_S:
            return False
        if wait_s is not None and not self._course.lenient:
            # The machine's clock may have been set meanwhile: see what the code does next.
            self._overdue = True
            return False
        return self._missing()

    def _missing(self) -> bool:
        self.part(self.written() + 1, "missing", self.coming, None)
        return True

    def finished(self) -> None:
        """Say that the run is over: the record must be, too."""
        if self.coming is not None:
            with contextlib.suppress(Parted):
                self._missing()

    def _stop_as_recorded(self) -> bool:
        """Stop the run from outside, if that is what happened next."""
        run, reason = self.run, _stopped_by(self.coming, self._events)
        if run is None or reason is None or run.stop_reason is not None:
            return False
        if reason == "cancelled":
            run.stop_reason = reason
            run.task.cancel()
        else:
            run.stop(reason)
        return True

    # --- what the record does not have ---

    def withhold(self, what: str) -> Withheld:
        """Return a stand-in for *what*, which refuses to be looked at."""
        return Withheld(lambda: self._refuse(f"The code reads {what}, which was not recorded."))

    def _refuse(self, problem: str) -> NoReturn:
        self.cannot(NotRecordedError(problem, _GIVE_VALUE))

    def cannot(self, why: Exception) -> NoReturn:
        """End the run: it cannot be done again, for this reason.

        Raises:
            Parted: always.
        """
        if self.refusal is None:
            self.refusal = why
        self.end()


class _Following(Recorder):
    """A recorder that follows a record."""

    __slots__ = ("_follower",)

    def __init__(self, stream: StreamId, store: Store, clock: Clock, follower: Follower) -> None:
        super().__init__(stream, store, clock)
        self._follower = follower

    def add(self, fact: Fact, key: str | None = None, site: str | None = None) -> None:
        with self._lock:
            watching = sys.getprofile()
            if not callable(watching):
                # Nobody watches, or a profiler, which is no function.
                self._add(fact, key, site)
                return
            # The tripwire watches user code, and this is none: to watch it costs 10 times more.
            sys.setprofile(None)
            try:
                self._add(fact, key, site)
            finally:
                sys.setprofile(watching)

    def _add(self, fact: Fact, key: str | None, site: str | None) -> None:
        follower = self._follower
        if isinstance(fact, EffectRequested) and follower.answers is not None:
            fact = follower.answers.asked(fact, key, _data(follower.coming))
        super().add(fact, key, site)
        follower.wrote(self.events[-1])
        while (edit := follower.injected()) is not None:
            super().add(edit.data, edit.key, edit.site)
            follower.wrote(self.events[-1])
            follower.wrote_injected(edit)

    def add_together(self, facts: Any) -> None:
        for fact, key in facts:
            self.add(fact, key)


def _key(event: Event | None) -> str | None:
    return None if event is None else event.key


def _data(event: Event | None) -> Any:
    return None if event is None else event.data


def _stopped_by(coming: Event | None, events: Sequence[Event]) -> str | None:
    """Say why the run was stopped from outside just now; None: it was not."""
    failure = getattr(_data(coming), "failure", None)
    if failure is None or failure.error not in {"RequestStoppedError", "CancelledError"}:
        return None
    if events[-1].type == "request.aborted":
        return events[-1].key
    message = next((m for event in events if (m := _stop_message(event))), None)
    return message and message.removeprefix("The request was stopped: ").split(". ")[0]


def _stop_message(event: Event) -> str | None:
    failure = getattr(event.data, "failure", None)
    return failure.message if failure and failure.error == "RequestStoppedError" else None
