"""Events to the text of rows: `[[type,dt,key,data,site],…]` (TB-1).

Hot: a row is written by one call of msgspec's encoder. What that cannot write, a NUL or
a lone surrogate in a field, goes the slow way of `payloads`; laws hold the two equal.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec

from eventstore.codec import payloads
from eventstore.codec.numbers import Numbers
from eventstore.codec.registry import Registry, check_type_name
from eventstore.errors import EventStoreError
from eventstore.events import NewEvent
from eventstore.values import hidden, text

ROW_EVENTS = 256
ROW_BYTES = 64 * 1024
EVENT_BYTES = 20 * 1024 * 1024
COMMIT_EVENTS = 10_000
COMMIT_BYTES = 64 * 1024 * 1024
KEY_BYTES = 256
SITE_BYTES = 512
WORDS_BYTES = 4_096
"""Of who did something for good to the log, and of why."""
FIRST_US, LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The years 1 to 9999: another one is no `datetime`, and no view of a database could show it."""
_NOW_BITS, _NEAR_BITS = 57, 50
"""Until 6536, and 35 years: a commit within these is within those."""

_encode = msgspec.json.Encoder(enc_hook=hidden.refuse).encode
_NUL = b"\\u0000"


class EncodedRow(msgspec.Struct, frozen=True, gc=False):
    """A row of a commit, as it will be stored."""

    data: str
    raw: bytes
    """The same as UTF-8: what is hashed."""
    count: int
    """How many events it holds."""


def encode_rows(
    registry: Registry,
    events: Sequence[NewEvent],
    *,
    began_us: int,
    type_ids: Numbers,
    site_ids: Numbers,
) -> list[EncodedRow]:
    """Encode what one append commits: a row, or several where ES-5 ends them.

    No new name gets a number unless all events are well formed.

    Args:
        registry: gives the class that each payload must be of.
        events: at least one.
        began_us: what the events' times are counted from, in every row.
        type_ids: numbers of event types in this log.
        site_ids: numbers of source lines in this log.

    Raises:
        EventStoreError: `invalid-event`, `too-large` (ES-6).
        NotHiddenError: an event holds what has to be hidden first.
    """
    items = _usual(registry.payload_types, events, began_us, type_ids.known, site_ids.known)
    if items is None:
        items = _checked(registry, events, began_us, type_ids, site_ids)
    try:
        raw = _encode(items)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _encode_each(events, items)
    if len(raw) > ROW_BYTES or len(items) > ROW_EVENTS or _NUL in raw:
        return _encode_each(events, items)
    return [EncodedRow(raw.decode(), raw, len(items))]


def split(sizes: Iterable[int]) -> list[int]:
    """Say how many events each row of a commit takes, given the size of each in bytes.

    Source: ES-5, a row ends at 256 events or 64 KiB; a larger event has its own.
    """
    counts: list[int] = []
    count, total = 0, 1
    for size in sizes:
        # Each event costs a comma or the closing bracket; the row begins with a bracket.
        if count and (count == ROW_EVENTS or total + size + 1 > ROW_BYTES):
            counts.append(count)
            count, total = 0, 1
        count += 1
        total += size + 1
    return [*counts, count] if count else counts


def _encode_each(events: Sequence[NewEvent], items: list[Any]) -> list[EncodedRow]:
    parts = [_encode_one(event, item) for event, item in zip(events, items, strict=True)]
    if sum(map(len, parts)) > COMMIT_BYTES:
        size = f"{sum(map(len, parts))} bytes, the limit is {COMMIT_BYTES}"
        _too_large(f"The commit has {size}.", "Append it in several commits.")
    rows, start = [], 0
    for count in split(map(len, parts)):
        raw = b"[" + b",".join(parts[start : start + count]) + b"]"
        rows.append(EncodedRow(raw.decode(), raw, count))
        start += count
    return rows


def _encode_one(event: NewEvent, item: tuple[Any, ...]) -> bytes:
    try:
        raw = _encode(item)
    except (TypeError, ValueError, OverflowError, RecursionError):
        raw = _NUL
    if _NUL in raw:
        raw = _encode_slowly(event, item)
    if len(raw) > EVENT_BYTES:
        size = f"{len(raw)} bytes, the limit is {EVENT_BYTES}"
        _too_large(f"An event {event.type!r} has {size}.", "Keep large data elsewhere.")
    return raw


def _encode_slowly(event: NewEvent, item: tuple[Any, ...]) -> bytes:
    _check_text("key", event.key, KEY_BYTES, least=1)
    _check_text("site", event.site, SITE_BYTES)
    try:
        return _encode([payloads.to_plain(part) if i == 3 else part for i, part in enumerate(item)])
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        problem = f"The data of an event {event.type!r} is not plain JSON data: {error}."
        remedy = "Encode values with eventstore.values before they go into an event."
        raise EventStoreError("invalid-event", problem, remedy, {"type": event.type}) from error


