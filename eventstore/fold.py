"""Turn events into state. Pure: the same events always give the same state.

Live running, restoring, debugging and testing all go through a `Reducer`.
"""

from collections.abc import Iterable, Iterator
from typing import Generic, Literal, Protocol, TypeAlias, TypeVar, runtime_checkable

import msgspec

from eventstore import refusals
from eventstore.events import Event, UnknownEvent
from eventstore.identifiers import Revision

S = TypeVar("S")

OfUnknown: TypeAlias = Literal["skip", "strict"]
"""What is done with events that a reducer does not know."""


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

    @property
    def types(self) -> frozenset[str]:
        """The types of events that say something to it."""
        ...

    @property
    def unknown(self) -> OfUnknown:
        """What `fold` does with others.

        `skip`: they pass through `apply`, which makes nothing of them. `strict`: they are
        refused, for a state that leaves them out would be wrong.
        """
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


@runtime_checkable
class Keepable(Reducer[S], Protocol[S]):
    """A reducer whose states can be kept, so that a fold need not begin at the beginning.

    For every state *s* that it folds to, `load(dump(s))` equals *s* and folds on as *s* does,
    and equal states give equal bytes. No state is None.
    """

    def dump(self, state: S) -> bytes:
        r"""Return *state* as JSON text in UTF-8, without `\u0000`: some databases lack it."""
        ...

    def load(self, data: bytes) -> S:
        """Return the state that `dump` was given; only called with what it gave."""
        ...


class Folded(msgspec.Struct, Generic[S], frozen=True):
    """A state and the revision it belongs to."""

    state: S
    revision: Revision


def fold(reducer: Reducer[S], events: Iterable[Event], start: S | None = None) -> S:
    """Return the state after *events*, from *start* or from the beginning.

    Raises:
        EventStoreError: `unknown-event`, if the reducer is strict.
    """
    if reducer.unknown == "strict":
        events = _known(reducer, events)
    return reducer.apply_all(reducer.initial() if start is None else start, events)


def _known(reducer: Reducer[S], events: Iterable[Event]) -> Iterator[Event]:
    for event in events:
        if event.type not in reducer.types or isinstance(event.data, UnknownEvent):
            raise refusals.unknown_event(reducer.name, event.type, event.stream, event.revision)
        yield event
