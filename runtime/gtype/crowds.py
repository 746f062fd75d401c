"""Which places of a type are hash tables, and whether data puts too much into one (IN-4).

Whoever chooses the numbers that go into a hash table can let them collide, and then the
table costs the square of its size. Text is hashed with a secret and safe as the name of a
map's entry, but an equal text cannot be told from a number before it is decoded: all sets count.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from runtime.gtype.kinds import Any_, Array, Int, Map, Object, Ref, Tuple, Union, children
from runtime.gtype.schema import GType

MOST: Final = 1_000
"""Entries of a place whose type does not allow more by its `max_length`."""
Crowded = Callable[[Any], bool]


def crowded(made: GType) -> Crowded | None:
    """Return what says of plain data whether a hash table of it has too many entries.

    None: the type has no such place.
    """
    if not any(map(_hashes, _places(made))):
        return None
    return lambda plain: _too_many(made.root, made.objects, plain)


def _places(made: GType) -> Iterable[Any_]:
    waiting: list[Any_] = [made.root, *made.objects]
    while waiting:
        place = waiting.pop()
        yield place
        waiting += children(place)


def _hashes(place: Any_) -> bool:
    match place:
        case Array():
            return place.collapse or place.unique
        case Map():
            return isinstance(place.key, Int) or _has_numbers(place.key)
        case _:
            return False


def _has_numbers(key: Any_) -> bool:
    return any(isinstance(value, int) for value in getattr(key, "values", ()))


def _too_many(place: Any_, objects: Sequence[Object], plain: Any) -> bool:
    """Look at *plain* as far as it is of the type; as deep as the data, which is bounded."""
    if isinstance(place, Ref):
        return _too_many(objects[place.to], objects, plain)
    if isinstance(place, Union):
        return any(_too_many(member, objects, plain) for member in place.members)
    if isinstance(place, Array | Map) and _over(place, plain):
        return True
    return any(_too_many(under, objects, each) for under, each in _below(place, plain))


def _below(place: Any_, plain: Any) -> Iterable[tuple[Any_, Any]]:
    """Give what *plain* holds, with the places of it."""
    match place, plain:
        case Array(), list():
            return ((place.item, each) for each in plain)
        case Map(), dict():
            return ((place.value, each) for each in plain.values())
        case Tuple(), list():
            return zip(place.items, plain, strict=False)
        case Object(as_array=True), list():
            return zip((field.type for field in place.fields), plain, strict=False)
        case Object(), dict():
            return ((f.type, plain[f.name]) for f in place.fields if f.name in plain)
        case _:
            return ()


def _over(place: Array | Map, plain: Any) -> bool:
    most = max(MOST, place.max_length or 0)
    return _hashes(place) and isinstance(plain, list | dict) and len(plain) > most