def _trim(item: tuple[Any, ...]) -> tuple[Any, ...]:
    end = len(item)
    while item[end - 1] is None:
        end -= 1
    return item[:end]


def _usual(
    payload_types: Mapping[str, type],
    events: Sequence[NewEvent],
    began_us: int,
    type_ids: Mapping[str, int],
    site_ids: Mapping[str, int],
) -> list[Any] | None:
    """Return the items of a row, if nothing is wrong or new with any event; else None.

    One pass, in which each test is a look into a dictionary: a source line that has a
    number was well formed when it got it. A quarter of the limit in characters is within
    it in bytes; a key's NUL and lone surrogates are seen in the encoded row at no cost.
    """
    items: list[Any] = []
    try:
        if not 0 < len(events) <= COMMIT_EVENTS or began_us >> _NOW_BITS:
            return None
        for event in events:
            data, key, site = event.data, event.key, event.site
            if type(data) is not payload_types[event.type]:
                return None
            if key is not None and (type(key) is not str or not 0 < len(key) <= KEY_BYTES // 4):
                return None
            number, dt = type_ids[event.type], event.at_us - began_us
            if dt >> _NEAR_BITS:  # far or before the first, or no whole number at all
                return None
            if site is None:
                items.append((number, dt, key, data))
            else:
                items.append((number, dt, key, data, site_ids[site]))
    except (KeyError, TypeError, AttributeError):
        return None
    return items


def _checked(
    registry: Registry,
    events: Sequence[NewEvent],
    began_us: int,
    type_ids: Numbers,
    site_ids: Numbers,
) -> list[Any]:
    """Return the items of a row, or refuse what cannot be stored."""
    if not events:
        problem, remedy = "An append without events.", "Append at least one."
        raise EventStoreError("invalid-event", problem, remedy, {"count": 0})
    if len(events) > COMMIT_EVENTS:
        count = f"{len(events)} events, the limit is {COMMIT_EVENTS}"
        _too_large(f"The commit has {count}.", "Append it in several commits.")
    for event in events:
        _check_closely(registry, event)
    return [
        _trim((
            type_ids[event.type], event.at_us - began_us, event.key, event.data,
            None if event.site is None else site_ids[event.site],
        ))
        for event in events
    ]  # fmt: skip


def _check_closely(registry: Registry, event: NewEvent) -> None:
    cls = registry.payload_type(event.type)
    if cls is None:
        check_type_name(event.type)
        if (today := registry.current_name(event.type)) != event.type:
            problem = f"Event type {event.type!r} is called {today!r} today."
            remedy = "Append it under that name."
            raise EventStoreError("invalid-event", problem, remedy, {"type": event.type})
    if type(event.data) is not cls and (cls or not isinstance(event.data, _PLAIN)):
        expected = cls.__qualname__ if cls else "plain JSON data, as the type is not registered"
        problem = f"The data of an event {event.type!r} is a {type(event.data).__qualname__}."
        remedy = f"Give it {expected}."
        raise EventStoreError("invalid-event", problem, remedy, {"type": event.type})
    _check_text("key", event.key, KEY_BYTES, least=1)
    _check_text("site", event.site, SITE_BYTES)
    if type(event.at_us) is not int or not FIRST_US <= event.at_us <= LAST_US:
        problem = f"The time {str(event.at_us)[:80]!a} of an event cannot be stored."
        remedy = "Give whole microseconds since 1970 UTC, within the years 1 to 9999."
        raise EventStoreError("invalid-event", problem, remedy, {"type": event.type})


_PLAIN = (type(None), bool, int, float, str, list, dict, hidden.Hidden)


def check_words(*, by: str, reason: str) -> None:
    """Refuse who did something, and why, if a fact could not hold them as they are.

    Raises:
        EventStoreError: `invalid-event`.
    """
    for name, said in (("by", by), ("reason", reason)):
        if said is None:
            raise _no_text(name, said, WORDS_BYTES, 0)
        _check_text(name, said, WORDS_BYTES)


def _check_text(name: str, value: str | None, most: int, least: int = 0) -> None:
    if value is None:
        return
    if isinstance(value, str) and text.is_plain(value) and least <= len(value.encode()) <= most:
        return
    raise _no_text(name, value, most, least)


def _no_text(name: str, value: object, most: int, least: int) -> EventStoreError:
    problem = f"The {name} {str(value)[:80]!a} of an event cannot be stored."
    remedy = f"It must be text of {least} to {most} bytes without NUL or lone surrogates."
    return EventStoreError("invalid-event", problem, remedy, {name: value})


def _too_large(problem: str, remedy: str) -> NoReturn:
    raise EventStoreError("too-large", problem, remedy, {})
