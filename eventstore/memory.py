"""The reference backend: lists in memory, as plain as can be.

It says what the SQL backends must do; `eventstore.testing` holds them equal to it, row by
row. Nothing here is fast and nothing survives the process.
"""

import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Self, TypeVar

import msgspec

from eventstore import redaction, refusals, seals, signing
from eventstore.bell import Bell
from eventstore.chain import CLOSES, CODEC, CONTINUES, LogEnd, StoredRow, Walk, chain_of, genesis
from eventstore.codec import LOG_KIND, Registry, RowDecoder
from eventstore.cursors import Cursor, us_of
from eventstore.drafts import FORK_DEPTH, Draft, Drafting, check_length, warn_of_length
from eventstore.errors import EventStoreError
from eventstore.events import ANY, Commit, Event, Head, NewEvent, Redaction, Row, Verdict
from eventstore.fold import Folded, Reducer, fold
from eventstore.following import Following
from eventstore.identifiers import Clock, Ids, Position, Revision, StreamId
from eventstore.keyring import Keyring
from eventstore.memory_feed import MemoryFeed
from eventstore.memory_files import WithoutFiles
from eventstore.memory_keys import MemoryKeyring
from eventstore.memory_ticket import MemoryTicket, commit_of
from eventstore.names import REGISTERED, Name, NameBook
from eventstore.seals import Seal
from eventstore.verification import SealedWalk

S = TypeVar("S")
REMEMBERED_ROWS = 256


