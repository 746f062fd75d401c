"""What came of one request that was run again, in a row that can be counted (RP-1)."""

from typing import Any

import msgspec

from debugger.session import Session, request_id
from debugger.timeline.pointers import join
from eventstore import Event, NewEvent, StreamId
from runtime.errors import (
    NotRecordedError,
    NotReplayableError,
    ReplayLimitError,
    TimescapeError,
    UnknownVersionError,
)
from runtime.facts import RequestAborted, ResponseSent
from runtime.replay import Divergence, Library, Options, Replay, run_again
from runtime.replay.divergence import id_without_line, plain

DIFFER = frozenset({"diverged", "different"})
"""Verdicts that say that something is not as it was."""

_OTHER_FACTS = frozenset({"kind", "name", "extra", "missing"})
"""Differences that are not within a fact."""


class Row(msgspec.Struct, frozen=True):
    """One request."""

    request: str
    verdict: str
    """same, diverged: the same version is not what it was, different: another version does
    otherwise, not-replayable, unknown: it needs a value that was not recorded."""
    recorded: str = ""
    """How it ended then: `500 handler-error`."""
    replayed: str = ""
    """How it ended now; `` where it was not run to its end."""
    version: str = ""
    index: int | None = None
    """Revision of the first fact that differs."""
    difference: str = ""
    """In which way it differs (RX-3)."""
    fact: str = ""
    """Its type."""
    name: str = ""
    """What it is about."""
    path: str = ""
    """Where in it the first difference is; `*` for an index."""
    problem: str = ""
    """Why there is no verdict."""


def run_one(session: Session, library: Library, stream: StreamId, options: Options) -> Row:
    """Run a request of *session* again; refusals are rows, too.

    Raises:
        EventStoreError: the store cannot be read.
    """
    events = tuple(session.store.read(stream))
    recorded = ended(events[-1]) if events else ""
    try:
        return row_of(run_again(library, events, options, fork=session.new_request()))
    except NotRecordedError as error:
        return _refused(stream, "unknown", recorded, error)
    except (NotReplayableError, UnknownVersionError, ReplayLimitError) as error:
        return _refused(stream, "not-replayable", recorded, error)


def _refused(stream: StreamId, verdict: str, recorded: str, error: TimescapeError) -> Row:
    return Row(request_id(stream), verdict, recorded, problem=error.problem)


def row_of(replay: Replay) -> Row:
    """Return what came of a run as a row."""
    parted = replay.divergence
    row = Row(
        request=request_id(replay.request),
        verdict=_verdict(replay),
        recorded=ended(replay.events[-1]),
        replayed=ended(replay.facts[-1]) if replay.is_whole else "",
        version=replay.version,
    )
    if parted is None:
        return row
    event = parted.attempted or parted.recorded
    return msgspec.structs.replace(
        row,
        index=parted.index,
        difference=parted.kind,
        fact=event.type if event else "",
        name=id_without_line(event.key or "") if event and event.type != "response.sent" else "",
        path=_first_path(parted),
    )


def _verdict(replay: Replay) -> str:
    if replay.divergence is None:
        return "same"
    if replay.divergence.kind == "redacted":
        return "unknown"
    return "diverged" if replay.version == replay.recorded_version else "different"


def ended(event: Event | NewEvent) -> str:
    """Say how a request ended: `500 handler-error`; `` if it did not."""
    match event.data:
        case ResponseSent(status=status, code=code):
            return f"{status} {code or ''}".rstrip()
        case RequestAborted():
            return f"aborted: {event.key}"
        case _:
            return ""


def _first_path(parted: Divergence) -> str:
    """Return where the payloads of both sides differ first, indices as `*`."""
    if parted.recorded is None or parted.attempted is None or parted.kind in _OTHER_FACTS:
        return ""
    tokens = _parting(plain(parted.recorded.data), plain(parted.attempted.data))
    return join(tuple("*" if token.isdecimal() else token for token in tokens))


def _parting(one: Any, other: Any) -> tuple[str, ...]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys((*one, *other)):
            if name not in one or name not in other:
                return (name,)
            if one[name] != other[name]:
                return (name, *_parting(one[name], other[name]))
    elif isinstance(one, list) and isinstance(other, list):
        for index, (a, b) in enumerate(zip(one, other, strict=False)):
            if a != b:
                return (str(index), *_parting(a, b))
    return ()
