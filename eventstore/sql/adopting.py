"""Append streams of an export to a log that has streams of its own.

First the two are compared, and nothing comes if they contradict each other. Then what is missing
comes in parts, each with the fact of it: nobody waits for the log longer than for one of them.

Source: AR-4.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

import msgspec
import sqlalchemy as sa

from eventstore.chain import CLOSES, CONTINUES, StoredRow
from eventstore.codec import LOG_KIND, Registry
from eventstore.drafts import Draft, DraftRow, rewritten
from eventstore.errors import EventStoreError
from eventstore.events import NEW
from eventstore.identifiers import Revision, StreamId
from eventstore.names import GUEST_NUMBER, KIND, Name
from eventstore.retention import STAYING, ImportedFact
from eventstore.sql import packing, tail, verifying

_NO_SALT = bytes(16)
_ORDER = "stream = ? ORDER BY revision"
_PART_ROWS, _PART_BYTES = 1_000, 8 << 20
"""Of an import, that others wait for: some tenths of a second (PG-1)."""
_OVERTAKEN = {"wrong-revision", "stream-closed", "stream-mismatch"}

OfStream: TypeAlias = Callable[
    [StreamId, Callable[[sa.Connection], list[StoredRow]]], list[StoredRow]
]
"""Asks the file of a log that holds the rows of a stream."""


class Counts(msgspec.Struct):
    """What was added, and what was not."""

    streams: int = 0
    rows: int = 0
    events: int = 0
    known: int = 0
    left_out: int = 0


class Incoming:
    """The streams of one export, on their way into one log.

    Args:
        source: to the export.
        registry: gives the kinds of the log.
        token: gives new unguessable bytes, so many.
        now_us: the time.
        sha256: of the export.
    """

    def __init__(
        self,
        source: sa.Connection,
        registry: Registry,
        *,
        token: Callable[[int], bytes],
        now_us: int,
        sha256: bytes,
    ) -> None:
        self._source = source
        self._registry = registry
        self._token = token
        self._now_us = now_us
        self._sha256 = sha256
        self._theirs = tail.read_names(source)
        self._numbers: dict[int, int] = {}
        self._missing: dict[StreamId, int] = {}
        self.counts = Counts()
        self._untold = Counts()
        """Of these, what no fact tells of yet."""
        self._span = (0, 0)

    def names(self, own: Sequence[Name]) -> list[Name]:
        """Return the names that the log lacks, with the numbers that they shall have in it."""
        known = {(name.kind, name.name, name.version): name.id for name in own}
        number = max(GUEST_NUMBER - 1, *(name.id for name in own))
        new = []
        for name in self._theirs:
            if name.kind == KIND:
                continue
            found = known.get((name.kind, name.name, name.version))
            if found is None:
                number = found = number + 1
                new.append(Name(number, name.kind, name.name, name.version))
            self._numbers[name.id] = found
        return new

    def compare(self, ask: OfStream) -> None:
        """Hold each stream against what the log has of it.

        Args:
            ask: the log, for the rows of a stream.

        Raises:
            EventStoreError: `import-conflict`, `unknown-kind`.
        """
        self._check_kinds()
        sql = "SELECT stream, kind, min(pos) FROM commits GROUP BY stream ORDER BY 3"
        for text, kind, _ in self._source.exec_driver_sql(sql).all():
            if (name := self._registry.kind_by_id(kind).name) in STAYING:
                self.counts.left_out += name != LOG_KIND.name
                continue
            stream = StreamId(verifying.id_of(text.encode()))
            theirs = verifying.rows_where(self._source, _ORDER, (text,))
            ours = ask(stream, partial(verifying.rows_where, where=_ORDER, values=(text,)))
            for mine, other in zip(ours, theirs, strict=False):
                if not self._is_same(mine, other):
                    raise _conflict(stream, other.revision)
            if len(theirs) > len(ours):
                self._missing[stream] = theirs[len(ours)].revision
            else:
                self.counts.known += 1

    def drafts(self, generation: int) -> Iterator[Draft]:
        """Give the commits that are missing, in the order of the other log."""
        for commit in self._commits():
            yield self._draft(commit, generation)

    def fact(self, uid: str) -> ImportedFact:
        """Return the fact that tells of what came since the last one; *uid*: of the other log."""
        counts, span = self._untold, self._span
        self._untold, self._span = Counts(), (0, 0)
        return ImportedFact(
            uid, *span, counts.streams, counts.rows, counts.events, self._sha256.hex()
        )

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to append."""
        return bool(self._missing)

    def _check_kinds(self) -> None:
        for name in self._theirs:
            if name.kind == KIND and self._registry.kind_by_id(name.id).name != name.name:
                problem = f"Kind {name.id} is {name.name!r} in the export, and another one here."
                raise _refused(problem, {"kind": name.name})

    def _is_same(self, mine: StoredRow, other: StoredRow) -> bool:
        columns = [
            (row.revision, row.n, row.kind, row.flags, row.began_us, row.commit_id, row.parent,
             row.parent_revision)
            for row in (mine, other)
        ]  # fmt: skip
        if columns[0] != columns[1]:
            return False
        # What was taken out on one side is no contradiction.
        redacted = _is_redacted(mine) or _is_redacted(other)
        return redacted or mine.data == self._rewritten(other, _NO_SALT).data

    def _rewritten(self, row: StoredRow, salt: bytes) -> DraftRow:
        return rewritten(row.data, row.n, salt, self._numbers)

    def _commits(self) -> Iterator[list[StoredRow]]:
        commit: list[StoredRow] = []
        for row in packing.rows_of(self._source):
            if row.stream in self._missing and row.revision >= self._missing[row.stream]:
                commit.append(row)
                if not row.flags & CONTINUES:
                    yield commit
                    commit = []

    def _draft(self, rows: Sequence[StoredRow], generation: int) -> Draft:
        first, last = rows[0], rows[-1]
        parent = None
        if first.parent is not None:
            parent = (first.parent, Revision(first.parent_revision or 0))
        made = [self._rewritten(row, self._token(16)) for row in rows]
        count = sum(row.n for row in rows)
        self._note(rows, count)
        begins = parent is not None or first.revision == 1
        return Draft(
            first.stream, self._registry.kind_by_id(first.kind), NEW if begins else
            first.revision - 1, first.commit_id, False, parent, bool(last.flags & CLOSES),  # noqa: FBT003
            True, self._now_us, first.began_us, made, count, generation,  # noqa: FBT003
            sum(len(row.data) for row in made),
        )  # fmt: skip

    def _note(self, rows: Sequence[StoredRow], count: int) -> None:
        first = rows[0]
        for counts in (self.counts, self._untold):
            counts.streams += first.revision == self._missing[first.stream]
            counts.rows += len(rows)
            counts.events += count
        self._span = (self._span[0] or first.pos, rows[-1].next_pos - 1)


