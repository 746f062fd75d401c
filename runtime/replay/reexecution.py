"""Run a recorded request again, or on from one of its moments, and say how it differs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from eventstore import NEW, Event, Ids, NewEvent, Revision, Store, StreamId
from runtime.app import App
from runtime.context import REQUEST
from runtime.effects import SystemIds, system_clock
from runtime.errors import InvalidEditError, NotReplayableError, UnknownRequestError
from runtime.facts import RequestAborted, RequestReceived, ResponseSent
from runtime.messages import Answer
from runtime.modules import ModuleRegistry
from runtime.replay.answering import Given
from runtime.replay.choosing import Chosen, Library, choose
from runtime.replay.divergence import Divergence
from runtime.replay.edits import Edit, Plan, Surroundings, plan_of
from runtime.replay.following import Course
from runtime.replay.limiting import CPU_S
from runtime.replay.lines import Line
from runtime.replay.running import rerun

OnDivergence: TypeAlias = Literal["stop", "fork"]


class Options(msgspec.Struct, frozen=True):
    """How a request is run again."""

    version: str | None = None
    """Edition, version id or `latest`; None: the one that ran."""
    at: int | None = None
    """Run on from this revision: facts up to it must be as recorded."""
    edits: Sequence[Edit] = ()
    on_divergence: OnDivergence = "stop"
    """`fork`: where the same version differs, go on and see what comes of it."""
    stubs: Mapping[str, Any] = {}
    """Name of an effect, `pricing.quote`, to its answer or a function that makes it; used
    where the record has no answer."""
    live: Collection[str] = ()
    """Names of effects that are performed, really, once the run has left its record."""
    trace: bool = False
    """Keep every line of user code, with the locals it changed."""
    cpu_s: float = CPU_S
    """Processor time it may take."""


class Replay(msgspec.Struct, frozen=True):
    """What came of a request that was run again."""

    request: StreamId
    fork: StreamId
    """The id that what differs goes by, whether it is kept or not."""
    recorded_version: str
    version: str
    """Id of the version that ran."""
    changed: bool
    """Whether the code of the version is not what ran then."""
    facts: Sequence[NewEvent]
    """What it wrote; the n-th has revision n."""
    events: Sequence[Event]
    """What is on record."""
    answer: Answer | None
    """None where it ended at its divergence."""
    divergence: Divergence | None
    """The first difference; None: it says the same."""
    shared: int
    """How many facts from the first on a fork has from the request."""
    unavailable: Sequence[str]
    """Effects that neither record nor stubs had an answer for."""
    lines: Sequence[Line]
    kept: bool = False
    """Whether the store has the fork."""

    @property
    def is_whole(self) -> bool:
        """Whether it ran to its end."""
        last = self.facts[-1].data if self.facts else None
        return isinstance(last, ResponseSent | RequestAborted)


def reexecute(
    app: App,
    store: Store,
    request: StreamId,
    options: Options | None = None,
    *,
    keep: bool | None = None,
    ids: Ids | None = None,
) -> Replay:
    """Run a recorded request again. Performs nothing, unless *options* name what is live.

    Call it where no event loop runs, for instance in a thread.

    Args:
        app: whose code runs; it need not be started.
        store: the log that has the request.
        request: its stream.
        options: how; None: the same version, as it was.
        keep: whether the run is written to *store*, as a fork; None: if another version
            ran or edits were made.
        ids: where the id of a fork comes from.

    Raises:
        UnknownRequestError: the store has no such request.
        NotReplayableError: its record does not have what its code reads.
        InvalidEditError: names all that is wrong with the edits; nothing was made then.
        UnknownVersionError: the app has no such version.
        ReplayLimitError: it took too much processor time.

    Source: RX-2…7.
    """
    options = options or Options()
    events = tuple(store.read(request))
    if not events:
        msg = f"There is no request req-{request.hex} in {store.url}."
        raise UnknownRequestError(msg, "`timescape requests` lists those there are.")
    fork = StreamId((ids or SystemIds()).uuid7(system_clock()))
    replay = run_again(Library(app, store), events, options, fork=fork, keep=bool(keep))
    if keep or (keep is None and (replay.version != replay.recorded_version or options.edits)):
        return keep_fork(store, replay)
    return replay


def run_again(
    library: Library,
    events: Sequence[Event],
    options: Options,
    *,
    fork: StreamId,
    keep: bool = False,
    chosen: Chosen | None = None,
) -> Replay:
    """Run the request of *events* again; writes nothing. See `reexecute`.

    Args:
        library: the code that runs; made once, it serves for many requests.
        events: of the request's stream, from its first on.
        options: how.
        fork: the id that what differs goes by.
        keep: whether the run goes on past a difference, to be kept.
        chosen: what runs; None: what the record and *options* say.
    """
    if not isinstance(events[0].data, RequestReceived):
        msg = "The stream does not begin with a request."
        raise NotReplayableError(msg)
    parts = library.parts
    chosen = chosen or choose(library, events, options.version)
    request = f"req-{events[-1].stream.hex}"
    around = Surroundings(
        chosen.program.version.spoken, parts.modules, library.classes, request=request, fork=fork
    )
    _check_live(options.live, parts.modules)
    plan = _plan(events, options, chosen, around, keep=keep)
    run = rerun(
        chosen.program,
        plan.course,
        record=events,
        body=plan.body,
        given=Given(edited=plan.answers, stubs=options.stubs, live=frozenset(options.live)),
        trace=options.trace,
        cpu_s=options.cpu_s,
    )
    return Replay(
        request=events[-1].stream,
        fork=fork,
        recorded_version=chosen.recorded,
        version=chosen.running,
        changed=chosen.is_changed,
        facts=run.facts,
        events=events,
        answer=run.answer,
        divergence=run.divergence,
        shared=min(plan.shared, run.alike, len(run.facts) - 1),
        unavailable=run.unavailable,
        lines=run.lines,
    )


def _check_live(names: Collection[str], modules: ModuleRegistry) -> None:
    """Refuse names of what nobody has: it would be left out in silence (WI-2)."""
    known = [f"{module}.{each}" for module in modules.names() for each in modules.methods(module)]
    unknown = [name for name in names if name not in known]
    if unknown:
        there = (
            f"the app has {', '.join(sorted(known)[:20])}" if known else "the app has no modules"
        )
        raise InvalidEditError(
            tuple(f"No effect is called {name[:80]!r}: {there}." for name in unknown)
        )


def _plan(
    events: Sequence[Event], options: Options, chosen: Chosen, around: Surroundings, *, keep: bool
) -> Plan:
    at = options.at
    ended = isinstance(events[-1].data, ResponseSent | RequestAborted)
    last = len(events) - 1 if ended else len(events)
    if at is not None and not 0 <= at <= last:
        raise InvalidEditError((f"There is no moment {at} to run on from: give 0 to {last}.",))
    if options.edits:
        return plan_of(events, options.edits, at, around)
    if not ended:
        # What a crash cut off goes on by itself.
        course = Course(events, until=at or len(events), lenient=True, leave=len(events))
        return Plan(course, at or len(events))
    lenient = chosen.is_other or keep or options.on_divergence == "fork" or at is not None
    until = (at or 0) if lenient else len(events)
    course = Course(events, until=until, lenient=lenient, other_version=chosen.is_other)
    return Plan(course, len(events) if at is None else at)


def keep_fork(store: Store, replay: Replay) -> Replay:
    """Write what differs as a fork, durably; one that did not end is not kept.

    Raises:
        EventStoreError: `fork-too-deep`, or the store cannot be written.
    """
    if not replay.is_whole:
        return replay
    store.append(
        replay.fork,
        replay.facts[replay.shared :],
        kind=REQUEST.name,
        expected=NEW,
        parent=(replay.request, Revision(replay.shared)),
        close=True,
        durable=True,
    ).result()
    return msgspec.structs.replace(replay, kept=True)
