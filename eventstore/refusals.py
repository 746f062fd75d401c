"""The refusals that all backends share, each with its remedy: said in one place, said alike."""

from uuid import UUID

from eventstore.errors import EventStoreError
from eventstore.identifiers import StreamId


def wrong_revision(
    stream: StreamId, expected: int, actual: int, last_commit: bytes | None
) -> EventStoreError:
    """Say that the stream is not where its writer thought."""
    return EventStoreError(
        "wrong-revision",
        f"Stream {stream} is at revision {actual}, not {expected}.",
        "Read it again, decide again, then append.",
        {"stream": stream, "expected": expected, "actual": actual, "last_commit": last_commit},
    )


def stream_closed(stream: StreamId, revision: int) -> EventStoreError:
    """Say that the stream has ended."""
    return EventStoreError(
        "stream-closed",
        f"Stream {stream} ended at revision {revision}.",
        "Fork it at the revision to go on from.",
        {"stream": stream, "revision": revision},
    )


def stream_mismatch(stream: StreamId, kind: str, asked: str) -> EventStoreError:
    """Say that the stream is of another kind."""
    return EventStoreError(
        "stream-mismatch",
        f"Stream {stream} is of kind {kind}, not {asked}.",
        "A stream keeps the kind of its first commit: use that, or a new stream.",
        {"stream": stream, "kind": kind, "asked": asked},
    )


def reserved_kind(kind: str) -> EventStoreError:
    """Say that only the log itself writes streams of that kind."""
    return EventStoreError(
        "reserved-kind",
        f"Streams of kind {kind!r} hold what the log says of itself, and only it writes them.",
        "Register a kind of your own, and append to that.",
        {"kind": kind},
    )


def commit_id_reused(stream: StreamId, commit_id: bytes) -> EventStoreError:
    """Say that the commit id names another commit."""
    return EventStoreError(
        "commit-id-reused",
        f"Commit id {commit_id.hex()} names other events than these for stream {stream}.",
        "Give each commit a new id; only a retry has the old one.",
        {"stream": stream, "commit_id": commit_id},
    )


def no_such_revision(stream: StreamId, revision: int, head: int) -> EventStoreError:
    """Say that the stream is not that far."""
    return EventStoreError(
        "no-such-revision",
        f"Stream {stream} has no revision {revision}; it is at {head}.",
        f"Give a revision from 0 to {head}.",
        {"stream": stream, "revision": revision, "head": head},
    )


def fork_too_deep(stream: StreamId, limit: int) -> EventStoreError:
    """Say that the fork has too many ancestors."""
    return EventStoreError(
        "fork-too-deep",
        f"Stream {stream} would have more than {limit} ancestors.",
        "Fork one of the ancestors instead.",
        {"stream": stream, "limit": limit},
    )


def store_closed(url: str) -> EventStoreError:
    """Say that the store is no longer open here."""
    return EventStoreError(
        "store-closed",
        f"The store {url} is closed, or was opened before this process was forked.",
        "Open it again.",
        {"url": url},
    )


def no_row(first: int) -> EventStoreError:
    """Say that there is nothing to verify from there."""
    return EventStoreError(
        "no-such-position",
        f"No row holds position {first}.",
        "Give a position from 1 to the end of the log.",
        {"position": first},
    )


def history_forked(log: UUID, position: int) -> EventStoreError:
    """Say that a cursor is of a history that this log does not have (any more)."""
    return EventStoreError(
        "history-forked",
        f"The log {log} does not have the history that the cursor at position {position} is of.",
        "Find out why, such as a restored backup; undo what was made of the lost events, and"
        " reset the cursor.",
        {"log": log, "position": position},
    )


def other_log(log: UUID, asked: UUID) -> EventStoreError:
    """Say that a cursor is of another log."""
    return EventStoreError(
        "history-forked",
        f"The cursor is of the log {asked}, this one is {log}.",
        "Give it to the store that it is of, or none to begin.",
        {"log": log, "asked": asked},
    )


def cursor_moved(name: str, position: int) -> EventStoreError:
    """Say that somebody else has moved the cursor."""
    return EventStoreError(
        "cursor-moved",
        f"The cursor {name!r} in this database is not at position {position}, before this page.",
        "Roll back, and begin again from `cursor_in`; let one reader have a name.",
        {"name": name, "position": position},
    )


def unknown_event(reducer: str, type_: str, stream: StreamId, revision: int) -> EventStoreError:
    """Say that a strict fold met an event that it does not know."""
    return EventStoreError(
        "unknown-event",
        f"Reducer {reducer!r} does not know {type_!r}, at revision {revision} of stream {stream}.",
        "Use the version of the program that wrote it, or teach it to the reducer.",
        {"reducer": reducer, "type": type_, "stream": stream, "revision": revision},
    )


def not_in_memory(what: str) -> EventStoreError:
    """Say that it takes files."""
    return EventStoreError(
        "not-in-memory",
        f"A store in memory cannot {what}: it has no files.",
        "Use an SQLite store, such as sqlite:///file.db.",
        {},
    )