def _is_redacted(row: StoredRow) -> bool:
    return row.salt is None


def _conflict(stream: StreamId, revision: int) -> EventStoreError:
    problem = f"Stream {stream} is another one here from revision {revision} on."
    return _refused(problem, {"stream": stream, "revision": revision})


def in_parts(drafts: Iterable[Draft]) -> Iterator[list[Draft]]:
    """Put commits together up to so many rows and bytes as are brought in at once."""
    part: list[Draft] = []
    rows = size = 0
    for draft in drafts:
        part.append(draft)
        rows += len(draft.rows)
        size += draft.size
        if rows >= _PART_ROWS or size >= _PART_BYTES:
            yield part
            part, rows, size = [], 0, 0
    if part:
        yield part


def explained(error: EventStoreError) -> EventStoreError:
    """Return *error*, met by a part; or that somebody went on with a stream meanwhile."""
    if error.code not in _OVERTAKEN:
        return error
    return EventStoreError(
        "import-conflict",
        f"While the file was brought in, somebody else appended to it: {error.problem}",
        "What came before is there, whole, and told of. Import it again to see where the two part.",
        error.fields,
    )


def _refused(problem: str, fields: Mapping[str, object]) -> EventStoreError:
    return EventStoreError(
        "import-conflict",
        problem,
        "Import it into a new store, and compare the two; nothing was imported.",
        dict(fields),
    )
