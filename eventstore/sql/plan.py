"""What a flush writes: decided in values, before anything is written.

A draft becomes rows with positions, revisions and chain values, or a refusal. A refused
draft leaves no trace, so the others of its flush go on as if it had not been there.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import msgspec

from eventstore import refusals
from eventstore.chain import CLOSES, CODEC, CONTINUES, StoredRow, link
from eventstore.codec import Registry
from eventstore.drafts import FORK_DEPTH, Draft, check_length, warn_of_length
from eventstore.errors import EventStoreError
from eventstore.events import ANY, NEW, Commit
from eventstore.identifiers import Position, Revision, StreamId

REMEMBERED_ROWS = 256
REMEMBERED_HEADS = 16_384

LAST_NAMED = (1 << 80) - 1
"""No name gives a higher id: their time is 0."""

UNKNOWN = -1
"""A size that the log must be asked for."""

Outcome: TypeAlias = Commit | EventStoreError
Parameters: TypeAlias = tuple[Any, ...]


class Known(msgspec.Struct, frozen=True, gc=False):
    """How far a stream is, as far as the next append must know."""

    revision: int = 0
    kind: int = 0
    closed: bool = False
    commit_id: bytes | None = None
    """Of its last row."""
    parent: StreamId | None = None
    size: int = UNKNOWN
    """Of its own payloads, in bytes; only of a kind with a limit."""


NOTHING = Known(size=0)


class LogState(msgspec.Struct, frozen=True, gc=False):
    """Where the log ends."""

    uid: UUID
    epoch: int
    next_pos: int
    head: bytes
    last_at_us: int


class Lookups(Protocol):
    """What the plan may have to ask the log."""

    def known(self, stream: StreamId) -> Known:
        """Return the head of a stream."""
        ...

    def size_of(self, stream: StreamId) -> int:
        """Return how many bytes the payloads of a stream's own rows have."""
        ...

    def begun(self, streams: Collection[StreamId]) -> Collection[StreamId]:
        """Return those of *streams* that have rows which were not archived: asked at once."""
        ...

    def commit_at(self, stream: StreamId, revision: int) -> tuple[bytes, int] | None:
        """Return commit id and position of the row that begins at a revision."""
        ...

    def commit_rows(self, first_pos: int) -> list[StoredRow]:
        """Return the rows of the commit that begins at a position."""
        ...


class Heads:
    """The heads of streams that were appended to lately.

    A stream that is younger than all in the log was when this began needs no look into
    the log: if it is there, it was appended here, and then either it is remembered, or it
    begins at revision 1, and UNIQUE (stream, revision) refuses a second beginning. Forks
    begin elsewhere, so they are all remembered.

    Args:
        youngest: highest id of a stream in the log; 0: there is none.
        youngest_archived: that of a stream in a segment; 0: there is none.
    """

    # Kept by the ids' numbers: hash and comparison of a UUID itself are written in Python.

    def __init__(self, youngest: int, youngest_archived: int = 0) -> None:
        self._youngest = youngest
        self._youngest_archived = youngest_archived
        self._heads: dict[int, Known] = {}
        self._forks: set[int] = set()

    def find(self, stream: StreamId) -> Known | None:
        """Return the head of *stream*; None: look into the log."""
        number = stream.int
        known = self._heads.get(number)
        if known is not None:
            return known
        if number <= self._youngest or number in self._forks:
            return None
        return NOTHING

    def doubtful(self, streams: Iterable[StreamId], *, trusting: bool) -> list[StreamId]:
        """Return those of *streams* that the table of rows must be asked for, and it alone.

        Args:
            streams: that somebody appends to.
            trusting: whether those need not be asked for that are younger than all.
        """
        heads, archived, forks = self._heads, self._youngest_archived, self._forks
        asked_to = self._youngest if trusting else (1 << 128)
        found = {}
        for stream in streams:
            number = stream.int
            if number in heads or number <= archived:
                continue
            if number <= asked_to or number in forks:
                found[number] = stream
        return list(found.values())

    def forget(self, stream: StreamId, *, is_fork: bool) -> None:
        """Ask the log from now on: another process appended to *stream*.

        Named streams, which any process may have begun, are asked for each time they are not
        remembered; of others UNIQUE (stream, revision) refuses a second beginning.
        """
        self._youngest = max(self._youngest, LAST_NAMED)
        self._heads.pop(stream.int, None)
        if is_fork:
            self._forks.add(stream.int)

    def put(self, stream: StreamId, known: Known) -> None:
        """Remember the head of *stream*."""
        number = stream.int
        self._heads[number] = known
        if known.parent is not None:
            self._forks.add(number)
        if len(self._heads) > REMEMBERED_HEADS:
            del self._heads[next(iter(self._heads))]


