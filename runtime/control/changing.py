"""Changes a route table: decide on what it is, append, and decide again if others were first."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from eventstore import (
    Clock,
    Commit,
    Event,
    EventStoreError,
    NewEvent,
    Position,
    Revision,
    Store,
    StreamId,
)
from runtime.context import CONTROL
from runtime.control.reading import read_table
from runtime.errors import RoutesChangedError
from runtime.facts import Fact
from runtime.timescape import RouteTable, fold_table

_ATTEMPTS = 8

Decide: TypeAlias = Callable[[RouteTable, int], Sequence[tuple[str, Fact]]]
"""From the table and the time to the keys and facts that are to be appended."""


class Changed(msgspec.Struct, frozen=True):
    """What a change did. True if it appended anything."""

    table: RouteTable
    """After it; of a dry run, as it would be."""
    events: tuple[Event, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.events)


def change(
    store: Store, stream: StreamId, decide: Decide, *, clock: Clock, dry_run: bool = False
) -> Changed:
    """Append what *decide* says, durably.

    Whoever appends between its decision and its append makes it decide again on what is
    then so: of two who want the same, one finds it done.

    Args:
        store: the log.
        stream: the control stream of an app.
        decide: pure; what it raises leaves the log as it was.
        clock: of the log.
        dry_run: append nothing.

    Raises:
        EventStoreError: the log cannot be written.
        RoutesChangedError: others changed it each time.
    """
    for _ in range(_ATTEMPTS):
        table = read_table(store, stream)
        now_us = max(clock(), table.at_us)
        facts = decide(table, now_us)
        if not facts:
            return Changed(table)
        # A µs apart: of versions that are deployed together each is current for a moment.
        new = [NewEvent(fact.type, fact, key, now_us + i) for i, (key, fact) in enumerate(facts)]
        if dry_run:
            return after(stream, table, new, store.end() + 1)
        commit = _append(store, stream, new, table.revision)
        if commit is not None:
            return after(stream, table, new, commit.position)
    raise RoutesChangedError(
        problem="Others changed the route table again and again meanwhile.", remedy="Try it again."
    )


def _append(
    store: Store, stream: StreamId, new: Sequence[NewEvent], revision: int
) -> Commit | None:
    """Append at *revision*; None: somebody else was first."""
    try:
        return store.append(
            stream, new, kind=CONTROL.name, expected=revision, durable=True
        ).result()
    except EventStoreError as error:
        if error.code != "wrong-revision":
            raise
        return None


def after(stream: StreamId, table: RouteTable, new: Sequence[NewEvent], position: int) -> Changed:
    """Return what *new* makes of *table*, appended from *position* of the log on."""
    events = tuple(
        Event(
            Position(position + i),
            stream,
            Revision(table.revision + 1 + i),
            event.type,
            event.data,
            event.key,
            event.at_us,
            None,
        )
        for i, event in enumerate(new)
    )
    return Changed(fold_table(events, table), events)
