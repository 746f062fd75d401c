"""Hashes that tie each row of the log to all rows before it. Pure.

A row's `digest` is over its text, its `chain` over the chain before, the row's header
and the digest. Whoever alters, drops or swaps a row must alter every chain value after
it, and the head kept in `log`. A change here makes every existing log unverifiable.

Source: CH-1, CH-5.
"""

import hashlib
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from eventstore import redaction
from eventstore.events import Verdict
from eventstore.identifiers import LOG_STREAM, Position, StreamId

CODEC = 1
"""Of a row whose data is JSON text as `eventstore.codec` writes it."""
CLOSES = 1
"""Flag: the stream ends with this row."""
CONTINUES = 2
"""Flag: the next row belongs to the same commit."""

_HEADER = struct.Struct(">16sQQ16sQHHHqq16s16sQB")
_NOTHING = bytes(16)
_sha256 = hashlib.sha256


class StoredRow(msgspec.Struct, frozen=True, gc=False):
    """A row as it is stored: the columns of table `commits`."""

    pos: int
    epoch: int
    stream: StreamId
    revision: int
    n: int
    kind: int
    flags: int
    began_us: int
    at_us: int
    commit_id: bytes
    parent: StreamId | None
    parent_revision: int | None
    codec: int
    data: str
    salt: bytes | None
    digest: bytes | None
    chain: bytes

    @property
    def next_pos(self) -> int:
        """Position that the next row begins at."""
        return self.pos + self.n

    @property
    def next_revision(self) -> int:
        """Revision that the stream's next row begins at."""
        return self.revision + self.n


class Gone(msgspec.Struct, frozen=True, gc=False):
    """What is known of a row that was dropped: enough for the chain to go on over it."""

    pos: int
    n: int
    epoch: int
    chain: bytes

    @property
    def next_pos(self) -> int:
        """Position that the next row begins at."""
        return self.pos + self.n

    @property
    def stream(self) -> None:
        """Nothing: it is forgotten."""
        return


_GONE = struct.Struct(">HQ32s")


def pack_gone(rows: Iterable[StoredRow | Gone]) -> bytes:
    """Return what a tombstone keeps of *rows*, which follow each other."""
    return b"".join([_GONE.pack(row.n, row.epoch, row.chain) for row in rows])


def unpack_gone(first_pos: int, packed: bytes) -> list[Gone]:
    """Return the rows of a tombstone that begins at *first_pos*; of an altered one what fits."""
    rows, pos = [], first_pos
    whole = len(packed) - len(packed) % _GONE.size
    for n, epoch, chain in _GONE.iter_unpack(packed[:whole]):
        rows.append(Gone(pos, n, epoch, chain))
        pos += n
    return rows


def genesis(uid: UUID) -> bytes:
    """Return the chain value before the first row of the log *uid*."""
    return _sha256(b"timescape log v1" + uid.bytes).digest()


def digest_of(salt: bytes, data: bytes) -> bytes:
    """Return the hash of a row's text, hidden by its salt from guessing."""
    return _sha256(b"\0" + salt + data).digest()


def link(  # noqa: PLR0913, PLR0917 - the columns of the header, on the hot path
    previous: bytes,
    uid: bytes,
    epoch: int,
    pos: int,
    stream: bytes,
    revision: int,
    n: int,
    kind: int,
    flags: int,
    began_us: int,
    at_us: int,
    commit_id: bytes,
    parent: bytes | None,
    parent_revision: int | None,
    digest: bytes,
) -> bytes:
    """Return the chain value of the row with this header and digest."""
    header = _HEADER.pack(
        uid, epoch, pos, stream, revision, n, kind, flags, began_us, at_us, commit_id,
        parent or _NOTHING, parent_revision or 0, CODEC,
    )  # fmt: skip
    return _sha256(b"\1" + previous + header + digest).digest()


def chain_of(row: StoredRow, previous: bytes, uid: UUID) -> bytes:
    """Return the chain value that *row* must have after *previous*."""
    parent = row.parent.bytes if row.parent else _NOTHING
    header = _HEADER.pack(
        uid.bytes, row.epoch, row.pos, row.stream.bytes, row.revision, row.n, row.kind,
        row.flags, row.began_us, row.at_us, row.commit_id, parent, row.parent_revision or 0,
        row.codec,
    )  # fmt: skip
    return _sha256(b"\1" + previous + header + _digest(row)).digest()


def _digest(row: StoredRow) -> bytes:
    return row.digest if row.digest is not None else digest_of(row.salt or b"", row.data.encode())


