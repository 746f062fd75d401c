"""Take values out of a row for good, so that the chain still verifies. Pure.

The row keeps its `digest`, so every hash after it stands. Its salt goes: without it
nobody can try out what the digest was of. The fact that tells of it holds the hash of
what is there now, so that what was left cannot be altered either.

Source: CH-6.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec

from eventstore.codec import check_words
from eventstore.errors import EventStoreError

Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
FACT = "maintenance.redacted"
MARK = {"$redacted": True}
"""What stands where a value was, as the value codec writes `Redacted`."""
HASHED = "hmac:"
"""How the text begins that stands where a value was hashed."""
_DATA = 3
"""Of an event in a row: type, dt, key, data, site."""
_events_of = msgspec.json.Decoder(list[msgspec.Raw]).decode
_event = msgspec.json.Decoder(list[Any]).decode


class Redacted(msgspec.Struct, frozen=True):
    """The log's own fact that values were taken out of a row."""

    stream: str
    """32 hex digits."""
    revision: int
    position: int
    """Of the row's first event."""
    pointers: list[str]
    by: str
    reason: str
    digest: Hex
    """That the row had and keeps."""
    now: Hex
    """Of what the row holds since."""


def hash_of(data: bytes) -> bytes:
    """Return the hash of a row's text that has no salt any more."""
    return hashlib.sha256(b"\0" + data).digest()


def redacted(data: str, index: int, pointers: Sequence[str]) -> str:
    """Return the text of a row without the values that *pointers* name in its event *index*.

    Args:
        data: the text of the row.
        index: of the event in the row, from 0.
        pointers: into the event's payload (RFC 6901); the empty one is all of it.

    Raises:
        EventStoreError: `no-such-value`, `cannot-redact`; nothing is taken out then.
    """
    if not pointers:
        raise cannot_redact(pointers, "no value is named")
    items = _events_of(data)  # the other events keep their bytes
    item = _event(items[index])
    payload = item[_DATA] if len(item) > _DATA else None
    for pointer in pointers:
        payload = _without(payload, pointer)
    item[_DATA : _DATA + 1] = [payload]
    items[index] = msgspec.Raw(msgspec.json.encode(item))
    return msgspec.json.encode(items).decode()


def _without(payload: Any, pointer: str) -> Any:
    if pointer == "":
        return MARK
    if not pointer.startswith("/"):
        raise _no_such_value(pointer)
    *way, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]
    at = payload
    for step in way:
        at = at[_key(at, step, pointer)]
    at[_key(at, last, pointer)] = MARK
    return payload


def _key(container: Any, step: str, pointer: str) -> Any:
    if isinstance(container, dict) and step in container:
        return step
    if isinstance(container, list) and step.isascii() and step.isdecimal():
        index = int(step)
        if index < len(container) and str(index) == step:
            return index
    raise _no_such_value(pointer)


def _no_such_value(pointer: str) -> EventStoreError:
    return EventStoreError(
        "no-such-value",
        f"The event has nothing at {pointer[:200]!r}.",
        "Give a JSON pointer into its payload, such as /value/card; nothing was redacted.",
        {"pointer": pointer},
    )


def fact_of(  # noqa: PLR0913 - what the fact holds
    *,
    stream: str,
    revision: int,
    position: int,
    pointers: Sequence[str],
    by: str,
    reason: str,
    digest: bytes,
    data: str,
) -> Redacted:
    """Make the fact of a redaction that left *data* in the row with *digest*.

    Raises:
        EventStoreError: `invalid-event` for words that no fact can hold.
    """
    check_words(by=by, reason=reason)
    now = hash_of(data.encode()).hex()
    return Redacted(stream, revision, position, list(pointers), by, reason, digest.hex(), now)


def told_before(fact: Redacted, facts: Iterable[tuple[int, Redacted]]) -> int | None:
    """Return the position of one of *facts* that says the same as *fact*; None: none does.

    The same values of the same event, by the same and for the same reason.
    """
    wanted = _said(fact)
    found = (position for position, each in facts if _said(each) == wanted)
    return next(found, None)


def _said(fact: Redacted) -> tuple[object, ...]:
    return fact.stream, fact.revision, frozenset(fact.pointers), fact.by, fact.reason


def cannot_redact(pointers: Sequence[str], reason: str) -> EventStoreError:
    """Say that the event could not be read any more without these values."""
    return EventStoreError(
        "cannot-redact",
        f"What {', '.join(pointers)[:200] or 'nothing'} names cannot be taken out: {reason}.",
        "Name values that the event can be read without; nothing was redacted.",
        {"pointers": list(pointers)},
    )


def latest(facts: Iterable[Redacted]) -> dict[int, bytes]:
    """Return, for each row that was redacted, the hash of what it holds since."""
    return {fact.position: bytes.fromhex(fact.now) for fact in facts}
