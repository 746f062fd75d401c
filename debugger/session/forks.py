"""A request with all that was forked from it, as a tree (UI-6)."""

from collections.abc import Iterator

import msgspec

from debugger.errors import BadInputError, NameTakenError, WriteRefusedError
from debugger.session.naming import Names, checked, give_name, read_names
from debugger.session.requests import RequestSummary, request_id
from debugger.session.session import Session
from eventstore import EventStoreError, Position, StreamId
from runtime.facts import (
    ContextDeleted,
    ContextEdited,
    ContextRestored,
    EffectRequested,
    RequestReceived,
)

MOST = 1_000
"""Forks that are looked at."""
_OPENING = 64
"""Of a fork's own facts, among which its edits stand."""


class Fork(msgspec.Struct, frozen=True):
    """A request in the tree."""

    summary: RequestSummary
    depth: int
    at: int | None
    """The moment of the parent it goes on from; None: it is no fork."""
    edits: int = 0
    name: str = ""
    how: str = ""
    """restored, edited, run again."""
    by: str = ""


def fork_tree(session: Session, stream: StreamId) -> list[Fork]:
    """Return the request that *stream* comes from, and all its forks below it, oldest first.

    Raises:
        NotFoundError: there is no such request.
    """
    root = session.summary(stream)
    while root.parent is not None:
        root = session.summary(root.parent)
    rows = _below(session, root, 0, read_names(session.store))
    return [row for row, _ in zip(rows, range(MOST), strict=False)]


def _below(session: Session, summary: RequestSummary, depth: int, names: Names) -> Iterator[Fork]:
    yield _told(session, summary, depth, names)
    for fork in session.forks(summary.stream):
        yield from _below(session, fork, depth + 1, names)


def _told(session: Session, summary: RequestSummary, depth: int, names: Names) -> Fork:
    if summary.parent is None:
        return Fork(summary, depth, None)
    stream = summary.stream
    at = session.store.head(stream).parent_revision
    named = names.of.get(stream.hex)
    edits, by, how = 0, named.by if named else "", "run again"
    for event in session.store.read(stream, at + 1, at + _OPENING):
        match event.data:
            case ContextEdited(origin="fork") | ContextDeleted(origin="fork"):
                edits, how = edits + 1, "edited"
            case RequestReceived():
                edits, how = edits + 1, "other request"
            case ContextRestored(origin="fork", by=who):
                by, how = who or by, "restored"
            case EffectRequested(live=True):
                how = "LIVE"
            case _:
                pass
    return Fork(summary, depth, at, edits, names.called.get(stream.hex, ""), how, by)


def name_fork(session: Session, fork: StreamId, name: str, *, by: str) -> None:
    """Give a fork a name, unique among the forks of its parent (WI-3).

    Raises:
        BadInputError: that is no name, or *fork* is no fork.
        NameTakenError: another one is called so.
        WriteRefusedError: the session is read-only.
    """
    with session.writing() as writer:
        give_name(writer, fork, name, by=by, clock=session.sources[0])


def refuse_taken(session: Session, parent: StreamId, name: str) -> None:
    """Refuse *name* for a fork of *parent* that is still to be made.

    Raises:
        BadInputError: that is no name.
        NameTakenError: another one is called so.
    """
    name = checked(name)
    taken = read_names(session.store).taken(parent, session.store.forks_of(parent))
    if name in taken:
        raise NameTakenError(name, taken[name].hex)


def remove_fork(session: Session, fork: StreamId, *, by: str, reason: str) -> Position:
    """Drop what a fork says, for good; its hashes stay. Return where that is told.

    Raises:
        BadInputError: it is no fork.
        WriteRefusedError: the session is read-only, or the fork is not sealed yet.
        EventStoreError: `has-forks` when others go on from it, and others.
    """
    if session.store.head(fork).parent is None:
        problem = f"{request_id(fork)} is no fork, and only forks are removed."
        raise BadInputError(problem, "`timescape archive --drop` drops requests that have ended.")
    try:
        return session.prune([fork], None, by=by, reason=reason).positions[-1]
    except EventStoreError as error:
        if error.code != "cannot-archive":
            raise
        remedy = "A server seals what it wrote after a minute and when it stops: try it then."
        raise WriteRefusedError(error.problem, remedy) from error
