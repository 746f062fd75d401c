"""What the log holds: events, the commits they came in, and what describes them.

All are frozen values. Payloads are frozen msgspec Structs registered under a
stored name (see `eventstore.codec.Registry`), or plain JSON data.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from eventstore.identifiers import Position, Revision, StreamId

ANY = -1
"""Expected revision: whatever the stream is at."""
NEW = 0
"""Expected revision: the stream does not exist yet."""


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An event on its way into the log."""

    type: str
    """The stored name, such as `context.set`."""
    data: Any
    """A Struct registered under *type*, or plain JSON data (None, bool, int, float,
    str, list, dict) that nobody changes afterwards."""
    key: str | None = None
    """What it is about: a context key, a hook id, a topic. 1 to 256 bytes."""
    at_us: int = 0
    """When it happened, µs since 1970 UTC."""
    site: str | None = None
    """Where in user code it came from, `file:line`."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event as the log gives it back."""

    position: Position
    stream: StreamId
    revision: Revision
    type: str
    """What it is called today, where it was renamed."""
    data: Any
    """The registered Struct, or `UnknownEvent` where type or schema is not known."""
    key: str | None
    at_us: int
    site: str | None
    schema: int = 1
    """Under which it was stored; *data* is of the newest one that is registered."""

    @property
    def at(self) -> dt.datetime:
        """When it happened, aware, UTC, exact to the µs."""
        return _EPOCH + dt.timedelta(microseconds=self.at_us)


class UnknownEvent(msgspec.Struct, frozen=True):
    """The payload of an event whose type or schema this program does not know."""

    data: Any
    """As stored, decoded from JSON."""


class Retention(msgspec.Struct, frozen=True):
    """What becomes of the closed streams of a kind once they are old (AR-1)."""

    action: Literal["keep", "archive", "drop"] = "keep"
    after_s: int = 0
    """Seconds since their last row."""


KEEP = Retention()


class Kind(msgspec.Struct, frozen=True):
    """A kind of stream: `request`, `control`, `log`."""

    id: int
    name: str
    durable: bool = False
    """Whether its commits are synced whatever durability the store has (WR-3)."""
    max_events: int | None = None
    """Above it `stream-too-long`; None: no limit. A fork has those before it, too."""
    retention: Retention = KEEP
    """What `archive` and `prune` do by themselves; streams of `log` and `control` stay."""
    max_bytes: int | None = None
    """Of its own rows' payloads, likewise. A fifth of either limit is warned of, once."""


class Commit(msgspec.Struct, frozen=True, gc=False):
    """What an append gave: where its events stand."""

    stream: StreamId
    first: Revision
    last: Revision
    position: Position
    """Of its first event."""
    at_us: int
    chain: bytes
    """Hash of the log up to and with its last row, 32 bytes."""
    duplicate: bool = False
    """The commit id was known: nothing was written, this is the first answer."""


class Head(msgspec.Struct, frozen=True):
    """How far a stream is."""

    revision: Revision
    """0: there is no such stream."""
    kind: str | None = None
    closed: bool = False
    parent: StreamId | None = None
    parent_revision: Revision = Revision(0)
    last_position: Position = Position(0)


class Row(msgspec.Struct, frozen=True):
    """A row of the log: events that one stream committed together."""

    position: Position
    """Of its first event."""
    stream: StreamId
    first: Revision
    kind: str
    closes: bool
    """Whether the stream ends with this row."""
    began_us: int
    at_us: int
    parent: StreamId | None
    parent_revision: Revision
    events: Sequence[Event]
    """One that cannot be made new raises `upcast-failed` when it is asked for, it alone."""

    @property
    def last(self) -> Revision:
        """Revision of its last event."""
        return Revision(self.first + len(self.events) - 1)


class Redaction(msgspec.Struct, frozen=True):
    """What `redact` did."""

    position: Position
    """Of the fact `maintenance.redacted`."""
    row: Position
    """Of the first event of the row that values were taken out of."""
    keyframes: int
    """Folds that were kept and are deleted, of the stream and its forks."""
    gone: bool
    """Whether no file of the store holds the values any more; else a reader was in the way,
    and the holder's next checkpoint, at its close at the latest, does it. PostgreSQL's files
    hold them until it has vacuumed, and used its write-ahead log again."""
    duplicate: bool = False
    """The same was asked for before, by the same for the same reason: nothing was written, and
    *position* is that of the fact which tells of it."""


class Archived(msgspec.Struct, frozen=True):
    """What `archive` did."""

    streams: int = 0
    rows: int = 0
    files: tuple[str, ...] = ()
    """Segments that were made, as paths."""
    size: int = 0
    """Of those files, in bytes."""


class Pruned(msgspec.Struct, frozen=True):
    """What `prune` did."""

    streams: int = 0
    rows: int = 0
    positions: tuple[Position, ...] = ()
    """Of the facts `maintenance.pruned`."""


class Exported(msgspec.Struct, frozen=True):
    """What `export` wrote."""

    file: str
    streams: int
    """Of the kinds that users have: without the log's own."""
    rows: int
    events: int
    sealed_to: Position
    """Last position that a seal in the file is over."""
    redacted: int
    """Rows that values were taken out of."""
    sha256: bytes
    """Of the file."""
    size: int
    """Of the file, in bytes."""


class Imported(msgspec.Struct, frozen=True):
    """What an import did."""

    restored: bool
    """Whether the store was empty and is now the one that was exported, with its positions."""
    streams: int
    """That were added, or went on."""
    rows: int
    events: int
    known: int
    """Streams that were there with the same bytes."""
    left_out: int
    """Streams of kinds that stay where they are, such as `control`."""
    position: Position
    """Of the fact that tells of it; 0: there was nothing to add."""


class Verdict(msgspec.Struct, frozen=True):
    """What `verify` found."""

    checked: int
    """Rows that were read."""
    verified_to: Position
    """Last position up to which everything holds; 0: nothing does."""
    fault: str | None = None
    """payload, header, chain, seal, missing, revision, order, names, redaction or truncated;
    None: all well."""
    position: Position | None = None
    """First position of the first bad row."""
    stream: StreamId | None = None
    detail: str = ""
    seals: int = 0
    """That were checked, with all rows they are over."""
    root: bytes = b""
    """Of the last seal that was checked; what to compare with a seal kept elsewhere."""
    sealed_to: Position = Position(0)
    """Last position that a checked seal is over."""
    key: bytes = b""
    """That signed the last seal checked."""
    unvouched: int = 0
    """How often the key changed without a signature of the one before."""


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
