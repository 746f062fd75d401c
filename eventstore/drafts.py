"""What an append is before it has its place in the log: checked, encoded, hashed.

Every backend drafts in the caller's thread, so that faults of the events raise there,
later changes are not seen, and the same calls give the same rows (ES-7).
"""

import logging
from collections.abc import Sequence
from uuid import UUID

import msgspec

from eventstore import refusals
from eventstore.chain import digest_of
from eventstore.codec import LOG_KIND, EncodedRow, Registry, encode_rows
from eventstore.errors import EventStoreError
from eventstore.events import ANY, NEW, Commit, Kind, NewEvent
from eventstore.hiding import Hiding
from eventstore.identifiers import LOG_STREAM, Clock, Ids, Revision, StreamId
from eventstore.names import HELD, REGISTERED, RESET, Name, NameBook
from eventstore.subjects import Subjects
from eventstore.values import NotHiddenError

LOG = logging.getLogger("eventstore")
FORK_DEPTH = 16
LONG = 5
"""A stream is long at the so-manieth part of its limit."""
_LOG = LOG_KIND.name
_UUID_VERSION = 7
_VERSION_AT = 76


class DraftRow(msgspec.Struct, frozen=True, gc=False):
    """A row without its place."""

    data: str
    count: int
    salt: bytes
    digest: bytes


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A commit without its place."""

    stream: StreamId
    kind: Kind
    expected: int
    commit_id: bytes
    given: bool
    """Whether the caller chose the commit id: only then can it come again."""
    parent: tuple[StreamId, Revision] | None
    close: bool
    durable: bool
    now_us: int
    began_us: int
    rows: list[DraftRow]
    count: int
    generation: int
    """Of the name book before it was encoded."""
    size: int
    """Of its text, in bytes."""

    @property
    def base(self) -> int:
        """The revision before its first, where that is certain; else -1."""
        if self.expected == NEW and self.parent:
            return self.parent[1]
        return self.expected

    @property
    def is_limited(self) -> bool:
        """Whether its stream may not grow for ever."""
        return self.kind.max_events is not None or self.kind.max_bytes is not None


class Drafting:
    """Makes drafts for one log. Thread-safe."""

    def __init__(
        self,
        registry: Registry,
        names: NameBook,
        clock: Clock,
        ids: Ids,
        subjects: Subjects | None = None,
    ) -> None:
        self._registry = registry
        self._names = names
        self._clock = self.clock = clock
        self._ids = ids
        self.subjects = subjects
        """Hides what must not be in the log as it is; None: nobody can."""

    def draft(  # noqa: PLR0913 - the port has them
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
        own: bool = False,
    ) -> Draft:
        """Check, encode and hash what `Store.append` was given; *own*: a fact of the log's own.

        Raises:
            EventStoreError: `invalid-event`, `invalid-id`, `invalid-fork`, `too-large`,
                `stream-too-long`, `unknown-kind`, `reserved-kind`, `keyring-missing`.
        """
        now_us = self._clock()
        kind_ = self._registry.kind(kind)
        if (
            type(stream) is not UUID
            or stream.int >> _VERSION_AT & 0xF != _UUID_VERSION
            or type(expected) is not int
            or expected < ANY
            or commit_id is not None
            or parent is not None
            or kind == _LOG
        ):
            if kind == _LOG and not own:
                raise refusals.reserved_kind(kind)
            _check_ids(stream, expected, commit_id, parent)
        generation = self._names.generation
        began_us = events[0].at_us if events else 0
        given = commit_id is not None
        try:
            encoded = self._encoded(events, began_us)
        except NotHiddenError:
            # Found while encoding, so that commits without hidden values pay nothing for it.
            commit_id = commit_id or self._ids.uuid7(now_us).bytes
            events = Hiding(self.subjects, stream, commit_id, again=given).events(events)
            encoded = self._encoded(events, began_us)
        ids = self._ids
        rows, size = [], 0
        for row in encoded:
            salt, raw = ids.token(16), row.raw
            rows.append(DraftRow(row.data, row.count, salt, digest_of(salt, raw)))
            size += len(raw)
        draft = Draft(
            stream, kind_, expected, commit_id or ids.uuid7(now_us).bytes,
            given, parent, close, durable or kind_.durable, now_us, began_us,
            rows, len(events), generation, size,
        )  # fmt: skip
        if draft.is_limited and draft.base >= 0:
            check_length(draft, draft.base)
        return draft

    def _encoded(self, events: Sequence[NewEvent], began_us: int) -> list[EncodedRow]:
        names = self._names
        return encode_rows(
            self._registry, events,
            began_us=began_us, type_ids=names.type_ids, site_ids=names.site_ids,
        )  # fmt: skip

    def registered(self, names: Sequence[Name]) -> Draft:
        """Draft the fact that *names* have their numbers."""
        data = {"names": [(name.id, name.kind, name.name, name.version) for name in names]}
        draft = self._of_log(REGISTERED, data)
        ours = self._names.type_ids[REGISTERED]
        if ours >= 0:
            return draft
        # A guest is the first to register anything: the fact tells of its own number, too.
        numbers = {ours: next(name.id for name in names if name.name == REGISTERED)}
        rows = [rewritten(row.data, row.count, row.salt, numbers) for row in draft.rows]
        return msgspec.structs.replace(draft, rows=rows)

    def held(self, epoch: int) -> Draft:
        """Draft the fact that a process took the log under *epoch*."""
        return self._of_log(HELD, {"epoch": epoch})

    def reset(self, name: str, before: str, after: str) -> Draft:
        """Draft the fact that the cursor *name* was set anew; both as text, `` for none."""
        return self._of_log(RESET, {"from": before, "to": after}, key=name)

    def maintenance(self, type_: str, fact: object) -> Draft:
        """Draft a fact of maintenance: that values were taken out, that another key seals."""
        return self._of_log(type_, msgspec.to_builtins(fact))

    def _of_log(self, type_: str, data: object, key: str | None = None) -> Draft:
        event = NewEvent(type_, data, key, at_us=self._clock())
        return self.draft(LOG_STREAM, [event], kind=_LOG, expected=ANY, own=True)


def check_length(draft: Draft, base: int, size: int = 0) -> bool:
    """Refuse *draft* if its stream would grow too long; say whether it is long from now on.

    Args:
        draft: of a stream that is limited.
        base: revision of the stream before it.
        size: bytes of the stream's own payloads before it.

    Raises:
        EventStoreError: `stream-too-long`.
    """
    kind, is_long = draft.kind, False
    for most, before, more, unit in (
        (kind.max_events, base, draft.count, "events"),
        (kind.max_bytes, size, draft.size, "bytes"),
    ):
        if most is not None:
            if before + more > most:
                raise _too_long(draft.stream, before + more, most, unit)
            is_long |= before < most // LONG <= before + more
    return is_long


def warn_of_length(draft: Draft, commit: Commit) -> None:
    """Tell who runs the program that a stream became long (ES-6)."""
    kind, stream = draft.kind.name, draft.stream
    LOG.warning("stream_long kind=%s stream=%s events=%d", kind, stream, commit.last)


def _too_long(stream: StreamId, would_have: int, most: int, unit: str) -> EventStoreError:
    problem = f"Stream {stream} would have {would_have} {unit}, the limit is {most}."
    fields: dict[str, object] = {"stream": stream, "limit": most, "unit": unit}
    return EventStoreError("stream-too-long", problem, "Go on in a new stream.", fields)


def renumbered(drafts: Sequence[Draft], names: NameBook) -> Sequence[Draft]:
    """Return *drafts* with the numbers that names have by now, where they were pending."""
    generation = names.generation
    if all(draft.generation == generation for draft in drafts):
        return drafts
    return [
        msgspec.structs.replace(
            draft, generation=generation,
            rows=[rewritten(row.data, row.count, row.salt, names.renamed) for row in draft.rows],
        )
        for draft in drafts
    ]  # fmt: skip


def rewritten(data: str, count: int, salt: bytes, numbers: dict[int, int]) -> DraftRow:
    """Return a row with other numbers for its names; keys and payloads keep their bytes."""
    items = _decode_items(data)
    for item in items:
        item[0] = _renumbered(item[0], numbers)
        if len(item) > _SITE:
            item[_SITE] = _renumbered(item[_SITE], numbers)
    raw = msgspec.json.encode(items)
    return DraftRow(raw.decode(), count, salt, digest_of(salt, raw))


def _renumbered(raw: msgspec.Raw, numbers: dict[int, int]) -> msgspec.Raw:
    if bytes(raw) == b"null":
        return raw
    number = int(bytes(raw))
    return msgspec.Raw(str(numbers.get(number, number)).encode())


def _check_ids(
    stream: StreamId,
    expected: int,
    commit_id: bytes | None,
    parent: tuple[StreamId, Revision] | None,
) -> None:
    if not _is_uuid7(stream):
        _invalid_id(f"Stream id {stream!r} is not a UUIDv7.", "Take it from the source of ids.")
    if commit_id is not None and (type(commit_id) is not bytes or len(commit_id) != 16):
        _invalid_id(f"Commit id {commit_id!r:.60} is not 16 bytes.", "Give a UUID's bytes.")
    if type(expected) is not int or expected < ANY:
        problem = f"Expected revision {expected!r:.40} is none."
        remedy = "Give the head's revision, NEW (0) or ANY (-1)."
        raise EventStoreError("wrong-revision", problem, remedy, {"expected": expected})
    if parent is None:
        return
    if expected != NEW or not _is_uuid7(parent[0]) or parent[0] == stream or parent[1] < 0:
        problem = "A fork begins a new stream, at a revision of another one."
        remedy = "Give expected=NEW and parent=(stream, revision)."
        raise EventStoreError("invalid-fork", problem, remedy, {"stream": stream})


def _is_uuid7(value: object) -> bool:
    return isinstance(value, UUID) and value.int >> _VERSION_AT & 0xF == _UUID_VERSION


def _invalid_id(problem: str, remedy: str) -> None:
    raise EventStoreError("invalid-id", problem, remedy, {})


_SITE = 4
_decode_items = msgspec.json.Decoder(list[list[msgspec.Raw]]).decode
