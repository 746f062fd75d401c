"""Turn events into state. Pure: the same events always give the same state.

Live running, restoring, debugging and testing all go through a `Reducer`.
"""

from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

import msgspec

from eventstore.events import Event
from eventstore.identifiers import Revision

S = TypeVar("S")


class Reducer(Protocol[S]):
    """How events become a state.

    `apply` is pure and total: no clock, id, chance or I/O, and an answer for every
    event, also of types it does not know. For all *a*, *b*:
    `apply_all(apply_all(s, a), b) == apply_all(s, a + b)`, and `apply_all(s, [e]) == apply(s, e)`.
    """

    @property
    def name(self) -> str:
        """A stable name."""
        ...

    @property
    def version(self) -> int:
        """Raised whenever the meaning changes."""
        ...

    def initial(self) -> S:
        """Return the state before the first event."""
        ...

    def apply(self, state: S, event: Event) -> S:
        """Return the state after *event*; *state* stays as it is."""
        ...

    def apply_all(self, state: S, events: Iterable[Event]) -> S:
        """Return the state after *events*, in one go; *state* stays as it is."""
        ...


class Folded(msgspec.Struct, Generic[S], frozen=True):
    """A state and the revision it belongs to."""

    state: S
    revision: Revision


def fold(reducer: Reducer[S], events: Iterable[Event], start: S | None = None) -> S:
    """Return the state after *events*, from *start* or from the beginning."""
    return reducer.apply_all(reducer.initial() if start is None else start, events)
