"""The facts of one request, and every question about a place among them.

Revision 0 is the moment before the first fact, n the one after fact n. A *path* is an
RFC 6901 pointer into user state: `/total`, `/items/0/sku`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from debugger.errors import NoSuchMomentError
from debugger.timeline.differences import Change, differences
from debugger.timeline.pointers import ABSENT, Tokens, lookup, split
from debugger.timeline.searching import holds
from debugger.timeline.seeking import Seeking
from debugger.timeline.stops import Spans, StepKind, lines, stops
from debugger.timeline.writing import (
    KeyHistory,
    KeyIndex,
    LastWrite,
    Write,
    Writers,
    backwards,
    part,
    touches,
)
from eventstore import Event, StreamId
from eventstore.values import same
from runtime.context import REQUEST_REDUCER, RequestState
from runtime.facts import ContextEdited, RequestReceived
from runtime.request_ids import PREFIX

_STRIDE = 256
"""Every how many facts a state is kept for good: of 50 000 facts 195 states, and at most
so many facts to fold for any moment."""
_RUNS_KEPT = 4
"""Stretches of `_STRIDE` states that stay unfolded around the places last looked at."""


class Timeline:
    """A request's history. Moments are computed on demand and remembered sparsely.

    Safe to be asked by several threads: each remembered thing is computed from the facts
    alone and put in its place at once, so two that race store the same.

    Args:
        stream: the request.
        events: all of its facts; of a fork those of its ancestors first.
        stride: every how many facts a state is kept; changes no answer.
    """

    def __init__(self, stream: StreamId, events: Sequence[Event], *, stride: int = _STRIDE) -> None:
        self.stream = stream
        self.events = events
        self._stride = stride
        self._marks: dict[int, RequestState] = {0: REQUEST_REDUCER.initial()}
        self._runs: dict[int, list[RequestState]] = {}
        self._histories: dict[str, KeyHistory] = {}
        self._stops: dict[StepKind, list[int]] = {}

    def grown(self, more: Sequence[Event]) -> "Timeline":
        """Return the history with *more* facts at its end; what is known is kept."""
        longer = Timeline(self.stream, (*self.events, *more), stride=self._stride)
        longer._marks.update(self._marks)
        # A stretch that ended with the history is not whole any more.
        whole = {i: run for i, run in self._runs.items() if len(run) == self._stride}
        longer._runs.update(whole)
        return longer

    @property
    def request_id(self) -> str:
        """`req-`, or what its app has ids begin with, and 32 hex digits."""
        first = self.events[0].data if self.events else None
        prefix = first.prefix if isinstance(first, RequestReceived) else PREFIX
        return f"{prefix}-{self.stream.hex}"

    @property
    def short_id(self) -> str:
        """The same with the last 6 digits."""
        return f"{self.request_id.partition('-')[0]}-{self.stream.hex[-6:]}"

    @property
    def last(self) -> int:
        """Revision of the last fact."""
        return len(self.events)

    def fact(self, revision: int) -> Event:
        """Return fact *revision* (from 1).

        Raises:
            NoSuchMomentError: there is none.
        """
        self._check(revision, first=1)
        return self.events[revision - 1]

    # --- moments ---

    def state_at(self, revision: int) -> RequestState:
        """Return the state at the moment *revision*.

        Raises:
            NoSuchMomentError: there is none.
        """
        self._check(revision)
        index, offset = divmod(revision, self._stride)
        run = self._runs.get(index)
        if run is None:
            run = self._unfold(index)
        return run[offset]

    def _check(self, revision: int, *, first: int = 0) -> None:
        if not first <= revision <= self.last:
            problem = f"There is no #{revision}: the request has {self.last} facts."
            raise NoSuchMomentError(problem, f"Ask for one from {first} to {self.last}.")

    def _unfold(self, index: int) -> list[RequestState]:
        start = index * self._stride
        state = self._mark(index)
        run = [state]
        for event in self.events[start : start + self._stride - 1]:
            state = REQUEST_REDUCER.apply(state, event)
            run.append(state)
        # A new dict, put in place at once: another thread may be reading the old one.
        kept = list(self._runs.items())[-(_RUNS_KEPT - 1) :]
        self._runs = {**dict(kept), index: run}
        return run

    def _mark(self, index: int) -> RequestState:
        """Return the state at `index` strides, folding on from the nearest one kept."""
        known = index
        while known not in self._marks:
            known -= 1
        state = self._marks[known]
        for passed in range(known, index):
            start = passed * self._stride
            state = REQUEST_REDUCER.apply_all(state, self.events[start : start + self._stride])
            self._marks[passed + 1] = state
        return state

    # --- steps ---

    def stops(self, kind: StepKind) -> Sequence[int]:
        """Return the revisions at which steps of *kind* stop, rising."""
        found = self._stops.get(kind)
        if found is None:
            found = lines(self.events) if kind == "line" else stops(self.events, kind)
            self._stops[kind] = found
        return found

    def next(self, revision: int, kind: StepKind = "event") -> int | None:
        """Return the nearest stop of *kind* strictly after *revision*; None: there is none."""
        rising = self.stops(kind)
        index = bisect_right(rising, revision)
        return rising[index] if index < len(rising) else None

    def previous(self, revision: int, kind: StepKind = "event") -> int | None:
        """Return the nearest stop of *kind* strictly before *revision*; None: there is none."""
        rising = self.stops(kind)
        index = bisect_left(rising, revision)
        return rising[index - 1] if index else None

    def over(self, revision: int, *, forward: bool = True) -> int | None:
        """Return the nearest moment outside of spans that open after *revision*.

        Back: of spans that close at it. None: there is none.
        """
        return self._spans.over(revision, forward=forward)

    def out(self, revision: int, *, forward: bool = True) -> int | None:
        """Return the end of the hook or handler that *revision* lies in, or back its start."""
        return self._spans.out(revision, forward=forward)

    @cached_property
    def _spans(self) -> Spans:
        return Spans(self.events)

    def seek(self, text: str, revision: int) -> tuple[int, bool]:
        """Find the moment that *text* means for a cursor at *revision* (TM-4).

        It reads `1729`, `+50`, `-20`, `50%`, `401ms`, `12:03:04.3`, `end`, `start`, `failure`,
        `hook NAME`, `FILE:LINE`, a snapshot's name or id.

        Returns:
            The nearest revision at or before what was asked, and whether it is exact.

        Raises:
            BadInputError: cannot be read; the remedy names the forms.
            NoSuchMomentError: can be read, but there is none (a `BadInputError` too).
        """
        return self._seeking.find(text, revision)

    @cached_property
    def _seeking(self) -> Seeking:
        return Seeking(self.events, self.snapshots, self.request_id)

    @property
    def snapshots(self) -> Mapping[str, int]:
        """All snapshots, name to the moment it names."""
        return self.state_at(self.last).snapshots

    @property
    def first_failure(self) -> int | None:
        """Revision of the first failure; None: nothing failed."""
        failures = self.stops("failure")
        return failures[0] if failures else None

    # --- what changed, and who did it ---

    def diff(self, a: int, b: int) -> list[Change]:
        """Return what changed in user state from moment *a* to moment *b*; equal: empty."""
        return differences(self.state_at(a).values, self.state_at(b).values)

    def value_at(self, revision: int, path: str) -> Any:
        """Return the encoded value at *path* at the moment *revision*, or `ABSENT`."""
        return lookup(self.state_at(revision).values, split(path))

    def by(self, revision: int) -> str:
        """Return the hook or handler whose code ran at *revision*, or who edited at a gate."""
        fact = self.events[revision - 1].data if revision else None
        if isinstance(fact, ContextEdited) and fact.gate:
            return f"{fact.by} at {fact.gate}"
        return self._writers.at(revision)

    def writes(self, path: str) -> list[Write]:
        """Return every write that touches *path*, an ancestor or a descendant, oldest first."""
        tokens = split(path)
        revisions = self._touched(tokens)
        return [w for i in range(len(revisions)) if (w := self._write(tokens, i)) is not None]

    def last_change(self, path: str, revision: int) -> Write | None:
        """Return the last change of *path* at or before *revision*: when it became what it is."""
        tokens = split(path)
        return self._first_change(tokens, backwards(self._touched(tokens), revision))

    def next_change(self, path: str, revision: int) -> Write | None:
        """Return the first change of *path* after *revision*."""
        tokens = split(path)
        revisions = self._touched(tokens)
        later = range(bisect_right(revisions, revision), len(revisions))
        return self._first_change(tokens, later)

    def _first_change(self, tokens: Tokens, indices: Iterable[int]) -> Write | None:
        for index in indices:
            write = self._write(tokens, index)
            if write is not None and write.changed:
                return write
        return None

    @property
    def keys(self) -> list[str]:
        """Every top key that was ever written, in order of first writing."""
        return list(self._keys.revisions)

    def last_write(self, path: str, revision: int) -> LastWrite | None:
        """Return who wrote *path* last at or before *revision*; None: nobody did."""
        tokens = split(path)
        revisions = self._touched(tokens)
        for index in backwards(revisions, revision):
            at = revisions[index]
            if touches(self.events[at - 1], tokens):
                return LastWrite(at, self.by(at), self.events[at - 1].site)
        return None

    def last_writes(self, revision: int) -> dict[str, LastWrite]:
        """Return for every top key of the state at *revision* who wrote it last."""
        found: dict[str, LastWrite] = {}
        for key in self.state_at(revision).values:
            at = self._keys.last(key, revision)
            if at is not None:
                found[key] = LastWrite(at, self.by(at), self.events[at - 1].site)
        return found

    def search(self, text: str) -> list[int]:
        """Return the revisions of facts that hold *text* in type, key, site or data.

        Letter case does not matter. An empty text is in none.
        """
        return [n for n, event in enumerate(self.events, 1) if holds(event, text)] if text else []

    def _touched(self, tokens: Tokens) -> Sequence[int]:
        """Return the revisions that wrote the top key of *tokens*, or any key."""
        return self._keys.revisions.get(tokens[0], ()) if tokens else self._keys.all

    def _write(self, tokens: Tokens, index: int) -> Write | None:
        """Return what the fact at *index* of `_touched` did to *tokens*, if anything."""
        revision = self._touched(tokens)[index]
        event = self.events[revision - 1]
        if not touches(event, tokens):
            return None
        if tokens:
            before, after = (part(v, tokens) for v in self._history(tokens[0]).around(index))
        else:
            before, after = self._values(revision - 1), self._values(revision)
        return Write(
            revision=revision,
            type=event.type,
            before=before,
            after=after,
            by=self.by(revision),
            site=event.site,
            changed=not _same(before, after),
        )

    def _values(self, revision: int) -> Mapping[str, Any]:
        return self.state_at(revision).values

    def _history(self, key: str) -> KeyHistory:
        known = self._histories.get(key)
        if known is None:
            revisions = self._keys.revisions[key]
            known = KeyHistory(self.events, key, revisions, self._values)
            self._histories[key] = known
        return known

    @cached_property
    def _keys(self) -> KeyIndex:
        return KeyIndex(self.events)

    @cached_property
    def _writers(self) -> Writers:
        return Writers(self.events)


def _same(before: Any, after: Any) -> bool:
    if before is ABSENT or after is ABSENT:
        return before is after
    if isinstance(before, Mapping):  # the whole state is a view, of one dict or another
        return not differences(before, after) if isinstance(after, Mapping) else False
    return same(before, after)
