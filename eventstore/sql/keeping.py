"""Make keyframes: what the writer does for folds while nothing waits to be written.

All of it runs in the writer's thread, in short steps, and gives `Write`s; a fault of a
reducer ends the making of its keyframes and nothing else.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from eventstore import keyframe_policy
from eventstore.codec import Registry
from eventstore.drafts import Draft
from eventstore.events import Commit, Event
from eventstore.fold import Keepable, fold
from eventstore.identifiers import LOG_STREAM, StreamId
from eventstore.sql import keyframes
from eventstore.sql.folding import Folds, Gap, Kept, Leg, Mismatch
from eventstore.sql.keyframes import Write
from eventstore.sql.reader import LogRow, Reader

LOG = logging.getLogger("eventstore")
TURN_BYTES = 4 << 20
REMEMBERED_STREAMS = 4_096


class Progress(msgspec.Struct):
    """How far a stream is beyond its last keyframe."""

    revision: int
    keyframe_size: int
    size: int


class Read(msgspec.Struct, frozen=True):
    """A step that wrote nothing and read so many bytes."""

    size: int = 0


class Keeper:
    """Keeps folds of streams that were appended to. Belongs to the writer's thread.

    Args:
        reader: of the store, for this alone; the keeper closes it.
        registry: what the program knows.
        reducers: kind of stream to the reducer whose folds are kept.
    """

    def __init__(
        self, reader: Reader, registry: Registry, reducers: Mapping[str, Keepable[Any]]
    ) -> None:
        self._reader = reader
        self._folds = Folds(reader, registry)
        kept = {kind: self._folds.kept(reducer) for kind, reducer in reducers.items()}
        self._by_kind: dict[str, Kept[Any]] = {k: found for k, found in kept.items() if found}
        self._by_fingerprint = {found.fingerprint: found for found in self._by_kind.values()}
        self._progress: dict[StreamId, Progress] = {}
        self._due: dict[StreamId, Kept[Any]] = {}
        self._jobs: list[Iterator[Write | Read]] = []
        self._job: Iterator[Write | Read] | None = None
        self._stream: StreamId | None = None
        self._passing: Kept[Any] | None = None
        """Whose pass over *_stream* is in hand."""
        self._told = 0
        """How far the log's own stream was at the last turn."""

    def close(self) -> None:
        """Let go of the file."""
        self._reader.close()

    def note(self, draft: Draft, commit: Commit) -> None:
        """Learn of a commit to a stream of at least `LEAST_EVENTS` events."""
        kept = self._by_kind.get(draft.kind.name)
        if kept is None or commit.duplicate:
            return
        progress = self._progress.get(commit.stream)
        if progress is not None:
            progress.size += draft.size
            events = commit.last - progress.revision
            if not keyframe_policy.is_due(
                events=events, size=progress.size, keyframe_size=progress.keyframe_size
            ):
                return
        self._put_in_line(commit.stream, kept)

    def take(self, report: Gap | Mismatch) -> None:
        """Take note of what a fold found."""
        kept = self._by_fingerprint.get(report.fingerprint)
        if kept is None:
            return
        if isinstance(report, Mismatch):
            self._by_kind = {k: other for k, other in self._by_kind.items() if other is not kept}
            del self._by_fingerprint[report.fingerprint]
            self._due = {s: other for s, other in self._due.items() if other is not kept}
            # What is in hand may be a pass of this reducer; another one comes again.
            self._job = self._stream = None
            self._jobs.append(self._drop_fingerprint(report.fingerprint))
        # What is not yet there is no gap.
        elif report.invalid or self._is_done_with(report.streams):
            self._jobs.append(self._mend(kept, report))

    def _is_done_with(self, streams: tuple[StreamId, ...]) -> bool:
        return not any(stream in self._due or stream == self._stream for stream in streams)

    def _put_in_line(self, stream: StreamId, kept: Kept[Any]) -> None:
        # Too many at once: what is left out is found when the stream is folded.
        if len(self._due) < REMEMBERED_STREAMS:
            self._due[stream] = kept

    def forget(self) -> None:
        """Trust nothing that is remembered: a write failed."""
        self._progress.clear()

    def has_work(self) -> bool:
        """Say whether a turn would do something."""
        return bool(self._job or self._jobs or self._due)

    def turn(self, *, interrupted: Callable[[], bool]) -> list[Write]:
        """Go on by a step, and until it is enough for one transaction, or *interrupted*."""
        self._heed_redactions()
        writes: list[Write] = []
        size = 0
        while (step := self._step()) is not None:
            size += step.size
            if isinstance(step, Write):
                writes.append(step)
                if step.settles:
                    break
            if size >= TURN_BYTES or interrupted():
                break
        return writes

    def _heed_redactions(self) -> None:
        """Begin a pass anew where a value may have been taken out of what it has read (CH-6).

        Whatever process does that tells of it in the log's own stream; chain values stay as
        they are, so nothing else would show that a fold still holds the value.
        """
        told = self._reader.head(LOG_STREAM).revision
        if told != self._told and self._stream is not None and self._passing is not None:
            self._put_in_line(self._stream, self._passing)
            self._job = self._stream = None
        self._told = told

    def _step(self) -> Write | Read | None:
        """Go on with the job in hand or the next one; None: there is none."""
        if self._job is None:
            self._job = self._next_job()
        if self._job is None:
            return None
        try:
            return next(self._job)
        except StopIteration:
            pass
        except Exception:
            # A reducer is not ours, and no keyframe is worth a commit.
            LOG.exception("keyframes_failed stream=%s", self._stream)
            if self._stream is not None:
                self._remember(self._stream, Progress(1 << 62, 0, 0))
        self._job = self._stream = None
        return Read()

    def _next_job(self) -> Iterator[Write | Read] | None:
        if self._jobs:
            return self._jobs.pop(0)
        if not self._due:
            return None
        self._stream = next(iter(self._due))
        self._passing = self._due.pop(self._stream)
        return self._pass(self._stream, self._passing)

    # --- jobs: generators, because each may take more than one turn ---

    def _pass(self, stream: StreamId, kept: Kept[Any]) -> Iterator[Write | Read]:
        """Keep the folds of *stream* that are due after its newest keyframe."""
        self._progress.pop(stream, None)
        start = self._folds.start(kept.reducer, kept, stream, self._reader.head(stream).revision)
        state, revision = start.state, start.revision
        keyframe_size = keyframes.weight(start.keyframe.data) if start.keyframe else 0
        waiting: list[tuple[Leg, LogRow]] = []
        size = 0
        for leg, row in self._folds.rows(start):
            waiting.append((leg, row))
            size += len(row.data)
            due = keyframe_policy.is_due(
                events=row.last - revision, size=size, keyframe_size=keyframe_size
            )
            if not due or row.last > leg.last:
                yield Read(len(row.data))
                continue
            # Only what leads to a keyframe is decoded at all.
            state = fold(kept.reducer, self._events(waiting), state)
            write = self._keyframe(kept, leg.stream, row, kept.reducer.dump(state))
            if revision == start.revision:
                yield from self._introduce(kept)
            waiting, revision, size, keyframe_size = [], row.last, 0, write.size
            yield write
        self._remember(stream, Progress(revision, keyframe_size, size))

    def _events(self, rows: list[tuple[Leg, LogRow]]) -> Iterator[Event]:
        return (event for leg, row in rows for event in self._folds.events(leg, row))

    def _keyframe(self, kept: Kept[Any], stream: StreamId, row: LogRow, data: bytes) -> Write:
        chain = self._reader.of_stream(
            stream, lambda c: keyframes.chain_at(c, stream, row.revision)
        )
        digest = keyframe_policy.digest(kept.fingerprint, stream, row.last, chain, data)
        return keyframes.put(stream, kept.fingerprint, row.last, digest, data)

    def _remember(self, stream: StreamId, progress: Progress) -> None:
        self._progress[stream] = progress
        if len(self._progress) > REMEMBERED_STREAMS:
            del self._progress[next(iter(self._progress))]

    def _mend(self, kept: Kept[Any], gap: Gap) -> Iterator[Write | Read]:
        """Drop what comes after a gap, and have it made again."""
        for stream in gap.streams:
            yield keyframes.drop_after(stream, gap.after, kept.fingerprint)
            self._put_in_line(stream, kept)

    def _introduce(self, kept: Kept[Any]) -> Iterator[Write | Read]:
        """Make a reducer known, and drop what only older ones than its predecessor kept."""
        name, version, mine = kept.reducer.name, kept.reducer.version, kept.fingerprint
        yield keyframes.add_reducer(name, version, mine)
        for number in self._reader.ask(lambda c: keyframes.outdated(c, name, mine)):
            yield from self._drop(number)

    def _drop_fingerprint(self, fingerprint: bytes) -> Iterator[Write | Read]:
        number = self._reader.ask(lambda c: keyframes.reducer_id(c, fingerprint))
        if number is not None:
            yield from self._drop(number)

    def _drop(self, number: int) -> Iterator[Write | Read]:
        count = self._reader.ask(lambda c: keyframes.count(c, number))
        for _ in range(0, count, keyframes.DROPPED_AT_ONCE):
            yield keyframes.drop_some(number)
        yield keyframes.drop_reducer(number)
