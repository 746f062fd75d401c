"""The text of rows to events.

Hot: a row is read by one call of a decoder made for the types that the log knows, one
array class a type, told apart by its number (measured: with `msgspec.Raw` payloads and a
second call each it took 1.5 times as long). Payloads of an older schema come out of that
call as plain data and go through the steps of `upcasting`. Rows with `{"$str": …}` in typed
fields go the slow way of `payloads`.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Union, overload

import msgspec

from eventstore.codec import payloads
from eventstore.codec.registry import Reading, Registry
from eventstore.errors import EventStoreError
from eventstore.events import Event, UnknownEvent
from eventstore.identifiers import Position, Revision, StreamId
from eventstore.upcasting import UpcastError, failed, lift


class _Item(msgspec.Struct, frozen=True, gc=False):
    """What `RowDecoder` makes a row's items; a subclass for each number of a type."""

    name: ClassVar[str]
    schema: ClassVar[int]
    dt: int
    key: str | None
    payload: Any
    site: int | None


class PartOfRow(Sequence[Event]):
    """Events of a row of which some cannot be made new: asking for one of those raises.

    Args:
        outcomes: in order; an error (`upcast-failed`) in the place of such an event.
    """

    def __init__(self, outcomes: Sequence[Event | EventStoreError]) -> None:
        self._outcomes = outcomes

    def __len__(self) -> int:
        return len(self._outcomes)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> "PartOfRow": ...
    def __getitem__(self, index: int | slice) -> "Event | PartOfRow":
        if isinstance(index, slice):
            return PartOfRow(self._outcomes[index])
        outcome = self._outcomes[index]
        if isinstance(outcome, EventStoreError):
            raise outcome
        return outcome


class RowDecoder:
    """Reads rows of one log. Safe to call from any thread.

    Args:
        registry: what the program knows; other types and newer schemas become
            `UnknownEvent`.
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
        self._readings: dict[int, Reading] = {}
        self._decode = self._build()

    def decode(
        self,
        data: str | bytes,
        *,
        position: int,
        stream: StreamId,
        first: int,
        began_us: int,
    ) -> Sequence[Event]:
        """Read a row.

        An event that cannot be made new raises `upcast-failed` when it is asked for; the
        others of the row are there.

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
        self._readings = {
            number: self._registry.reading(name, schema) for number, (name, schema) in types.items()
        }
        items = tuple(self._item(number, schema) for number, (_, schema) in types.items())
        # Without any type the decoder knows none: every row is then refused.
        row: Any = list[Union[items]] if items else list[_NoItem]  # type: ignore[valid-type] # noqa: UP007
        return msgspec.json.Decoder(row).decode

    def _item(self, number: int, schema: int) -> type:
        reading = self._readings[number]
        if reading.cls is not None and not reading.steps:
            return _plain_item(number, reading.name, schema, reading.cls)
        fields = [("dt", int), ("key", str | None, None), ("stored", Any, None)]
        stored = property(lambda item: _payload(reading, schema, item.stored))
        return _new_item(
            number, fields, {"name": reading.name, "schema": schema, "payload": stored}
        )

    def _decode_slowly(
        self, data: str | bytes, position: int, stream: StreamId, first: int, began_us: int
    ) -> Sequence[Event]:
        try:
            outcomes = [
                self._outcome(item, Position(position + i), stream, Revision(first + i), began_us)
                for i, item in enumerate(_decode_items(data))
            ]
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            problem = f"The row at position {position} cannot be read: {error}."
            remedy = "Run `timescape verify` to find what was altered."
            fields: dict[str, object] = {"position": position, "stream": stream}
            raise EventStoreError("corrupt-value", problem, remedy, fields) from error
        events = [outcome for outcome in outcomes if isinstance(outcome, Event)]
        return events if len(events) == len(outcomes) else PartOfRow(outcomes)

    def _outcome(
        self, item: list[Any], position: Position, stream: StreamId, first: Revision, began_us: int
    ) -> Event | EventStoreError:
        number, dt, key, data, site = item + [None] * (5 - len(item))
        reading, schema = self._readings[number], self._types[number][1]
        line = None if site is None else self._sites[site]
        if not isinstance(key, str | None):
            msg = "a key is not text"
            raise ValueError(msg)  # noqa: TRY004 - bad data, not misuse
        at_us = began_us + dt
        try:
            payload = _payload(reading, schema, data)
        except ValueError as error:
            if not reading.steps:
                raise
            event = {"position": position, "stream": stream, "revision": first}
            return _refused({**event, "type": reading.name, "schema": schema}, error)
        return Event(position, stream, first, reading.name, payload, key, at_us, line, schema)


# Measured: a class takes 0.1 ms, and each store makes all of them anew with each name it learns.
@lru_cache(1024)
def _plain_item(number: int, name: str, schema: int, cls: type[msgspec.Struct]) -> type:
    fields = [("dt", int), ("key", str | None), ("payload", cls)]
    return _new_item(number, fields, {"name": name, "schema": schema})


def _new_item(number: int, fields: list[Any], namespace: dict[str, Any]) -> type:
    return msgspec.defstruct(
        f"Item{number}", [*fields, ("site", int | None, None)], namespace=namespace,
        array_like=True, tag=number, forbid_unknown_fields=True, frozen=True, gc=False,
    )  # fmt: skip


def _payload(reading: Reading, schema: int, stored: Any) -> Any:
    """Return the payload that *stored* stands for.

    Raises:
        ValueError: it does not fit its class; `UpcastError` is one.
    """
    if reading.cls is None:
        return UnknownEvent(stored)
    if not reading.steps:
        return payloads.from_plain(stored, reading.cls)
    lifted = lift(stored, reading.steps, schema)
    try:
        return payloads.from_plain(lifted, reading.cls)
    except msgspec.ValidationError:
        raise
    except (TypeError, ValueError, LookupError, RecursionError) as error:
        # What is stored is plain data; what a step gave may be anything.
        raise UpcastError(schema + len(reading.steps) - 1) from error


def _refused(event: dict[str, object], error: ValueError) -> EventStoreError:
    refusal = failed(event, error)
    refusal.__cause__ = error
    return refusal


class _NoItem(msgspec.Struct, array_like=True, tag=-1):
    """Stands in the decoder of a log without names; no row has this number."""


_decode_items = msgspec.json.Decoder(list[list[Any]]).decode
