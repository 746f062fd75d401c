"""When a folded state is kept, and by what a kept one is known. Pure.

A keyframe is a cache: wherever it is made or missing, the answer of a fold is the same.
Backends that keep keyframes decide with these functions.
"""

import hashlib
from typing import Any

import msgspec

from eventstore.codec import Registry
from eventstore.fold import Keepable
from eventstore.identifiers import StreamId

LEAST_EVENTS = 64
"""A stream with fewer has no keyframe: folding them takes no time."""
MOST_EVENTS = 4_096
ROW_EVENTS = 256
"""In a row of the log at most (ES-5); a keyframe is made where a row ends."""
MOST_DECODED = MOST_EVENTS - 1 + ROW_EVENTS
"""Events read for any moment of a stream that has all its keyframes: the last row before the
next keyframe begins less than 4 096 events after the one before (FD-2)."""
FORM = 1
"""Of keyframes: JSON text as a reducer dumped it, and the digest below."""


def is_due(*, events: int, size: int, keyframe_size: int) -> bool:
    """Say whether a stream has earned a new keyframe.

    Args:
        events: appended since the last keyframe.
        size: of those events in the log, in bytes.
        keyframe_size: in bytes; 0 if there is none yet.

    Source: FD-3. Bytes decide: reading a keyframe must cost less than the fold it saves, and
    all keyframes together a quarter of the log; 4 096 bounds the fold.
    """
    return events >= MOST_EVENTS or (events >= LEAST_EVENTS and size >= 4 * keyframe_size)


def fingerprint(reducer: Keepable[Any], registry: Registry) -> bytes:
    """Return what is the same only while keyframes mean the same (FD-5).

    It changes with the reducer's name, version and types, with the schema, fields and older names
    of each of these types, and with the fields of the state, where that is a Struct.
    """
    meaning = [reducer.name, reducer.version, FORM, _shape(type(reducer.initial()))]
    types = [
        # Events under an alias that is new were others' before.
        (
            name, registry.schema(name), _shape(registry.payload_type(name)),
            *registry.aliases_of(name),
        )
        for name in sorted(reducer.types)
    ]  # fmt: skip
    return hashlib.sha256(_encode([meaning, types])).digest()


def digest(known_by: bytes, stream: StreamId, revision: int, chain: bytes, data: bytes) -> bytes:
    """Return the hash that a keyframe must have (FD-4).

    Args:
        known_by: the fingerprint of its reducer.
        stream: that it belongs to.
        revision: up to which it folds.
        chain: hash of the log, of the row that ends at *revision*.
        data: the state as the reducer dumped it.
    """
    place = stream.bytes + revision.to_bytes(8, "big")
    return hashlib.sha256(known_by + place + chain + data).digest()


def _shape(cls: type | None) -> object:
    """Describe the fields of a Struct; what merely explains them is left out."""
    if cls is None or not issubclass(cls, msgspec.Struct):
        return None
    return _without_words(msgspec.json.schema(cls, schema_hook=lambda other: {"is": str(other)}))


def _without_words(schema: object) -> object:
    if isinstance(schema, list):
        return [_without_words(item) for item in schema]
    if isinstance(schema, dict):
        # As text of pairs: a field may be called `title` as well.
        return {
            key: _without_words(value)
            for key, value in schema.items()
            if key not in {"title", "description"} or not isinstance(value, str)
        }
    return schema


_encode = msgspec.json.Encoder(order="deterministic").encode
