"""Events to the text of rows and back: `[[type,dt,key,data,site],…]` (TB-1).

This is the hottest code of the project; every backend goes through it. A row is
written by one call of msgspec's encoder and read by one call of a decoder built for
the types the log knows. Rows that this cannot do (a NUL or a lone surrogate in a
field) go the slow way of `payloads`, and laws hold the two equal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NoReturn, Union

import msgspec

from eventstore.codec import payloads
from eventstore.codec.registry import Registry, check_type_name
from eventstore.errors import EventStoreError
from eventstore.events import Event, NewEvent, UnknownEvent
from eventstore.identifiers import Position, Revision, StreamId
from eventstore.values import text

ROW_EVENTS = 256
ROW_BYTES = 64 * 1024
EVENT_BYTES = 20 * 1024 * 1024
COMMIT_EVENTS = 10_000
COMMIT_BYTES = 64 * 1024 * 1024
KEY_BYTES = 256
SITE_BYTES = 512

_encode = msgspec.json.Encoder().encode
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
    type_id: Callable[[str], int],
    site_id: Callable[[str], int],
) -> list[EncodedRow]:
    """Encode what one append commits: a row, or several where ES-5 ends them.

    Nothing is asked of *type_id* and *site_id* unless all events are well formed.

    Args:
        registry: gives the class that each payload must be of.
        events: at least one.
        began_us: what the events' times are counted from, in every row.
        type_id: number of an event type in this log.
        site_id: number of a source line in this log.

    Raises:
        EventStoreError: `invalid-event`, `too-large` (ES-6).
    """
    _check(registry, events)
    items = [
        (type_id(event.type), event.at_us - began_us, event.key, event.data)
        if event.site is None
        else (type_id(event.type), event.at_us - began_us, event.key, event.data,
              site_id(event.site))
        for event in events
    ]  # fmt: skip
    if events[-1].data is None or any(event.data is None for event in events):
        items = [_trim(item) for item in items]
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


def _check(registry: Registry, events: Sequence[NewEvent]) -> None:
    if not events:
        problem, remedy = "An append without events.", "Append at least one."
        raise EventStoreError("invalid-event", problem, remedy, {"count": 0})
    if len(events) > COMMIT_EVENTS:
        count = f"{len(events)} events, the limit is {COMMIT_EVENTS}"
        _too_large(f"The commit has {count}.", "Append it in several commits.")
    payload_type = registry.payload_type
    for event in events:
        key, site = event.key, event.site
        # A quarter of the limits in characters is within them in bytes. NUL and lone
        # surrogates are seen in the encoded row, at no cost here.
        if (
            type(event.data) is not payload_type(event.type)
            or (key is not None and not 0 < len(key) <= KEY_BYTES // 4)
            or (site is not None and len(site) > SITE_BYTES // 4)
        ):
            _check_closely(registry, event)


def _check_closely(registry: Registry, event: NewEvent) -> None:
    cls = registry.payload_type(event.type)
    if cls is None:
        check_type_name(event.type)
    if type(event.data) is not cls and (cls or not isinstance(event.data, _PLAIN)):
        expected = cls.__qualname__ if cls else "plain JSON data, as the type is not registered"
        problem = f"The data of an event {event.type!r} is a {type(event.data).__qualname__}."
        remedy = f"Give it {expected}."
        raise EventStoreError("invalid-event", problem, remedy, {"type": event.type})
    _check_text("key", event.key, KEY_BYTES, least=1)
    _check_text("site", event.site, SITE_BYTES)


_PLAIN = (type(None), bool, int, float, str, list, dict)


def _check_text(name: str, value: str | None, most: int, least: int = 0) -> None:
    if value is None:
        return
    if isinstance(value, str) and text.is_plain(value) and least <= len(value.encode()) <= most:
        return
    problem = f"The {name} {str(value)[:80]!a} of an event cannot be stored."
    remedy = f"It must be text of {least} to {most} bytes without NUL or lone surrogates."
    raise EventStoreError("invalid-event", problem, remedy, {name: value})


def _too_large(problem: str, remedy: str) -> NoReturn:
    raise EventStoreError("too-large", problem, remedy, {})


class _Item(msgspec.Struct, frozen=True, gc=False):
    """What `RowDecoder` makes a row's items; a subclass for each number of a type."""

    name: ClassVar[str]
    schema: ClassVar[int]
    dt: int
    key: str | None
    payload: Any
    site: int | None


