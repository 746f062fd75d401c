"""Run a recorded request again, with nothing outside of it.

The store is a list, the loop's time is virtual, effects are answered from the record. No
module, clock, random source, queue or socket is touched (RX-2).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from eventstore import Commit, Event, NewEvent, Position, Revision, Store, StreamId, Ticket
from eventstore.values import Classes, Viewer
from runtime.effects import Sites
from runtime.errors import DivergenceError, NotReplayableError
from runtime.facts import RequestReceived, ResponseSent
from runtime.gtype import any_classes
from runtime.lifecycle.controller import Controller
from runtime.lifecycle.global_context import GlobalContext
from runtime.lifecycle.handlers import HandlerVersion, Hook
from runtime.lifecycle.run import Run
from runtime.messages import Answer, Received, Request
from runtime.replay.answering import Answers, Given
from runtime.replay.divergence import Divergence
from runtime.replay.following import Course, Follower, Parted
from runtime.replay.limiting import CPU_S, Watch
from runtime.replay.lines import Line
from runtime.replay.looping import looping
from runtime.replay.quiet import quiet
from runtime.replay.recorded_request import UNCHANGED, Reading, received
from runtime.replay.tracing import Tracer, traced


class Stage:
    """What runs of one app share, so that none has to make it.

    Args:
        root: the app's folder; None: the folder the process runs in.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.sites = Sites(root)
        self.watch = Watch()


class Program(msgspec.Struct, frozen=True):
    """What runs: a version of a handler, and what surrounds it."""

    version: HandlerVersion
    gctx: GlobalContext
    """Its modules are not called; their errors are raised again, their answers checked."""
    before: Sequence[Hook] = ()
    """Global hooks; so *after* and *catch*."""
    after: Sequence[Hook] = ()
    catch: Sequence[Hook] = ()
    classes: Classes | None = None
    """That values may be of, as when it was recorded."""
    root: Path | None = None
    """The app's folder."""
    codes: tuple[str, str] = ("", "")
    """Fingerprints of what ran and of what runs."""
    stage: Stage | None = None
    """Shared with other runs of the app; None: it has one of its own."""


class Rerun(msgspec.Struct, frozen=True):
    """What a run that was done again gave."""

    facts: Sequence[NewEvent]
    """What it would have written; the n-th has revision n."""
    answer: Answer | None = None
    """None where it ended at a divergence."""
    divergence: Divergence | None = None
    alike: int = 0
    """How many facts from the first on are the record's own."""
    unavailable: Sequence[str] = ()
    """Effects that neither record nor stubs had an answer for."""
    lines: Sequence[Line] = ()
    """Of a traced run."""


def rerun(
    program: Program,
    course: Course,
    *,
    record: Sequence[Event] | None = None,
    body: Any = UNCHANGED,
    given: Given | None = None,
    trace: bool = False,
    cpu_s: float = CPU_S,
) -> Rerun:
    """Run *program* along *course*; call it where no event loop runs.

    Args:
        program: what runs.
        course: what it follows.
        record: the events that effects are answered from; None: those of *course*.
        body: another body of the request, decoded.
        given: what answers effects besides.
        trace: keep lines and locals.
        cpu_s: processor time it may take.

    Raises:
        NotReplayableError: the code reads what the record does not have.
        ReplayLimitError: it took more than *cpu_s*.
    """
    follower = Follower(course, program.codes)
    record = course.events if record is None else record
    classes = program.classes or any_classes(has_keyring=True)
    answers = Answers(record, Viewer(classes), follower, given or Given())
    follower.answers = answers
    stage = program.stage or Stage(program.root)
    controller = _controller(program, follower, classes, stage.sites)
    tracer = Tracer(controller.surroundings.sites, follower.written) if trace else None
    answer = None
    try:
        with (
            stage.watch.limited(cpu_s), quiet(), traced(tracer), looping(follower.idle) as loop
        ):  # fmt: skip
            follower.loop = loop
            # What parts in an alarm is told by the run.
            loop.set_exception_handler(lambda _loop, _context: None)
            asked = _Asked(program, course, record, follower, body)
            answer = loop.run_until_complete(asked.run(controller))
            follower.finished()
    except Parted:
        pass
    finally:
        controller.close()
    if follower.refusal is not None:
        raise follower.refusal
    return Rerun(
        follower.facts,
        answer,
        follower.divergence,
        follower.alike,
        tuple(dict.fromkeys(answers.unavailable)),
        tracer.lines if tracer else (),
    )


def _controller(program: Program, follower: Follower, classes: Classes, sites: Sites) -> Controller:
    return Controller(
        cast(Store, _Nowhere()),
        clock=follower.now_us,
        ids=_NoIds(),
        gctx=program.gctx,
        before=program.before,
        after=program.after,
        catch=program.catch,
        classes=classes,
        sites=sites,
        outside=follower.answers,
        new_recorder=follower.new_recorder,
    )


class _Asked:
    """The recorded request, as it is put to the controller once more."""

    def __init__(
        self,
        program: Program,
        course: Course,
        record: Sequence[Event],
        follower: Follower,
        body: Any,
    ) -> None:
        self._first = course.events[0]
        self._last = record[-1].data
        self._follower = follower
        self._version = program.version
        self._reading = Reading(program.version.spoken, record, follower.withhold, body)
        self._record = record
        self._message = received(self._first, record, follower.withhold, body)

    async def run(self, controller: Controller) -> Answer:
        first: RequestReceived = self._first.data
        version = msgspec.structs.replace(self._version, parse=self._parse)
        if version.crossing is not None:
            # What was received is read as its caller's version, and what became of it as this.
            spoken = msgspec.structs.replace(version.crossing.spoken, parse=self._parse)
            crossing = msgspec.structs.replace(version.crossing, spoken=spoken)
            reached = Reading(self._version, self._record, self._follower.withhold)
            version = msgspec.structs.replace(version, parse=reached.parse, crossing=crossing)
        return await controller.rerun(self._message, version, first, self._begun)

    def _parse(self, message: Received) -> Request[Any]:
        try:
            return self._reading.parse(message)
        except NotReplayableError as error:
            self._follower.cannot(error)

    def _begun(self, run: Run) -> None:
        self._follower.begun(run)
        if isinstance(self._last, ResponseSent):
            # Whether somebody waited for the answer is not the code's doing.
            run.delivered = self._last.delivered


class _Nowhere:
    """A store that keeps nothing."""

    url = "nowhere:"
    has_keyring = True
    nodes = None

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