class Recent:
    """The commit ids of the last 256 rows, each with its commit's first position."""

    def __init__(self) -> None:
        self._commits: dict[bytes, tuple[int, int]] = {}
        self._rows = 0

    def find(self, commit_id: bytes) -> int | None:
        """Return the first position of a commit; None if it is not among the last rows."""
        first_pos, row = self._commits.get(commit_id, (0, 0))
        return first_pos if row and row > self._rows - REMEMBERED_ROWS else None

    def put(self, commit_id: bytes, first_pos: int) -> None:
        """Remember a row whose commit id can come again."""
        self._rows += 1
        self._commits.pop(commit_id, None)
        self._commits[commit_id] = (first_pos, self._rows)
        if len(self._commits) > REMEMBERED_ROWS:
            del self._commits[next(iter(self._commits))]

    def pass_by(self, rows: int) -> None:
        """Count rows whose commit id only this program knows."""
        self._rows += rows


class Plan:
    """The rows of one flush, and what each draft is told once they are written.

    Args:
        state: where the log ends before the flush.
        registry: gives the names of kinds.
        heads: of streams, trusted.
        recent: commit ids.
        lookups: into the log, for what is not remembered.
        trusting: whether *heads* may answer for streams that it does not remember.
    """

    def __init__(
        self,
        state: LogState,
        registry: Registry,
        heads: Heads,
        recent: Recent,
        lookups: Lookups,
        *,
        trusting: bool,
    ) -> None:
        self._uid = state.uid
        self._uid_bytes = state.uid.bytes
        self._epoch = state.epoch
        self._next_pos = state.next_pos
        self._head = state.head
        self._last_at_us = state.last_at_us
        self.rows: list[Parameters] = []
        self.outcomes: list[Outcome] = []
        """For each draft that was taken, in order."""
        self.durable = False
        self._registry = registry
        self._heads = heads
        self._recent = recent
        self._lookups = lookups
        self._trusting = trusting
        self._new: dict[int, tuple[StreamId, Known]] = {}
        self._absent: set[int] = set()
        """Streams that were looked for: there are none."""
        self._ids: set[bytes] = set()
        self._remember: list[tuple[Draft, int]] = []
        self._long: list[tuple[Draft, Commit]] = []
        """Those that made a stream long."""

    @property
    def state(self) -> LogState:
        """Where the log ends after the flush."""
        return LogState(self._uid, self._epoch, self._next_pos, self._head, self._last_at_us)

    def take(self, drafts: Sequence[Draft]) -> int:
        """Plan *drafts*; return how many: the rest must wait for the next flush."""
        self._look_ahead(drafts)
        for number, draft in enumerate(drafts):
            # The first answer to a repeated id is not yet in the log: ask again later.
            if draft.given and draft.commit_id in self._ids:
                return number
            try:
                repeated = self._repeated(draft) if draft.given else None
                outcome: Outcome = repeated or self._place(draft)
            except EventStoreError as error:
                outcome = error
            self.outcomes.append(outcome)
        return len(drafts)

    def take_all(self, drafts: Sequence[Draft]) -> None:
        """Plan *drafts*, none of which may wait.

        Raises:
            EventStoreError: the first refusal.
        """
        self.take(drafts)
        for outcome in self.outcomes:
            if isinstance(outcome, EventStoreError):
                raise outcome

    def written(self) -> None:
        """Remember what was planned: it is in the log now."""
        recent, passed = self._recent, 0
        for stream, known in self._new.values():
            self._heads.put(stream, known)
        for draft, first_pos in self._remember:
            if not draft.given:
                passed += len(draft.rows)
                continue
            recent.pass_by(passed)
            passed = 0
            for _ in draft.rows:
                recent.put(draft.commit_id, first_pos)
        recent.pass_by(passed)
        for draft, commit in self._long:
            warn_of_length(draft, commit)

    def _look_ahead(self, drafts: Sequence[Draft]) -> None:
        """Ask at once for all streams of which nothing is known: most begin here."""
        streams = [draft.stream for draft in drafts]
        doubtful = self._heads.doubtful(streams, trusting=self._trusting)
        if len(doubtful) > 1:
            begun = {stream.int for stream in self._lookups.begun(doubtful)}
            self._absent = {stream.int for stream in doubtful} - begun

    def _known_for(self, draft: Draft) -> Known:
        # Where a row begins at revision 1, the database itself refuses a second one.
        begins = draft.expected <= NEW and draft.parent is None
        return self._known(draft.stream, trusting=self._trusting and begins)

    def _known(self, stream: StreamId, *, trusting: bool) -> Known:
        new = self._new.get(stream.int)
        if new is not None:
            return new[1]
        known = self._heads.find(stream)
        if known is None or (known is NOTHING and not trusting):
            if stream.int in self._absent:
                return NOTHING
            known = self._lookups.known(stream)
            if known.revision:
                self._heads.put(stream, known)
        return known

    def _repeated(self, draft: Draft) -> Commit | None:
        """Return the first answer to *draft*, of a given id, if it was appended before (ES-4)."""
        first_pos = self._recent.find(draft.commit_id)
        if first_pos is None and draft.expected != ANY:
            known = self._known_for(draft)
            if known.revision and known.revision != draft.base:
                found = self._lookups.commit_at(draft.stream, draft.base + 1)
                first_pos = found[1] if found and found[0] == draft.commit_id else None
        if first_pos is None:
            return None
        rows = self._lookups.commit_rows(first_pos)
        same = [(draft.stream, draft.began_us, row.data) for row in draft.rows]
        if [(row.stream, row.began_us, row.data) for row in rows] != same:
            raise refusals.commit_id_reused(draft.stream, draft.commit_id)
        return Commit(
            draft.stream,
            Revision(rows[0].revision),
            Revision(rows[-1].next_revision - 1),
            Position(rows[0].pos),
            rows[-1].at_us,
            rows[-1].chain,
            duplicate=True,
        )

    def _place(self, draft: Draft) -> Commit:
        new = self._new.get(draft.stream.int)
        known = new[1] if new is not None else self._known_for(draft)
        if known is NOTHING:
            if draft.expected > NEW:
                raise refusals.wrong_revision(draft.stream, draft.expected, 0, None)
        elif (
            draft.expected not in (ANY, known.revision)
            or known.closed
            or known.kind != draft.kind.id
        ):
            self._check_head(draft, known)
        base, parent = known.revision, known.parent
        if draft.parent is not None:
            self._check_parent(draft.stream, *draft.parent)
            parent, base = draft.parent
        size = self._size_of(draft.stream, known) if draft.kind.max_bytes is not None else 0
        is_long = draft.is_limited and check_length(draft, base, size)
        commit = self._write(draft, base, parent, size)
        if is_long:
            self._long.append((draft, commit))
        return commit

    def _size_of(self, stream: StreamId, known: Known) -> int:
        return self._lookups.size_of(stream) if known.size == UNKNOWN else known.size

    def _check_head(self, draft: Draft, known: Known) -> None:
        if known.revision and known.kind != draft.kind.id:
            kind = self._registry.kind_by_id(known.kind).name
            raise refusals.stream_mismatch(draft.stream, kind, draft.kind.name)
        if known.closed:
            raise refusals.stream_closed(draft.stream, known.revision)
        if draft.expected not in (ANY, known.revision):
            raise refusals.wrong_revision(
                draft.stream, draft.expected, known.revision, known.commit_id
            )

    def _check_parent(self, stream: StreamId, parent: StreamId, revision: int) -> None:
        known = self._known(parent, trusting=False)
        if not known.revision or revision > known.revision:
            raise refusals.no_such_revision(parent, revision, known.revision)
        depth = 1
        while known.parent is not None:
            depth += 1
            known = self._known(known.parent, trusting=False)
        if depth > FORK_DEPTH:
            raise refusals.fork_too_deep(stream, FORK_DEPTH)

    def _write(self, draft: Draft, base: int, parent: StreamId | None, size: int) -> Commit:
        first_pos, revision, head, epoch = self._next_pos, base + 1, self._head, self._epoch
        uid, number = self._uid_bytes, draft.stream.int
        stream = number.to_bytes(16, "big")
        kind, began_us, commit_id = draft.kind.id, draft.began_us, draft.commit_id
        at_us = max(draft.now_us, self._last_at_us)
        pos, text, left = first_pos, stream.hex(), len(draft.rows)
        fork, fork_revision = draft.parent or (None, None)
        for row in draft.rows:
            left -= 1
            count, digest = row.count, row.digest
            flags = CONTINUES if left else CLOSES if draft.close else 0
            head = link(
                head, uid, epoch, pos, stream, revision, count, kind, flags, began_us,
                at_us, commit_id, fork.bytes if fork else None, fork_revision, digest,
            )  # fmt: skip
            self.rows.append((
                pos, epoch, text, revision, count, kind, flags, began_us, at_us, commit_id,
                fork.hex if fork else None, fork_revision, CODEC, row.data, row.salt,
                digest, head,
            ))  # fmt: skip
            pos, revision = pos + count, revision + count
            fork = fork_revision = None
        self._next_pos, self._head, self._last_at_us = pos, head, at_us
        self._remember.append((draft, first_pos))
        if draft.given:
            self._ids.add(commit_id)
        if draft.durable:
            self.durable = True
        known = Known(revision - 1, kind, draft.close, commit_id, parent, size + draft.size)
        self._new[number] = (draft.stream, known)
        # A call of a NewType costs as much as the rest of it.
        return Commit(draft.stream, base + 1, revision - 1, first_pos, at_us, head)  # type: ignore[arg-type]
