"""What a flush writes: decided in values, before anything is written.

A draft becomes rows with positions, revisions and chain values, or a refusal. A refused
draft leaves no trace, so the others of its flush go on as if it had not been there.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias
from uuid import UUID

import msgspec

from eventstore import refusals
from eventstore.chain import CLOSES, CODEC, CONTINUES, StoredRow, link
from eventstore.codec import Registry
from eventstore.drafts import FORK_DEPTH, Draft, check_length
from eventstore.errors import EventStoreError
from eventstore.events import ANY, NEW, Commit
from eventstore.identifiers import Position, Revision, StreamId

REMEMBERED_ROWS = 256
REMEMBERED_HEADS = 16_384

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


NOTHING = Known()


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
    """

    def __init__(self, youngest: str) -> None:
        self._youngest = youngest
        self._heads: OrderedDict[StreamId, Known] = OrderedDict()
        self._forks: set[StreamId] = set()

    def find(self, stream: StreamId) -> Known | None:
        """Return the head of *stream*; None: look into the log."""
        known = self._heads.get(stream)
        if known is not None:
            return known
        if stream in self._forks or stream.hex <= self._youngest:
            return None
        return NOTHING

    def put(self, stream: StreamId, known: Known) -> None:
        """Remember the head of *stream*."""
        self._heads[stream] = known
        self._heads.move_to_end(stream)
        if known.parent is not None:
            self._forks.add(stream)
        if len(self._heads) > REMEMBERED_HEADS:
            self._heads.popitem(last=False)


class Recent:
    """The commit ids of the last 256 rows, each with its commit's first position."""

    def __init__(self) -> None:
        self._rows: deque[bytes] = deque()
        self._commits: dict[bytes, tuple[int, int]] = {}
        self._count = 0

    def find(self, commit_id: bytes) -> int | None:
        """Return the first position of a commit; None if it is not among the last rows."""
        found = self._commits.get(commit_id)
        return found[0] if found else None

    def put(self, commit_id: bytes, first_pos: int) -> None:
        """Remember a row."""
        self._count += 1
        self._rows.append(commit_id)
        self._commits[commit_id] = (first_pos, self._count)
        if len(self._rows) > REMEMBERED_ROWS:
            oldest = self._rows.popleft()
            if self._commits[oldest][1] <= self._count - REMEMBERED_ROWS:
                del self._commits[oldest]


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
        self.state = state
        self.rows: list[Parameters] = []
        self.outcomes: list[Outcome] = []
        """For each draft that was taken, in order."""
        self.durable = False
        self._registry = registry
        self._heads = heads
        self._recent = recent
        self._lookups = lookups
        self._trusting = trusting
        self._new: dict[StreamId, Known] = {}
        self._ids: dict[bytes, int] = {}
        self._remember: list[tuple[bytes, int]] = []

    def take(self, drafts: Sequence[Draft]) -> int:
        """Plan *drafts*; return how many: the rest must wait for the next flush."""
        for number, draft in enumerate(drafts):
            # The first answer to a repeated id is not yet in the log: ask again later.
            if draft.given and draft.commit_id in self._ids:
                return number
            try:
                outcome: Outcome = self._repeated(draft) or self._place(draft)
            except EventStoreError as error:
                outcome = error
            self.outcomes.append(outcome)
        return len(drafts)

    def written(self) -> None:
        """Remember what was planned: it is in the log now."""
        for stream, known in self._new.items():
            self._heads.put(stream, known)
        for commit_id, first_pos in self._remember:
            self._recent.put(commit_id, first_pos)

    def _known_for(self, draft: Draft) -> Known:
        # Where a row begins at revision 1, the database itself refuses a second one.
        begins = draft.expected <= NEW and draft.parent is None
        return self._known(draft.stream, trusting=self._trusting and begins)

    def _known(self, stream: StreamId, *, trusting: bool) -> Known:
        known = self._new.get(stream) or self._heads.find(stream)
        if known is None or (known is NOTHING and not trusting):
            known = self._lookups.known(stream)
            if known.revision:
                self._heads.put(stream, known)
        return known

    def _repeated(self, draft: Draft) -> Commit | None:
        """Return the first answer to *draft*, if it was appended before (ES-4)."""
        if not draft.given:
            return None
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
        known = self._known_for(draft)
        if known is not NOTHING:
            self._check_head(draft, known)
        elif draft.expected > NEW:
            raise refusals.wrong_revision(draft.stream, draft.expected, 0, None)
        base = known.revision
        if draft.parent is not None:
            self._check_parent(draft.stream, *draft.parent)
            base = draft.parent[1]
        check_length(draft, base)
        return self._write(draft, base, draft.parent[0] if draft.parent else known.parent)

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

    def _write(self, draft: Draft, base: int, parent: StreamId | None) -> Commit:
        state, first_pos, revision = self.state, self.state.next_pos, base + 1
        uid, stream, text = state.uid.bytes, draft.stream.bytes, draft.stream.hex
        at_us = max(draft.now_us, state.last_at_us)
        pos, head = first_pos, state.head
        fork, fork_revision = draft.parent or (None, None)
        last = len(draft.rows) - 1
        for number, row in enumerate(draft.rows):
            flags = (CLOSES if draft.close else 0) if number == last else CONTINUES
            head = link(
                head, uid, state.epoch, pos, stream, revision, row.count, draft.kind.id, flags,
                draft.began_us, at_us, draft.commit_id, fork.bytes if fork else None,
                fork_revision, row.digest,
            )  # fmt: skip
            self.rows.append((
                pos, state.epoch, text, revision, row.count, draft.kind.id, flags,
                draft.began_us, at_us, draft.commit_id, fork.hex if fork else None,
                fork_revision, CODEC, row.data, row.salt, row.digest, head,
            ))  # fmt: skip
            self._remember.append((draft.commit_id, first_pos))
            pos, revision = pos + row.count, revision + row.count
            fork = fork_revision = None
        self.state = LogState(state.uid, state.epoch, pos, head, at_us)
        self._ids[draft.commit_id] = first_pos
        self.durable = self.durable or draft.durable
        self._new[draft.stream] = Known(
            revision - 1, draft.kind.id, draft.close, draft.commit_id, parent
        )
        return Commit(
            draft.stream, Revision(base + 1), Revision(revision - 1), Position(first_pos),
            at_us, head,
        )  # fmt: skip
