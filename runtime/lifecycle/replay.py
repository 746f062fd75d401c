"""Run a recorded request again with its recorded answers, and see whether it says the same.

Nothing is performed: the store is a list, the loop's time is virtual, effects are answered
from the record. Every fact is held against the record's as it is written.
"""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from eventstore import Clock, Commit, Event, NewEvent, Position, Revision, Store, StreamId, Ticket
from eventstore.values import Classes, Viewer
from runtime.effects import Outside
from runtime.effects.recorded import Recorded
from runtime.effects.virtual_loop import Deadlock, VirtualLoop
from runtime.errors import DivergenceError
from runtime.facts import Fact, RequestReceived
from runtime.gtype import any_classes
from runtime.lifecycle.alike import alike
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.handlers import HandlerVersion, Hook
from runtime.lifecycle.record import Recorder
from runtime.messages import Answer, Received

_encode = msgspec.json.Encoder().encode


class Divergence(msgspec.Struct, frozen=True):
    """Where code and record part."""

    revision: int
    """Of the first fact that differs."""
    kind: str
    """type, key, value, extra or missing."""
    recorded: Event | None
    attempted: NewEvent | None


class Rerun(msgspec.Struct, frozen=True):
    """What a re-execution gave."""

    facts: Sequence[NewEvent]
    """What it would have written; the n-th has revision n."""
    answer: Answer | None = None
    """None where it parted from the record."""
    divergence: Divergence | None = None


def reexecute(  # noqa: PLR0913 - what a controller takes, and two
    events: Sequence[Event],
    version: HandlerVersion,
    *,
    gctx: GlobalContext,
    before: Iterable[Hook] = (),
    after: Iterable[Hook] = (),
    catch: Iterable[Hook] = (),
    classes: Classes | None = None,
    root: Path | None = None,
    until: int | None = None,
    beyond: Outside | None = None,
) -> Rerun:
    """Run *version* on a recorded request, or resume it at a moment.

    Call it where no event loop runs, for instance in a thread.

    Args:
        events: of the stream, from its first on.
        version: what runs.
        gctx: modules, whose errors are raised again; they are not called.
        before: global hooks; so *after* and *catch*.
        after: see *before*.
        catch: see *before*.
        classes: that values may be of, as when it was recorded.
        root: the app's folder.
        until: facts up to this revision must be as recorded; None: all.
        beyond: answers the effects that had no answer at *until*, and all later ones;
            None: the record does.

    Returns:
        The facts it wrote; those after *until* are the code's own.

    Source: RX-2, RX-3, RX-7. A request that was stopped from outside, or timed out without
    ever waiting, parts from its record at that point.
    """
    classes = classes or any_classes(has_keyring=True)
    script = _Script(events, len(events) if until is None else until)
    outside = Recorded(events, Viewer(classes), script.written, until, beyond)
    script.outside = outside
    controller = Controller(
        cast(Store, _Nowhere()),
        clock=script.now_us,
        ids=_NoIds(),
        gctx=gctx,
        before=before,
        after=after,
        catch=catch,
        classes=classes,
        root=root,
        outside=outside,
        new_recorder=script.new_recorder,
    )
    loop = script.loop = VirtualLoop(stuck=_stuck)
    loop.set_exception_handler(_silent)
    first: RequestReceived = events[0].data
    work = controller.rerun(_received(events[0], first), version, first)
    try:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            answer = runner.run(work)
    except (_Parted, Deadlock):
        return Rerun(script.facts, None, script.divergence or script.missing())
    finally:
        controller.close()
    return Rerun(script.facts, answer, script.divergence)


class _Parted(BaseException):
    """Ends a run that parted from the record; user code has no business catching it."""


