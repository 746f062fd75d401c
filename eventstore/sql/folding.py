"""Fold a stream from the newest keyframe that can be believed.

A keyframe is never the cause of an error: one that does not fit is passed over, counted
and told to whoever can make it anew.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from eventstore import keyframe_policy, refusals
from eventstore.codec import Registry
from eventstore.events import Event
from eventstore.fold import Folded, Keepable, Reducer, fold
from eventstore.identifiers import Revision, StreamId
from eventstore.sql import failures, keyframes
from eventstore.sql.keyframes import Stored
from eventstore.sql.reader import LogRow, Reader

S = TypeVar("S")
LOG = logging.getLogger("eventstore")
CHECK_EVERY = 1_000


class Leg(msgspec.Struct, frozen=True):
    """A stretch of a history: what one stream has of it."""

    stream: StreamId
    last: int


class Start(msgspec.Struct, Generic[S], frozen=True):
    """Where a fold begins, and the streams it goes through from there."""

    state: S
    revision: int
    legs: list[Leg]
    """The stream itself first, then its ancestors up to the one that holds *revision*."""
    keyframe: Stored | None = None
    ignored: int = 0
    """Keyframes that did not fit."""


class Kept(msgspec.Struct, Generic[S], frozen=True):
    """A reducer, and what its keyframes are known by."""

    reducer: Keepable[S]
    fingerprint: bytes


class Gap(msgspec.Struct, frozen=True):
    """Keyframes that should be there and are not, or do not fit."""

    fingerprint: bytes
    streams: tuple[StreamId, ...]
    """Ancestors first."""
    after: int
    invalid: bool


class Mismatch(msgspec.Struct, frozen=True):
    """Keyframes of a reducer that folds otherwise than it did."""

    fingerprint: bytes


Report: TypeAlias = Callable[[Gap | Mismatch], None]


class FoldCounts(msgspec.Struct):
    """What folds have cost and met so far."""

    decoded: int = 0
    """Events read for folds."""
    loaded: int = 0
    """Keyframes that folds began with."""
    ignored: int = 0
    """Keyframes that did not fit."""
    mismatched: int = 0
    """Keyframes that were not what their reducer folds to."""


class Folds:
    """Folds the streams of one store. Thread-safe.

    Args:
        reader: of the store.
        registry: what the program knows.
        check_every: one keyframe loaded in so many is folded again and compared.
        report: told of what should be made anew or dropped; None: nobody can.
    """

    def __init__(
        self,
        reader: Reader,
        registry: Registry,
        *,
        check_every: int = CHECK_EVERY,
        report: Report | None = None,
    ) -> None:
        self._reader = reader
        self._registry = registry
        self._check_every = check_every
        self._report = report
        self._fingerprints: dict[tuple[type, str, int], bytes] = {}
        self._distrusted: set[bytes] = set()
        self._lock = threading.Lock()
        self.counts = FoldCounts()

    def fold(self, reducer: Reducer[S], stream: StreamId, at: int | None) -> Folded[S]:
        """Fold *stream* up to revision *at*."""
        revision = self._reader.head(stream).revision
        if at is not None and not 0 <= at <= revision:
            raise refusals.no_such_revision(stream, at, revision)
        at = revision if at is None else at
        kept = self.kept(reducer)
        start = self.start(reducer, kept, stream, at)
        if kept is not None:
            if start.keyframe is not None and not self._holds(kept, start):
                self._distrust(kept, start)
                start = self.start(reducer, None, stream, at)
            self._mend(kept, start, at)
        return Folded(self._go_on(reducer, start), Revision(at))

    def kept(self, reducer: Reducer[S]) -> Kept[S] | None:
        """Return by what keyframes of *reducer* are known; None: it has none."""
        if not isinstance(reducer, Keepable):
            return None
        known = (type(reducer), reducer.name, reducer.version)
        found = self._fingerprints.get(known)
        if found is None:
            found = keyframe_policy.fingerprint(reducer, self._registry)
            self._fingerprints[known] = found
        return None if found in self._distrusted else Kept(reducer, found)

    def start(
        self,
        reducer: Reducer[S],
        kept: Kept[S] | None,
        stream: StreamId,
        at: int,
        *,
        newest: int | None = None,
    ) -> Start[S]:
        """Say where to begin to fold *stream* up to *at*.

        Args:
            reducer: gives the state before the first event.
            kept: whose keyframes to begin with; None: at the beginning.
            stream: to be folded.
            at: revision to go to.
            newest: use no keyframe after this revision; None: up to *at*.
        """
        legs = [Leg(stream, at)]
        ignored = 0
        while True:
            leg = legs[-1]
            if kept is not None:
                upto = leg.last if newest is None else min(leg.last, newest)
                for state, stored in self._keyframes(kept, leg.stream, upto):
                    if state is not None:
                        return Start(state, stored.revision, legs, stored, ignored)
                    ignored += 1
            head = self._reader.head(leg.stream)
            if head.parent is None:
                return Start(reducer.initial(), 0, legs, None, ignored)
            legs.append(Leg(head.parent, min(leg.last, head.parent_revision)))

    def rows(self, start: Start[Any]) -> Iterator[tuple[Leg, LogRow]]:
        """Give the rows from *start* to the end of its stream's leg, oldest first."""
        for leg in reversed(start.legs):
            for row in self._reader.rows(leg.stream, start.revision + 1, leg.last):
                yield leg, row

    def events(self, leg: Leg, row: LogRow) -> Sequence[Event]:
        """Return what *row* holds of a leg."""
        events = self._reader.events(leg.stream, row)
        with self._lock:
            self.counts.decoded += len(events)
        if row.last <= leg.last:
            return events
        return events[: leg.last - row.revision + 1]

    def _go_on(self, reducer: Reducer[S], start: Start[S]) -> S:
        rows = self.rows(start)
        events = (event for leg, row in rows for event in self.events(leg, row))
        return fold(reducer, events, start.state)

    def _keyframes(
        self, kept: Kept[S], stream: StreamId, upto: int
    ) -> Iterator[tuple[S | None, Stored]]:
        """Give keyframes, newest first, each with its state if it fits."""
        while stored := self._newest(kept, stream, upto):
            yield self._loaded(kept, stream, stored), stored
            upto = stored.revision - 1

    def _newest(self, kept: Kept[S], stream: StreamId, upto: int) -> Stored | None:
        stored = self._reader.ask(
            lambda connection: keyframes.newest(connection, stream, kept.fingerprint, upto)
        )
        if stored is None or stored.chain is not None:
            return stored
        # Of an archived stream the fold is kept here, and the row that it ends with elsewhere.
        chain = self._reader.of_stream(
            stream, lambda connection: keyframes.chain_up_to(connection, stream, stored.revision)
        )
        return msgspec.structs.replace(stored, chain=chain)

    def _loaded(self, kept: Kept[S], stream: StreamId, stored: Stored) -> S | None:
        digest = keyframe_policy.digest(
            kept.fingerprint, stream, stored.revision, stored.chain or b"", stored.data
        )
        reason = "digest"
        if stored.chain is not None and digest == stored.digest:
            try:
                return kept.reducer.load(stored.data)
            except Exception as error:  # noqa: BLE001 - a kept fold is never the cause of an error
                reason = type(error).__name__
        LOG.warning(
            "keyframe_ignored stream=%s revision=%d reason=%s", stream, stored.revision, reason
        )
        with self._lock:
            self.counts.ignored += 1
        return None

    # --- what is found out about keyframes on the way ---

    def _mend(self, kept: Kept[S], start: Start[S], at: int) -> None:
        """Report where keyframes are missing that would have made this fold shorter."""
        # Of each ancestor the row that the fork cuts through is read to its end.
        most = keyframe_policy.MOST_DECODED + keyframe_policy.ROW_EVENTS * (len(start.legs) - 1)
        if self._report is not None and (start.ignored or at - start.revision > most):
            streams = tuple(leg.stream for leg in reversed(start.legs))
            self._report(Gap(kept.fingerprint, streams, start.revision, start.ignored > 0))

    def _holds(self, kept: Kept[S], start: Start[S]) -> bool:
        """Now and then fold up to the keyframe from the one before, and compare."""
        stored, stream = start.keyframe, start.legs[-1].stream
        with self._lock:
            self.counts.loaded += 1
            if stored is None or self.counts.loaded % self._check_every:
                return True
        revision = stored.revision
        before = self.start(kept.reducer, kept, stream, revision, newest=revision - 1)
        return kept.reducer.dump(self._go_on(kept.reducer, before)) == stored.data

    def _distrust(self, kept: Kept[S], start: Start[S]) -> None:
        """Use no keyframe of a reducer that folds otherwise than it did (FD-6)."""
        reducer, stream = kept.reducer, start.legs[-1].stream
        LOG.error(
            "keyframe_mismatch %s",
            failures.keyframe_mismatch(reducer.name, reducer.version, stream, start.revision),
        )
        with self._lock:
            self.counts.mismatched += 1
            self._distrusted = {*self._distrusted, kept.fingerprint}
        if self._report is not None:
            self._report(Mismatch(kept.fingerprint))