class RowDecoder:
    """Reads rows of one log. Safe to call from any thread.

    Args:
        registry: what the program knows; other types become `UnknownEvent`.
        types: number to name and schema of an event type. Kept, not copied: names that
            are added later are seen, none may ever change.
        sites: number to source line, likewise.
    """

    def __init__(
        self,
        registry: Registry,
        types: Mapping[int, tuple[str, int]],
        sites: Mapping[int, str],
    ) -> None:
        self._registry = registry
        self._types = types
        self._sites = sites
        self._known = 0
        self._decode = self._build()

    def decode(
        self,
        data: str | bytes,
        *,
        position: int,
        stream: StreamId,
        first: int,
        began_us: int,
    ) -> list[Event]:
        """Read a row.

        Args:
            data: its text.
            position: of its first event.
            stream: whose events they are.
            first: revision of its first event.
            began_us: what its times are counted from.

        Raises:
            EventStoreError: `corrupt-value`.
        """
        if len(self._types) != self._known:
            self._decode = self._build()
        sites = self._sites
        try:
            items = self._decode(data)
            # Measured: this is as long again as decoding, so it is one comprehension.
            return [
                Event(
                    Position(position + i), stream, Revision(first + i), item.name, item.payload,
                    item.key, began_us + item.dt,
                    None if item.site is None else sites[item.site], item.schema,
                )
                for i, item in enumerate(items)
            ]  # fmt: skip
        except (ValueError, LookupError, RecursionError):
            return self._decode_slowly(data, position, stream, first, began_us)

    def _build(self) -> Callable[[str | bytes], list[_Item]]:
        types = dict(self._types)
        self._known = len(types)
        items = tuple(self._item(number, *type_) for number, type_ in types.items())
        # Without any type the decoder knows none: every row is then refused.
        row: Any = list[Union[items]] if items else list[_NoItem]  # type: ignore[valid-type] # noqa: UP007
        return msgspec.json.Decoder(row).decode

    def _item(self, number: int, name: str, schema: int) -> type:
        cls = self._class(name, schema)
        if cls is not None:
            fields: list[Any] = [("dt", int), ("key", str | None), ("payload", cls)]
            namespace: dict[str, Any] = {"name": name, "schema": schema}
        else:
            fields = [("dt", int), ("key", str | None, None), ("stored", Any, None)]
            payload = property(lambda item: UnknownEvent(item.stored))
            namespace = {"name": name, "schema": schema, "payload": payload}
        fields.append(("site", int | None, None))
        return msgspec.defstruct(
            f"Item{number}", fields, namespace=namespace,
            array_like=True, tag=number, frozen=True, gc=False,
        )  # fmt: skip

    def _class(self, name: str, schema: int) -> type[msgspec.Struct] | None:
        known = self._registry.schema(name) == schema
        return self._registry.payload_type(name) if known else None

    def _decode_slowly(
        self, data: str | bytes, position: int, stream: StreamId, first: int, began_us: int
    ) -> list[Event]:
        try:
            return [
                self._event(item, Position(position + i), stream, Revision(first + i), began_us)
                for i, item in enumerate(_decode_items(data))
            ]
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            problem = f"The row at position {position} cannot be read: {error}."
            remedy = "Run `timescape verify` to find what was altered."
            fields: dict[str, object] = {"position": position, "stream": stream}
            raise EventStoreError("corrupt-value", problem, remedy, fields) from error

    def _event(
        self, item: list[Any], position: Position, stream: StreamId, first: Revision, began_us: int
    ) -> Event:
        number, dt, key, data, site = item + [None] * (5 - len(item))
        name, schema = self._types[number]
        cls = self._class(name, schema)
        payload = UnknownEvent(data) if cls is None else payloads.from_plain(data, cls)
        line = None if site is None else self._sites[site]
        if not isinstance(key, str | None):
            msg = "a key is not text"
            raise ValueError(msg)  # noqa: TRY004 - bad data, not misuse
        return Event(position, stream, first, name, payload, key, began_us + dt, line, schema)


class _NoItem(msgspec.Struct, array_like=True, tag=-1):
    """Stands in the decoder of a log without names; no row has this number."""


_decode_items = msgspec.json.Decoder(list[list[Any]]).decode
