"""The facts of one request, and every question about a place among them.

Revision 0 is the moment before the first fact, n the one after fact n. A *path* is an
RFC 6901 pointer into user state: `/total`, `/items/0/sku`.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from eventstore import Event, StreamId
from runtime.context import RequestState

StepKind = Literal["event", "mutation", "hook", "effect", "phase", "failure"]


class Change(msgspec.Struct, frozen=True):
    """One difference between two moments."""

    sign: str
    """`+` added, `-` removed, `~` changed."""
    path: str
    before: Any
    """Encoded value (plain JSON data); None where there was none."""
    after: Any


class Write(msgspec.Struct, frozen=True):
    """A fact that wrote a path."""

    revision: int
    type: str
    before: Any
    """Encoded value before; `ABSENT` where there was none."""
    after: Any
    by: str
    """The hook or handler that ran, `` outside of both."""
    site: str | None
    changed: bool
    """Whether before and after differ."""


class LastWrite(msgspec.Struct, frozen=True):
    """Who wrote a leaf of the state last."""

    revision: int
    by: str
    site: str | None


class Timeline:
    """A request's history. Moments are computed on demand and remembered sparsely."""

    def __init__(self, stream: StreamId, events: Sequence[Event]) -> None:
        self.stream = stream
        self.events = events

    @property
    def last(self) -> int:
        """Revision of the last fact."""
        return len(self.events)

    def fact(self, revision: int) -> Event:
        """Return fact *revision* (from 1)."""
        return self.events[revision - 1]

    def state_at(self, revision: int) -> RequestState:
        """Return the state at the moment *revision*."""
        raise NotImplementedError

    def next(self, revision: int, kind: StepKind = "event") -> int | None:
        """Return the nearest stop of *kind* strictly after *revision*; None: there is none."""
        raise NotImplementedError

    def previous(self, revision: int, kind: StepKind = "event") -> int | None:
        """Return the nearest stop of *kind* strictly before *revision*; None: there is none."""
        raise NotImplementedError

    def seek(self, text: str, revision: int) -> tuple[int, bool]:
        """Read `1729`, `+50`, `-20`, `50%`, `401ms`, `end`, `start`, `failure`, a snapshot's name.

        Returns:
            The revision, and whether it is exact.

        Raises:
            BadInputError: cannot be read; the remedy names the forms.
        """
        raise NotImplementedError

    def diff(self, a: int, b: int) -> list[Change]:
        """Return what changed in user state from moment *a* to moment *b*; equal: empty."""
        raise NotImplementedError

    def writes(self, path: str) -> list[Write]:
        """Return every write that touches *path*, an ancestor or a descendant, oldest first."""
        raise NotImplementedError

    def last_change(self, path: str, revision: int) -> Write | None:
        """Return the last change of *path* at or before *revision*: when it became what it is."""
        raise NotImplementedError

    def last_writes(self, revision: int) -> dict[str, LastWrite]:
        """Return for every top key of the state at *revision* who wrote it last."""
        raise NotImplementedError

    def search(self, text: str) -> list[int]:
        """Return the revisions of facts that hold *text* in type, key, site or data."""
        raise NotImplementedError
