"""Run a request again for a face of the debugger, and hand over what came of it (RP-1, WI-1).

User code runs in another process (`debugger.session.process`), so what is asked and what is
answered are plain values. The run is not written anywhere: it comes back as a history.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import msgspec

from debugger.session.session import Session
from debugger.session.upkeep import KIND
from debugger.timeline import Timeline
from eventstore import (
    NEW,
    Event,
    EventStoreError,
    NewEvent,
    Position,
    Revision,
    Store,
    StreamId,
)
from eventstore.codec.hiding import with_hidden
from eventstore.redaction import MARK
from eventstore.values import Tree, decode
from runtime.app import load_app
from runtime.context import registry
from runtime.errors import TimescapeError
from runtime.replay import Divergence, Edit, Library, Line, Options, Replay, UnsetState, run_again
from runtime.replay import SetAnswer as _SetAnswer
from runtime.replay import SetInput as _SetInput
from runtime.replay import SetState as _SetState


class StateEdit(msgspec.Struct, frozen=True, tag="state"):
    """A value of the state is another one from the moment on."""

    path: tuple[str, ...]
    value: Tree


class Unset(msgspec.Struct, frozen=True, tag="unset"):
    """A value of the state is not there from the moment on."""

    path: tuple[str, ...]


class InputEdit(msgspec.Struct, frozen=True, tag="input"):
    """The request is another one."""

    path: tuple[str, ...]
    value: Tree


class AnswerEdit(msgspec.Struct, frozen=True, tag="answer"):
    """An effect gets another answer."""

    n: int
    value: Tree


class Stub(msgspec.Struct, frozen=True, tag="stub"):
    """What a call is answered that the record has no answer for."""

    name: str
    value: Tree


class Live(msgspec.Struct, frozen=True, tag="live"):
    """A call that is really made, once the run has left its record."""

    name: str
    """In full: `bank.charge`."""


DraftEdit: TypeAlias = StateEdit | Unset | InputEdit | AnswerEdit | Stub | Live


class Wanted(msgspec.Struct, frozen=True):
    """How a request is to be run again."""

    request: UUID
    fork: UUID
    """The id that what differs goes by."""
    version: str | None = None
    at: int | None = None
    """The moment to run on from; None: from the start."""
    edits: tuple[DraftEdit, ...] = ()
    to_the_end: bool = True
    """Whether it goes on past a difference."""
    trace: bool = False

    @property
    def live(self) -> tuple[str, ...]:
        """Names of calls that are really made."""
        return tuple(each.name for each in self.edits if isinstance(each, Live))


class Fact(msgspec.Struct, frozen=True):
    """A fact that a run wrote."""

    type: str
    data: msgspec.Raw
    key: str | None
    at_us: int
    site: str | None


class Parting(msgspec.Struct, frozen=True):
    """Where code and record part."""

    index: int
    kind: str
    recorded: str = ""
    """`effect.returned pricing.quote`; ``: nothing."""
    attempted: str = ""
    recorded_line: str | None = None
    attempted_line: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """Why there was no run."""

    code: str
    problem: str
    remedy: str


class Ran(msgspec.Struct, frozen=True):
    """What came of a run."""

    verdict: str
    """same, diverged, different, not-replayable or unknown."""
    recorded_version: str = ""
    version: str = ""
    changed: bool = False
    whole: bool = False
    shared: int = 0
    facts: tuple[Fact, ...] = ()
    """All of them, from the first."""
    parting: Parting | None = None
    unavailable: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    problem: Problem | None = None


class Again(Protocol):
    """Runs requests again. One at a time."""

    @property
    def app(self) -> str:
        """`module:app`, as a person named it."""
        ...

    def run(self, wanted: Wanted) -> Ran:
        """Run one; blocks.

        Raises:
            RunEndedError: it was cancelled, or its process died.
        """
        ...

    def cancel(self) -> None:
        """End the run that goes on, at once; from any thread."""
        ...


def run(store: Store, app: str, wanted: Wanted) -> Ran:
    """Run a request of *store* again by the code of *app*. User code runs here."""
    try:
        library = Library(load_app(app), store)
        events = tuple(store.read(StreamId(wanted.request)))
        told = run_again(library, events, _options(wanted), fork=StreamId(wanted.fork),
                         keep=wanted.to_the_end)  # fmt: skip
    except (TimescapeError, EventStoreError) as error:
        return Ran("not-replayable", problem=_problem_of(error))
    return _told(told, edited=bool(wanted.edits))


def _options(wanted: Wanted) -> Options:
    return Options(
        version=wanted.version,
        at=wanted.at,
        edits=[_edit(each) for each in wanted.edits if not isinstance(each, Stub | Live)],
        stubs={each.name: decode(each.value) for each in wanted.edits if isinstance(each, Stub)},
        live=wanted.live,
        on_divergence="fork" if wanted.to_the_end else "stop",
        trace=wanted.trace,
    )


def _edit(edit: StateEdit | Unset | InputEdit | AnswerEdit) -> Edit:
    if isinstance(edit, Unset):
        return UnsetState(edit.path)
    value = decode(edit.value)
    match edit:
        case StateEdit(path=path):
            return _SetState(path, value)
        case InputEdit(path=path):
            return _SetInput(path, value)
        case AnswerEdit(n=n):
            return _SetAnswer(n, value)


def _problem_of(error: TimescapeError | EventStoreError) -> Problem:
    problem = getattr(error, "problem", "") or str(error)
    return Problem(str(error.code), problem, error.remedy or "")


def _told(told: Replay, *, edited: bool) -> Ran:
    return Ran(
        verdict=_verdict(told, edited=edited),
        recorded_version=told.recorded_version,
        version=told.version,
        changed=told.changed,
        whole=told.is_whole,
        shared=told.shared,
        facts=tuple(
            Fact(fact.type, _raw(fact.data), fact.key, fact.at_us, fact.site) for fact in told.facts
        ),
        parting=None if told.divergence is None else _parting(told.divergence),
        unavailable=tuple(told.unavailable),
        lines=tuple(told.lines),
    )


def _verdict(told: Replay, *, edited: bool) -> str:
    if told.divergence is None:
        return "same"
    if told.divergence.kind == "redacted":
        return "unknown"  # the code wants a value that the record does not have
    return "different" if edited or told.version != told.recorded_version else "diverged"


def _raw(data: Any) -> msgspec.Raw:
    # What is not recorded in clear leaves the process of the run as little.
    return msgspec.Raw(_encode(with_hidden(data, lambda *_: MARK)))


_encode = msgspec.json.Encoder().encode


def _parting(parted: Divergence) -> Parting:
    names = [
        "" if fact is None else f"{fact.type} {fact.key or ''}".rstrip()
        for fact in (parted.recorded, parted.attempted)
    ]
    then, now = parted.lines
    return Parting(parted.index, parted.kind, names[0], names[1], then, now)


def history(ran: Ran, wanted: Wanted, recorded: Timeline) -> Timeline:
    """Return what the run did as a history that goes on from *recorded*."""
    fork = StreamId(wanted.fork)
    shared = recorded.events[: ran.shared]
    own = [_event(fact, fork, n) for n, fact in enumerate(ran.facts, 1) if n > ran.shared]
    return Timeline(fork, (*shared, *own))


def _event(fact: Fact, stream: StreamId, revision: int) -> Event:
    known = registry().payload_type(fact.type)
    data = msgspec.json.decode(fact.data, type=known if known is not None else Any)
    return Event(
        Position(0), stream, Revision(revision), fact.type, data, fact.key, fact.at_us, fact.site
    )


def wanted_of(
    stream: StreamId,
    new_id: Callable[[], StreamId],
    *,
    at: int | None = None,
    edits: Sequence[DraftEdit] = (),
    trace: bool = False,
    version: str | None = None,
) -> Wanted:
    """Ask for a run of *stream* to its end."""
    return Wanted(
        UUID(bytes=stream.bytes), UUID(bytes=new_id().bytes), version, at, tuple(edits),
        to_the_end=True, trace=trace,
    )  # fmt: skip


def keep(session: Session, ran: Ran, wanted: Wanted) -> StreamId:
    """Write a run that came to its end as a fork of its request, durably; give its id.

    Raises:
        WriteRefusedError: the session is read-only.
        EventStoreError: `fork-too-deep`, or the store cannot be written.
    """
    fork, parent = StreamId(wanted.fork), StreamId(wanted.request)
    own = [
        NewEvent(event.type, event.data, event.key, event.at_us, event.site)
        for event in (_event(fact, fork, n) for n, fact in enumerate(ran.facts, 1))
        if event.revision > ran.shared
    ]
    with session.writing() as writer:
        writer.append(
            fork,
            own,
            kind=KIND,
            expected=NEW,
            parent=(parent, Revision(ran.shared)),
            close=True,
            durable=True,
        ).result()
    return fork
