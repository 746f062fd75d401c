"""Run a request again for a face of the debugger, and hand over what came of it (RP-1, WI-1).

User code runs in another process (`debugger.session.process`, where `debugger.session.rerun`
does it), so what is asked and what is answered are plain values. The run is not written
anywhere: it comes back as a history.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import msgspec

from debugger.session.session import Session
from debugger.session.upkeep import KIND
from debugger.timeline import Timeline
from eventstore import NEW, Event, NewEvent, Position, Revision, StreamId
from eventstore.values import Tree
from runtime.context import registry
from runtime.replay.lines import Line


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
