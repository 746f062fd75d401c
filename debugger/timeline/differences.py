"""What changed between two moments, in the words of people.

The rules are those of patches (SN-5, SN-7), but rows speak of what people see: sign,
path, before, after. Dicts and objects are looked into, lists lose their common ends and
are looked into at equal length; one that grew or shrank shows the items that came and
went. All else is one value.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from debugger.timeline.pointers import Tokens, envelope, join, parts
from eventstore.values import same


class Change(msgspec.Struct, frozen=True):
    """One difference between two moments."""

    sign: str
    """`+` added, `-` removed, `~` changed."""
    path: str
    before: Any
    """Encoded value (plain JSON data); None where there was none."""
    after: Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Compare two user states; equal ones give none."""
    return [] if before is after else list(_fields(before, after, ()))


def _fields(before: Mapping[str, Any], after: Mapping[str, Any], at: Tokens) -> Iterator[Change]:
    kept = _in_place(before, after)
    for key, old in before.items():
        if key not in kept:
            yield Change("-", join((*at, key)), old, None)
    for key in kept:
        yield from _values(before[key], after[key], (*at, key))
    for key, new in after.items():
        if key not in kept:
            yield Change("+", join((*at, key)), None, new)


def _in_place(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, None]:
    """Return the keys that kept their place.

    The order is part of a value: a key that went behind another was removed and added again.
    """
    places = {key: place for place, key in enumerate(before)}
    kept: dict[str, None] = {}
    reached = -1
    for key in after:
        place = places.get(key, -1)
        if place <= reached:
            break
        kept[key] = None
        reached = place
    return kept


def _values(old: Any, new: Any, at: Tokens) -> Iterator[Change]:
    if old is new:
        return
    if _alike(old, new):
        old_parts, new_parts = parts(old), parts(new)
        if isinstance(old_parts, Mapping) and isinstance(new_parts, Mapping):
            yield from _fields(old_parts, new_parts, at)
            return
        if isinstance(old_parts, list) and isinstance(new_parts, list):
            yield from _items(old_parts, new_parts, at)
            return
    if not same(old, new):
        yield Change("~", join(at), old, new)


def _alike(old: Any, new: Any) -> bool:
    """Say whether two values are of one make, so that their parts can be compared."""
    tag = envelope(old)
    if tag != envelope(new) or tag == "$tuple" or type(old) is not type(new):
        return False
    return tag != "$obj" or bool(old["$obj"][0] == new["$obj"][0])


def _items(old: list[Any], new: list[Any], at: Tokens) -> Iterator[Change]:
    start, shorter = 0, min(len(old), len(new))
    while start < shorter and same(old[start], new[start]):
        start += 1
    end = 0
    while end < shorter - start and same(old[-1 - end], new[-1 - end]):
        end += 1
    if len(old) == len(new):
        for index in range(start, len(old) - end):
            yield from _values(old[index], new[index], (*at, str(index)))
        return
    for index in range(start, len(old) - end):
        yield Change("-", join((*at, str(index))), old[index], None)
    for index in range(start, len(new) - end):
        yield Change("+", join((*at, str(index))), None, new[index])