class LogEnd(msgspec.Struct, frozen=True):
    """What the log says of its own end."""

    next_pos: int
    head: bytes
    epoch: int | None = None
    """That of its last row as well; None: not known."""


RegisteredName: TypeAlias = tuple[int, int, str, int]
"""Number, kind of name, name, version: what `names.registered` holds."""


class Walk:
    """Goes along the rows of a log and names the first fault.

    Args:
        uid: of the log.
        previous: chain value before the first row walked.
        next_pos: position that the first row must begin at.
        end: what the log says of its end; None where the walk ends before.
        names: all that table `names` holds.
        names_type: number of the type `names.registered`; None if there is none.
        from_start: whether the walk sees all `names.registered` facts.
        revision_before: revision a stream is at before its row that begins at a revision;
            asked where the walk has seen none of its rows.
        redactions: hash of what each row that was redacted before the walk holds since.
        redaction_since: asked for the rows that lack a salt and are not in *redactions*.
    """

    def __init__(  # noqa: PLR0913 - what a walk must know
        self,
        *,
        uid: UUID,
        previous: bytes,
        next_pos: int,
        end: LogEnd | None,
        names: Iterable[RegisteredName],
        names_type: int | None,
        from_start: bool,
        revision_before: Callable[[StreamId, int], int],
        redactions: Mapping[int, bytes] | None = None,
        redaction_since: Callable[[int], bytes | None] = lambda _: None,
    ) -> None:
        self.uid = uid
        self._previous = previous
        self._next_pos = next_pos
        self._end = end
        self._table: Mapping[int, RegisteredName] = {name[0]: name for name in names}
        self._known: dict[int, RegisteredName] = {} if from_start else dict(self._table)
        self._names_type = names_type
        self._from_start = from_start
        self._revision_before = revision_before
        self._redactions = redactions or {}
        self._redaction_since = redaction_since
        self._heads: dict[StreamId, int] = {}
        self._last: StoredRow | None = None
        self._suspect: tuple[StoredRow, bytes] | None = None
        self.checked = 0

    def step(self, row: StoredRow | Gone) -> Verdict | None:
        """Look at the next row; None: all well so far.

        A wrong chain value is told of one row later: only then can an altered header be
        told from an altered chain value.
        """
        if isinstance(row, Gone):
            return self.skip(row.pos, row.next_pos, row.chain)
        if self._suspect is not None:
            return self._accuse(follows=lambda chain: self._chain_of(row, chain) == row.chain)
        fault = self._fault(row)
        if fault is not None:
            return self._verdict(row, *fault)
        self.checked += 1
        expected = self._chain_of(row, self._previous)
        if expected != row.chain:
            self._suspect = (row, expected)
        self._previous, self._next_pos, self._last = row.chain, row.next_pos, row
        self._heads[row.stream] = row.next_revision - 1
        return None

    def skip(self, pos: int, next_pos: int, chain: bytes) -> Verdict | None:
        """Pass over rows that are not here, from *pos* to where the chain value is *chain*."""
        if self._suspect is not None:
            return self._accuse(follows=lambda _: False)
        if pos != self._next_pos:
            fault = "missing" if pos > self._next_pos else "order"
            detail = f"Position {self._next_pos} should come here, not {pos}."
            return self._at(fault, min(pos, self._next_pos), None, detail)
        self._previous, self._next_pos = chain, next_pos
        return None

    @property
    def knows_all_names(self) -> bool:
        """Whether the facts that it has seen tell of all names, and of no other."""
        return self._known == dict(self._table)

    def _chain_of(self, row: StoredRow, previous: bytes) -> bytes:
        try:
            return chain_of(row, previous, self.uid)
        except struct.error:  # a number that no header can hold
            return b""

    def finish(self) -> Verdict:
        """Say how the walk ended, after its last row."""
        end = self._end
        if self._suspect is not None:
            return self._accuse(follows=lambda chain: end is not None and chain == end.head)
        if end is not None and end.next_pos > self._next_pos:
            detail = (
                f"The log goes to position {end.next_pos - 1}, its rows to {self._next_pos - 1}."
            )
            return self._at("truncated", self._next_pos, None, detail)
        if end is not None and (end.next_pos < self._next_pos or end.head != self._previous):
            row = self._last
            detail = "The last row is not the one that the log ends with."
            return self._at("chain", row.pos if row else 1, row.stream if row else None, detail)
        if end is not None and end.epoch is not None and self._last is not None:  # noqa: SIM102
            if end.epoch != self._last.epoch:
                detail = f"The log is at epoch {end.epoch}, its last row at {self._last.epoch}."
                return self._at("order", self._last.pos, self._last.stream, detail)
        if self._from_start and end is not None and self._known != self._table:
            detail = "Table names is not what the names.registered facts say."
            return self._at("names", 1, None, detail, verified_to=self._next_pos - 1)
        return Verdict(checked=self.checked, verified_to=Position(self._next_pos - 1))

    def _fault(self, row: StoredRow) -> tuple[str, str] | None:
        if row.pos < self._next_pos:
            return "order", f"It begins before position {self._next_pos}, which should come here."
        if row.pos > self._next_pos:
            return "missing", f"Position {self._next_pos} should come here, not {row.pos}."
        # What is not UTF-8 was read as surrogates, which give the same bytes again.
        data = row.data.encode(errors="surrogateescape")
        wrong = self._fault_of_text(row, data)
        if wrong is not None:
            return wrong
        before = self._heads.get(row.stream)
        if before is None:
            before = row.parent_revision if row.parent else self._before(row)
        if row.revision != (before or 0) + 1:
            return "revision", f"Revision {(before or 0) + 1} should come here, not {row.revision}."
        last = self._last
        if last is not None and (row.at_us < last.at_us or row.epoch < last.epoch):
            return "order", "Its time or epoch is before that of the row before it."
        return self._fault_of_names(row, data)

    def _before(self, row: StoredRow) -> int:
        # Who has seen all rows asks nobody: an altered one would answer.
        return 0 if self._from_start else self._revision_before(row.stream, row.revision)

    def _fault_of_text(self, row: StoredRow, data: bytes) -> tuple[str, str] | None:
        if row.salt is not None:
            if row.pos in self._redactions:
                return "redaction", "It was redacted, and holds a salted text again."
            if row.digest is not None and digest_of(row.salt, data) != row.digest:
                return "payload", "The text of the row is not the text that was hashed."
        elif row.digest is not None:
            # Redacted since the walk began, perhaps, or once more.
            told = redaction.hash_of(data)
            if told not in (self._redactions.get(row.pos), self._redaction_since(row.pos)):
                return "redaction", "It has no salt, and no fact tells of what it holds now."
        return None

    def _fault_of_names(self, row: StoredRow, data: bytes) -> tuple[str, str] | None:
        # Elsewhere it is somebody's event that happens to be called so.
        names_type = self._names_type if row.stream == LOG_STREAM else None
        try:
            items = _decode_items(data)
            for item in items:
                if item.type == names_type:
                    self._register(msgspec.json.decode(item.data, type=_Registered).names)
        except (msgspec.MsgspecError, ValueError) as error:
            return "payload", f"The text of the row cannot be read: {error}."
        if len(items) != row.n:
            return "header", f"The row says {row.n} events and holds {len(items)}."
        for item in items:
            for number in (item.type, item.site):
                if number is not None and number not in self._known:
                    return "names", f"Number {number} has no name."
        return None

    def _register(self, names: Iterable[RegisteredName]) -> None:
        if self._from_start:
            self._known.update((name[0], name) for name in names)

    def _accuse(self, follows: Callable[[bytes], bool]) -> Verdict:
        assert self._suspect is not None  # noqa: S101 - for the type checker
        row, expected = self._suspect
        self.checked -= 1
        if follows(expected) or not follows(row.chain):
            return self._verdict(row, "chain", "Its chain value is not that of row and history.")
        return self._verdict(row, "header", "A column of the row is not what was hashed.")

    def _verdict(self, row: StoredRow, fault: str, detail: str) -> Verdict:
        pos = self._next_pos if fault == "missing" else row.pos
        return self._at(fault, pos, row.stream, detail, verified_to=pos - 1)

    def _at(
        self,
        fault: str,
        pos: int,
        stream: StreamId | None,
        detail: str,
        *,
        verified_to: int | None = None,
    ) -> Verdict:
        return Verdict(
            checked=self.checked,
            verified_to=Position(pos - 1 if verified_to is None else verified_to),
            fault=fault,
            position=Position(pos),
            stream=stream,
            detail=detail,
        )


class _Item(msgspec.Struct, array_like=True, frozen=True):
    type: int
    dt: int
    key: Any = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    site: int | None = None


class _Registered(msgspec.Struct, frozen=True):
    names: list[RegisteredName]


_decode_items = msgspec.json.Decoder(list[_Item]).decode