class MemoryStore(MemoryKeyring, WithoutFiles):
    """A log in lists. See `eventstore.store.Store` for what its methods do."""

    def __init__(
        self, registry: Registry, clock: Clock, ids: Ids, keyring: Keyring | None = None
    ) -> None:
        registry.check()
        self._registry = registry
        self._lock = threading.RLock()
        self._closed = False
        self._uid = ids.uuid7(clock())
        self._epoch = 0
        self._rows: list[StoredRow] = []
        self._streams: dict[StreamId, list[StoredRow]] = {}
        self._names: list[Name] = []
        self._seals: list[Seal] = []
        self._redactions: list[tuple[int, redaction.Redacted]] = []
        self._seed = secrets.token_bytes(signing.SEED_BYTES)
        self._clock = clock
        self._ids = ids
        self._bell = Bell()
        MemoryKeyring.__init__(self, keyring, clock, ids)
        self._feed = MemoryFeed(
            self._uid, self._rows, self._lock, self._row, self._check_open, self._note_reset
        )
        self.hold()
        self._begin_keys()

    @property
    def url(self) -> str:
        """Nowhere."""
        return "memory://"

    def hold(self) -> None:
        """Take the log anew, as reopening does: the next epoch, and a fact that says so."""
        with self._lock:
            self._epoch += 1
            self._book = NameBook(self._registry)
            self._book.load(self._names)
            self._drafting = Drafting(
                self._registry, self._book, self._clock, self._ids, self._subjects
            )
            self._decoder = RowDecoder(self._registry, self._book.types, self._book.sites)
            self._book.prepare()
            self._register_names()
            self._write(self._drafting.held(self._epoch))

    def append(  # noqa: PLR0913 - the port has them
        self,
        stream: StreamId,
        events: Sequence[NewEvent],
        *,
        kind: str,
        expected: int,
        commit_id: bytes | None = None,
        parent: tuple[StreamId, Revision] | None = None,
        close: bool = False,
        durable: bool = False,
    ) -> MemoryTicket:
        self._check_open()
        with self._lock:
            draft = self._drafting.draft(
                stream, events, kind=kind, expected=expected, commit_id=commit_id,
                parent=parent, close=close, durable=durable,
            )  # fmt: skip
            self._register_names()
            self._put_keys()
            try:
                return MemoryTicket(self._repeated(draft) or self._commit(draft))
            except EventStoreError as error:
                return MemoryTicket(error)

    def head(self, stream: StreamId) -> Head:
        self._check_open()
        rows = self._streams.get(stream)
        if not rows:
            return Head(Revision(0))
        return Head(
            revision=Revision(rows[-1].next_revision - 1),
            kind=self._registry.kind_by_id(rows[0].kind).name,
            closed=bool(rows[-1].flags & CLOSES),
            parent=rows[0].parent,
            parent_revision=Revision(rows[0].parent_revision or 0),
            last_position=Position(rows[-1].next_pos - 1),
        )

    def read(self, stream: StreamId, first: int = 1, last: int | None = None) -> Iterator[Event]:
        self._check_open()
        events: list[Event] = []
        while True:
            rows = self._streams.get(stream, [])
            own = [event for row in rows for event in self._events(row)]
            events = [event for event in own if last is None or event.revision <= last] + events
            if not rows or rows[0].parent is None:
                return iter([event for event in events if event.revision >= first])
            stream = rows[0].parent
            before = rows[0].parent_revision or 0
            last = before if last is None else min(last, before)

    def read_log(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 256,
        kinds: Sequence[str] = (),
        newest_first: bool = False,
        first_rows_only: bool = False,
    ) -> list[Row]:
        self._check_open()
        numbers = {self._registry.kind(kind).id for kind in kinds}
        rows = [
            row
            for row in self._rows
            if row.pos > after
            and (before is None or row.pos < before)
            and (not kinds or row.kind in numbers)
            and (not first_rows_only or row is self._streams[row.stream][0])
        ]
        if newest_first:
            rows.reverse()
        return [self._row(row) for row in rows[: max(limit, 0)]]

    def end(self) -> Position:
        self._check_open()
        return Position(self._next_pos - 1)

    def count_streams(self, kind: str) -> int:
        self._check_open()
        number = self._registry.kind(kind).id
        return sum(rows[0].kind == number for rows in self._streams.values())

    def find_streams(self, suffix: str, kind: str, limit: int = 10) -> list[StreamId]:
        self._check_open()
        number = self._registry.kind(kind).id
        streams = [stream for stream, rows in self._streams.items() if rows[0].kind == number]
        found = [stream for stream in streams if stream.hex.endswith(suffix.lower())]
        return found[::-1][: max(limit, 0)]

    def forks_of(self, stream: StreamId) -> list[StreamId]:
        self._check_open()
        return [fork for fork, rows in self._streams.items() if rows[0].parent == stream]

    def open_streams(self, kind: str) -> list[StreamId]:
        streams = reversed(self.find_streams("", kind, len(self._streams)))
        return [each for each in streams if not self._streams[each][-1].flags & CLOSES]

    def fold(self, reducer: Reducer[S], stream: StreamId, at: int | None = None) -> Folded[S]:
        revision = self.head(stream).revision
        if at is not None and not 0 <= at <= revision:
            raise refusals.no_such_revision(stream, at, revision)
        at = revision if at is None else at
        return Folded(fold(reducer, self.read(stream, 1, at)), Revision(at))

    def subscribe(
        self, name: str, *, after: Cursor | None = None, kinds: Sequence[str] = ()
    ) -> Following:
        self._check_open()
        numbers = [self._registry.kind(kind).id for kind in kinds]
        return Following(self._feed, self._bell, name, after, numbers)

    def cursor_at(self, position: int | None = None) -> Cursor:
        self._check_open()
        return Cursor({self._uid: self._feed.mark_at(position)})

    def position_at(self, instant: datetime) -> Cursor:
        self._check_open()
        return Cursor({self._uid: self._feed.mark_by(us_of(instant))})

    def verify(
        self,
        first: int = 1,
        last: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Verdict:
        self._check_open()
        rows = [
            row for row in self._rows if row.next_pos > first and (last is None or row.pos <= last)
        ]
        if not rows:
            raise refusals.no_row(first)
        index, to_end = self._rows.index(rows[0]), rows[-1] is self._rows[-1]
        walk = Walk(
            uid=self._uid,
            previous=self._rows[index - 1].chain if index else genesis(self._uid),
            next_pos=rows[0].pos,
            end=LogEnd(self._next_pos, self._head, self._epoch) if to_end else None,
            names=[msgspec.structs.astuple(name) for name in self._names],
            names_type=self._book.type_ids.known.get(REGISTERED),
            from_start=index == 0,
            revision_before=self._revision_before,
            redactions=redaction.latest(fact for _, fact in self._redactions),
        )
        over = [seal for seal in self._seals if rows[0].pos <= seal.last_pos < rows[-1].next_pos]
        keys = frozenset([signing.key_of(self._seed)] if over else [])
        sealed = SealedWalk(walk, over, keys=keys, first=rows[0].pos, to_end=to_end)
        return _along(sealed, rows, progress)

    def verify_since_seal(self, progress: Callable[[int, int], None] | None = None) -> Verdict:
        # From the last seal's own first row: shorter to say, and no less is checked.
        return self.verify(self._seals[-1].first_pos if self._seals else 1, None, progress)

    def verify_stream(
        self, stream: StreamId, progress: Callable[[int, int], None] | None = None
    ) -> Verdict:
        verdict = self.verify(1, None, progress)
        rows = self._streams.get(stream, [])
        last = Position(rows[-1].next_pos - 1 if rows else 0)
        while rows and rows[0].parent is not None:
            before = rows[0].parent_revision or 0
            older = [row for row in self._streams[rows[0].parent] if row.revision <= before]
            rows = older + rows
        return msgspec.structs.replace(verdict, checked=len(rows), verified_to=last)

    def seal(self) -> None:
        self._check_open()
        first = self._seals[-1].last_pos + 1 if self._seals else 1
        chains = [row.chain for row in self._rows if row.pos >= first]
        if chains:
            self._seals.append(seals.sealed(
                chains, uid=self._uid, epoch=self._epoch, first=first, last=self._next_pos - 1,
                at_us=self._clock(), seed=self._seed,
            ))  # fmt: skip

    def redact(
        self, stream: StreamId, revision: int, pointers: Sequence[str], *, by: str, reason: str
    ) -> Redaction:
        self._check_open()
        with self._lock:
            row = self._row_of(stream, revision)
            data = redaction.redacted(row.data, revision - row.revision, pointers)
            self._check_readable(row, data, pointers)
            fact = redaction.fact_of(
                stream=row.stream.hex, revision=revision, position=row.pos, pointers=pointers,
                by=by, reason=reason, digest=row.digest or b"", data=data,
            )  # fmt: skip
            before = redaction.told_before(fact, self._redactions) if data == row.data else None
            if before is not None:
                return Redaction(Position(before), Position(row.pos), 0, gone=True, duplicate=True)
            now = msgspec.structs.replace(row, data=data, salt=None)
            for rows in (self._rows, self._streams[row.stream]):
                rows[rows.index(row)] = now
            told = self._tell(redaction.FACT, fact)
            self._redactions.append((told, fact))
            return Redaction(told, Position(row.pos), 0, gone=True)

    def _row_of(self, stream: StreamId, revision: int) -> StoredRow:
        of: StreamId | None = stream
        while of is not None and 1 <= revision <= self.head(of).revision:
            for row in self._streams[of]:
                if row.revision <= revision < row.next_revision:
                    return row
            of = self.head(of).parent
        raise refusals.no_such_revision(stream, revision, self.head(stream).revision)

    def _first_of(self, row: StoredRow) -> StoredRow:
        return next(r for r in self._streams[row.stream] if r.commit_id == row.commit_id)

    def _tell(self, type_: str, fact: object) -> Position:
        self._book.type_ids[type_]
        self._register_names()
        return self._write(self._drafting.maintenance(type_, fact)).position

    def _check_readable(self, row: StoredRow, data: str, pointers: Sequence[str]) -> None:
        if row.kind == LOG_KIND.id:
            raise redaction.cannot_redact(pointers, "the log needs what it says of itself")
        try:
            self._events(msgspec.structs.replace(row, data=data))
        except EventStoreError as error:
            reason = "the event could not be read without it"
            raise redaction.cannot_redact(pointers, reason) from error

    def close(self) -> None:
        self._closed = True
        self._bell.ring()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _next_pos(self) -> int:
        return self._rows[-1].next_pos if self._rows else 1

    @property
    def _head(self) -> bytes:
        return self._rows[-1].chain if self._rows else genesis(self._uid)

    def _check_open(self) -> None:
        if self._closed:
            raise refusals.store_closed(self.url)

    def _register_names(self) -> None:
        names = self._book.unregistered()
        if names:
            self._write(self._drafting.registered(names))
            self._names.extend(names)
            self._book.load(names)

    def _note_reset(self, name: str, before: str, after: str) -> None:
        draft = self._drafting.reset(name, before, after)
        self._register_names()
        self._write(draft)

    def _repeated(self, draft: Draft) -> Commit | None:
        """Return the first answer to *draft*, if it was appended before (ES-4)."""
        if not draft.given:
            return None
        candidates = self._rows[-REMEMBERED_ROWS:]
        if draft.expected != ANY and draft.base != self.head(draft.stream).revision:
            candidates = [
                row for row in self._streams.get(draft.stream, []) if row.revision == draft.base + 1
            ] + candidates
        for row in candidates:
            if row.commit_id == draft.commit_id:
                return self._first_answer(draft, row.commit_id)
        return None

    def _first_answer(self, draft: Draft, commit_id: bytes) -> Commit:
        rows = [row for row in self._streams.get(draft.stream, []) if row.commit_id == commit_id]
        same = [(row.began_us, row.data) for row in rows]
        if same != [(draft.began_us, row.data) for row in draft.rows]:
            raise refusals.commit_id_reused(draft.stream, commit_id)
        return commit_of(rows, duplicate=True)

    def _commit(self, draft: Draft) -> Commit:
        head = self.head(draft.stream)
        if head.revision and head.kind != draft.kind.name:
            raise refusals.stream_mismatch(draft.stream, str(head.kind), draft.kind.name)
        if head.closed:
            raise refusals.stream_closed(draft.stream, head.revision)
        if draft.expected not in (ANY, head.revision):
            last = self._streams[draft.stream][-1].commit_id if head.revision else None
            raise refusals.wrong_revision(draft.stream, draft.expected, head.revision, last)
        if draft.parent is not None:
            self._check_parent(draft.stream, *draft.parent)
        base = draft.parent[1] if draft.parent else head.revision
        rows = () if draft.kind.max_bytes is None else self._streams.get(draft.stream, ())
        size = sum(len(row.data.encode()) for row in rows)
        is_long = draft.is_limited and check_length(draft, base, size)
        commit = self._write(draft)
        if is_long:
            warn_of_length(draft, commit)
        return commit

    def _check_parent(self, stream: StreamId, parent: StreamId, revision: int) -> None:
        head = self.head(parent)
        if not head.revision or revision > head.revision:
            raise refusals.no_such_revision(parent, revision, head.revision)
        depth, ancestor = 1, head.parent
        while ancestor is not None:
            depth, ancestor = depth + 1, self.head(ancestor).parent
        if depth > FORK_DEPTH:
            raise refusals.fork_too_deep(stream, FORK_DEPTH)

    def _write(self, draft: Draft) -> Commit:
        revision = self.head(draft.stream).revision + 1
        parent, parent_revision = draft.parent or (None, None)
        if parent_revision is not None:
            revision = parent_revision + 1
        written = []
        for i, part in enumerate(draft.rows):
            is_last = i == len(draft.rows) - 1
            flags = (CLOSES if draft.close else 0) if is_last else CONTINUES
            at_us = max(draft.now_us, self._rows[-1].at_us if self._rows else draft.now_us)
            row = StoredRow(
                self._next_pos, self._epoch, draft.stream, revision, part.count, draft.kind.id,
                flags, draft.began_us, at_us, draft.commit_id, parent, parent_revision, CODEC,
                part.data, part.salt, part.digest, b"",
            )  # fmt: skip
            row = msgspec.structs.replace(row, chain=chain_of(row, self._head, self._uid))
            self._rows.append(row)
            self._streams.setdefault(draft.stream, []).append(row)
            written.append(row)
            revision, parent, parent_revision = row.next_revision, None, None
        self._bell.ring()
        return commit_of(written)

    def _events(self, row: StoredRow) -> Sequence[Event]:
        return self._decoder.decode(
            row.data,
            position=row.pos,
            stream=row.stream,
            first=row.revision,
            began_us=row.began_us,
        )

    def _row(self, row: StoredRow) -> Row:
        return Row(
            Position(row.pos), row.stream, Revision(row.revision),
            self._registry.kind_by_id(row.kind).name, bool(row.flags & CLOSES), row.began_us,
            row.at_us, row.parent, Revision(row.parent_revision or 0), self._events(row),
        )  # fmt: skip

    def _revision_before(self, stream: StreamId, revision: int) -> int:
        before = [row for row in self._streams[stream] if row.revision < revision]
        return before[-1].next_revision - 1 if before else 0


def _along(
    walk: SealedWalk, rows: Sequence[StoredRow], progress: Callable[[int, int], None] | None
) -> Verdict:
    first, end = rows[0].pos, rows[-1].next_pos
    for row in rows:
        fault = walk.step(row)
        if fault is not None:
            return fault
        if progress is not None:
            progress(row.next_pos - first, end - first)
    return walk.finish()
