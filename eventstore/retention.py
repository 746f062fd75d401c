"""What may leave a log, and the facts that tell of it. Pure.

A stream goes as a whole once it is closed, and never before the streams that go on from it:
whoever reads a fork must find what it inherits.

Source: AR-1, AR-2.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping

import msgspec

from eventstore.cursors import LAST
from eventstore.errors import EventStoreError
from eventstore.events import Kind
from eventstore.identifiers import StreamId

ARCHIVED = "maintenance.archived"
PRUNED = "maintenance.pruned"
IMPORTED = "maintenance.imported"
RESTORED = "maintenance.restored"
STAYING = frozenset({"log", "control"})
"""Kinds whose streams are never archived, dropped or appended by an import."""
SEGMENT_BYTES = 256 << 20
"""Of rows in one segment, but for a single stream that is larger."""
BATCH_ROWS = 1_000
"""Rows that one transaction takes out."""


class ArchivedFact(msgspec.Struct, frozen=True):
    """The log's own fact that rows were copied to a segment, and are taken out from now on."""

    segment: int
    file: str
    size: int
    sha256: str
    first: int
    """Position of the first event of its first row."""
    last: int
    streams: int
    rows: int
    events: int


class PrunedFact(msgspec.Struct, frozen=True):
    """The log's own fact that rows were dropped for good, in the same transaction."""

    kinds: list[str]
    streams: int
    rows: int
    events: int
    first: int
    last: int
    digest: str
    """Over the tombstones that stand in their place: see `digest_of`."""
    by: str
    reason: str
    stream: str = ""
    """Of a single stream: its id, 32 hex digits."""


class ImportedFact(msgspec.Struct, frozen=True):
    """The log's own fact that streams of another log were appended to this one."""

    log: str
    """Uid of the other one, 32 hex digits."""
    first: int
    """Position in the other log of the first row of what was appended."""
    last: int
    streams: int
    rows: int
    events: int
    sha256: str
    """Of the file that they came in."""


class RestoredFact(msgspec.Struct, frozen=True):
    """The log's own fact that all before it came from an export."""

    position: int
    """Of the last event that came."""
    epoch: int
    """That the log was exported under."""
    sha256: str


class Wanted(msgspec.Struct, frozen=True):
    """Which streams are to leave: named ones, or those of kinds from before a time."""

    before_us: Mapping[int, int] = {}
    """Number of a kind to the time that a stream's last row must not be after."""
    streams: tuple[StreamId, ...] = ()


def wanted_of(
    kinds: Iterable[Kind], action: str, now_us: int, *, older_than_s: float | None = None,
    names: Collection[str] = (),
) -> Wanted:  # fmt: skip
    """Say what *action* is for at *now_us*.

    Args:
        kinds: all that are registered.
        action: `archive` or `drop`.
        now_us: the time.
        older_than_s: age of the streams meant; None: as the kinds' retention has it.
        names: of the kinds meant; none: all that may go.

    Raises:
        EventStoreError: `cannot-archive` for a kind whose streams stay.
    """
    staying = STAYING.intersection(names)
    if staying:
        reason = f"streams of kind {min(staying)} stay where they are"
        raise cannot_archive(reason)
    before: dict[int, int] = {}
    for kind in kinds:
        if kind.name in STAYING or (names and kind.name not in names):
            continue
        if older_than_s is not None:
            before[kind.id] = now_us - int(older_than_s * 1_000_000)
        elif kind.retention.action == action:
            before[kind.id] = now_us - kind.retention.after_s * 1_000_000
    # An age of more than a database can count back is more than any stream has.
    return Wanted({kind: max(min(at_us, LAST), -LAST) for kind, at_us in before.items()})


def digest_of(tombstones: Iterable[tuple[int, int, bytes]]) -> str:
    """Return the hash over tombstones: first and last position and what is kept of the rows."""
    total = hashlib.sha256()
    for first, last, gone in tombstones:
        total.update(b"%d-%d:%d\n" % (first, last, len(gone)))
        total.update(gone)
    return total.hexdigest()


def cannot_archive(reason: str) -> EventStoreError:
    """Say why streams must stay."""
    return EventStoreError(
        "cannot-archive",
        f"That cannot leave the log: {reason}.",
        "Name streams that are closed and sealed, of a kind that may go; nothing was changed.",
        {"reason": reason},
    )


def has_forks(stream: StreamId, fork: StreamId) -> EventStoreError:
    """Say that another stream goes on from this one."""
    return EventStoreError(
        "has-forks",
        f"Stream {stream} cannot leave the log without its fork {fork}.",
        "Name the forks too, once they are closed; nothing was changed.",
        {"stream": stream, "fork": fork},
    )
