"""A request with all that was forked from it, as a tree (UI-6)."""

from collections.abc import Iterator

import msgspec

from debugger.session.requests import RequestSummary
from debugger.session.session import Session
from eventstore import StreamId
from runtime.facts import ContextEdited, ContextRestored

MOST = 1_000
"""Forks that are looked at."""


class Fork(msgspec.Struct, frozen=True):
    """A request in the tree."""

    summary: RequestSummary
    depth: int
    at: int | None
    """The moment of the parent it goes on from; None: it is no fork."""
    edits: int = 0
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
    rows = _below(session, root, 0)
    return [row for row, _ in zip(rows, range(MOST), strict=False)]


def _below(session: Session, summary: RequestSummary, depth: int) -> Iterator[Fork]:
    yield _told(session, summary, depth)
    for fork in session.forks(summary.stream):
        yield from _below(session, fork, depth + 1)


def _told(session: Session, summary: RequestSummary, depth: int) -> Fork:
    if summary.parent is None:
        return Fork(summary, depth, None)
    at = session.store.head(summary.stream).parent_revision
    edits, by, how = 0, "", "run again"
    for event in session.store.read(summary.stream, at + 1, at + 64):
        match event.data:
            case ContextEdited(origin="fork"):
                edits, how = edits + 1, "edited"
            case ContextRestored(origin="fork", by=who):
                by, how = who or "", "restored"
            case _:
                pass
    return Fork(summary, depth, at, edits, how, by)
