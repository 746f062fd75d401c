"""Tells who sent a request what it failed with: the very exception, in tests (TH-3).

The log keeps of an error what may be kept, and the answer says less. A test that runs in the same
process may see all of it. Nobody else listens, and a request that goes well never asks.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from eventstore import StreamId

Noticed = dict[StreamId, BaseException]
"""What failed first, by request."""
_NOTICED: ContextVar[Noticed | None] = ContextVar("timescape_noticed", default=None)


def notice(stream: StreamId, error: BaseException) -> None:
    """Tell who listens what a request failed with."""
    noticed = _NOTICED.get()
    if noticed is not None:
        noticed.setdefault(stream, error)


@contextmanager
def noticing() -> Iterator[Noticed]:
    """Listen to the requests that begin in this block and its tasks."""
    noticed: Noticed = {}
    token = _NOTICED.set(noticed)
    try:
        yield noticed
    finally:
        _NOTICED.reset(token)