class _Script:
    """The record, and how far this run has followed it."""

    def __init__(self, events: Sequence[Event], until: int) -> None:
        self._events = events
        self._until = until
        self._recorder: Recorder | None = None
        self.loop: VirtualLoop | None = None
        self.outside: Recorded | None = None
        self.divergence: Divergence | None = None

    @property
    def facts(self) -> tuple[NewEvent, ...]:
        return tuple(self._recorder.events) if self._recorder else ()

    def written(self) -> int:
        return len(self._recorder.events) if self._recorder else 0

    def new_recorder(self, stream: StreamId, store: Store, clock: Clock) -> Recorder:
        self._recorder = _Following(stream, store, clock, self)
        return self._recorder

    def now_us(self) -> int:
        """Return the time at which the next fact was recorded, or the virtual time beyond."""
        count = self.written()
        began_us = self._events[0].at_us
        virtual_us = began_us + round(self.loop.time() * 1_000_000) if self.loop else began_us
        if count < min(self._until, len(self._events)):
            return self._events[count].at_us
        return virtual_us

    def check(self, attempted: NewEvent) -> None:
        """Hold the fact just written against the record."""
        revision = self.written()
        if self.divergence is not None:
            raise _Parted
        if revision <= self._until:
            recorded = self._events[revision - 1] if revision <= len(self._events) else None
            kind = _difference(recorded, attempted)
            if kind is not None:
                self.divergence = Divergence(revision, kind, recorded, attempted)
                raise _Parted
            self._pass_time(attempted.at_us)
        if self.outside is not None and self.loop is not None:
            if _runs(self.loop):
                self.outside.went_on()
            else:
                self.loop.call_soon_threadsafe(self.outside.went_on)

    def _pass_time(self, at_us: int) -> None:
        if self.loop is not None:
            since_s = (at_us - self._events[0].at_us) / 1_000_000
            self.loop.now_s = max(self.loop.now_s, since_s)

    def missing(self) -> Divergence:
        revision = self.written() + 1
        recorded = self._events[revision - 1] if revision <= len(self._events) else None
        return Divergence(revision, "missing", recorded, None)


class _Following(Recorder):
    """A recorder that follows a script."""

    __slots__ = ("_script",)

    def __init__(self, stream: StreamId, store: Store, clock: Clock, script: _Script) -> None:
        super().__init__(stream, store, clock)
        self._script = script

    def add(self, fact: Fact, key: str | None = None, site: str | None = None) -> None:
        super().add(fact, key, site)
        self._script.check(self.events[-1])


def _difference(recorded: Event | None, attempted: NewEvent) -> str | None:
    if recorded is None:
        return "extra"
    if recorded.type != attempted.type:
        return "type"
    if recorded.key != attempted.key:
        return "key"
    same = alike(_without_lines(recorded.data), _without_lines(attempted.data))
    return None if same else "value"


def _without_lines(fact: Any) -> Any:
    failure = getattr(fact, "failure", None)
    if failure is None or not failure.frames:
        return fact
    return msgspec.structs.replace(fact, failure=msgspec.structs.replace(failure, frames=()))


def _received(event: Event, first: RequestReceived) -> Received:
    """Return the request as far as the record knows it."""
    body = b""
    if first.body_text is not None:
        body = first.body_text.encode()
    elif first.body_size:
        body = _encode(first.body)
    return Received(
        stream=event.stream,
        method=first.method,
        path=first.path,
        received_us=event.at_us,
        params=first.params,
        query=first.query,
        headers=first.headers,
        body=body,
        client=first.client,
        trace_id=first.trace_id,
        span_id=first.span_id,
        parent_span_id=first.parent_span_id,
        correlation_id=first.correlation_id,
    )


def _runs(loop: VirtualLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _stuck() -> None:
    msg = "The run waits for what the record does not have."
    raise Deadlock(msg)


def _silent(_loop: asyncio.AbstractEventLoop, _context: dict[str, Any]) -> None:
    """Say nothing: what parts in an alarm is told by the run."""


class _Nowhere:
    """A store that keeps nothing."""

    url = "nowhere:"

    def append(self, stream: StreamId, events: Sequence[NewEvent], **_: Any) -> Ticket:
        last = Revision(len(events))
        return _Done(Commit(stream, Revision(1), last, Position(1), 0, b""))


class _Done:
    def __init__(self, commit: Commit) -> None:
        self._commit = commit

    def result(self, timeout_s: float | None = None) -> Commit:
        return self._commit

    async def durable(self) -> Commit:
        return self._commit


class _NoIds:
    """Makes none: a re-execution has all ids from the record."""

    def uuid7(self, at_us: int) -> Any:
        msg = f"A new id was asked for at {at_us}."
        raise DivergenceError(msg)

    def token(self, size: int) -> bytes:
        msg = f"{size} unguessable bytes were asked for."
        raise DivergenceError(msg)
