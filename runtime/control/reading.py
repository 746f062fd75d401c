"""Reads the route table out of a log: the newest, or as it was (TS-5)."""

from eventstore import Store, StreamId, named_stream
from runtime.context import CONTROL
from runtime.errors import PositionOutOfRange
from runtime.timescape import TABLE_REDUCER, RouteTable, fold_until


def control_stream(app: str) -> StreamId:
    """Name the stream that tells of *app* itself."""
    return named_stream(CONTROL.name, app)


def read_table(store: Store, stream: StreamId) -> RouteTable:
    """Return the newest table, from a kept fold and what came after it."""
    return store.fold(TABLE_REDUCER, stream).state


def table_at(
    store: Store, stream: StreamId, *, position: int | None = None, at_us: int | None = None
) -> RouteTable:
    """Return the table as of a position of the log, or as of an instant.

    Raises:
        PositionOutOfRange: the log has not come to *position* yet.
    """
    if position is not None and not 0 <= position <= (end := store.end()):
        raise PositionOutOfRange(
            problem=f"There is no position {position} in {store.url}.",
            remedy=f"Give one from 0 to {end}, or a time.",
        )
    return fold_until(store.read(stream), position=position, at_us=at_us)
