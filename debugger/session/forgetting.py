"""Tell sealed values that can still be opened from those that are forgotten."""

from collections.abc import Iterable
from typing import Any

import msgspec

from eventstore import Event, Store
from eventstore.codec.hiding import with_sealed
from eventstore.subjects import OWN

FORGOTTEN = "$forgotten"
"""Tag of the envelope that stands for a value whose key was destroyed, with the key's number."""


def with_forgotten(events: Iterable[Event], store: Store) -> tuple[Event, ...]:
    """Return *events* as they may be shown: forgotten values say that they are."""
    found = tuple(events)
    if OWN in store.forgotten([OWN]):
        return found  # no value was ever sealed there
    keys: set[int] = set()
    for event in found:
        with_sealed(event.data, lambda part, _: _noted(part, keys))
    gone = store.forgotten(keys) if keys else frozenset()
    return tuple(_told(event, gone) for event in found) if gone else found


def _noted(part: Any, keys: set[int]) -> Any:
    keys.add(part["$sealed"][0])
    return part


def _told(event: Event, gone: frozenset[int]) -> Event:
    def tell(part: Any, _pointer: str) -> Any:
        key = part["$sealed"][0]
        return {FORGOTTEN: key} if key in gone else part

    data = with_sealed(event.data, tell)
    return event if data is event.data else msgspec.structs.replace(event, data=data)
