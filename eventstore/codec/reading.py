"""The text of rows to events.

Hot: a row is read by one call of a decoder made for the types that the log knows, one
array class a type, told apart by its number (measured: with `msgspec.Raw` payloads and a
second call each it took 1.5 times as long). Rows with `{"$str": …}` in typed fields go
the slow way of `payloads`.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Union

import msgspec

from eventstore.codec import payloads
from eventstore.codec.registry import Registry
from eventstore.errors import EventStoreError
from eventstore.events import Event, UnknownEvent
from eventstore.identifiers import Position, Revision, StreamId


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
            array_like=True, tag=number, forbid_unknown_fields=True, frozen=True, gc=False,
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
