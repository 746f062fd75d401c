"""Run a request again, in a process of its own, and tell what came of it in plain values.

Only that process loads this: it takes the whole runtime, and the app.
"""

from typing import Any

import msgspec

from debugger.session.again import (
    AnswerEdit,
    Fact,
    InputEdit,
    Live,
    Parting,
    Problem,
    Ran,
    StateEdit,
    Stub,
    Unset,
    Wanted,
)
from eventstore import EventStoreError, Store, StreamId
from eventstore.codec.hiding import with_hidden
from eventstore.redaction import MARK
from eventstore.values import decode
from runtime.app import load_app
from runtime.errors import TimescapeError
from runtime.replay import (
    Divergence,
    Edit,
    Library,
    Options,
    Replay,
    SetAnswer,
    SetInput,
    SetState,
    UnsetState,
    run_again,
)


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
            return SetState(path, value)
        case InputEdit(path=path):
            return SetInput(path, value)
        case AnswerEdit(n=n):
            return SetAnswer(n, value)


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
