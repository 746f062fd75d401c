"""What changed from one encoded value to another, as a patch (SN-5).

The order of an object's keys is part of a value: a key that moved is removed and added
again. `$obj` and `$dict` envelopes are looked into, all others are replaced whole.
"""

from collections.abc import Iterator, Mapping

from eventstore.values import same
from runtime.facts import Change, Json

Path = tuple[str | int, ...]

_OPEN = frozenset({"$obj", "$dict"})


def diff(a: Json, b: Json) -> tuple[Change, ...]:
    """Return the changes that make *b* of *a*; none if they are the same.

    Equal arguments give equal changes in equal order: in an object removals, then
    changed keys, then additions; in a list from its start.
    """
    return tuple(_changes(a, b, ()))


def diff_values(a: Mapping[str, Json], b: Mapping[str, Json]) -> tuple[Change, ...]:
    """Return the changes from one user state to another; paths begin with the key.

    Not `diff`: a state is no encoded value, and its keys may be spelt like tags.
    """
    return tuple(_object_changes(a, b, ()))


def _changes(a: Json, b: Json, path: Path) -> Iterator[Change]:
    if a is b:
        return
    if isinstance(a, dict) and isinstance(b, dict) and _comparable(a, b):
        yield from _object_changes(a, b, path)
    elif isinstance(a, list) and isinstance(b, list):
        yield from _list_changes(a, b, path)
    elif not same(a, b):
        yield Change("replace", path, b)


def _comparable(a: dict[str, Json], b: dict[str, Json]) -> bool:
    tags = {_tag(a), _tag(b)}
    if tags == {None}:
        return True
    if len(tags) > 1 or not tags <= _OPEN:
        return False
    # Two objects of different classes share no fields worth comparing.
    return "$obj" not in tags or bool(a["$obj"][0] == b["$obj"][0])


def _tag(tree: dict[str, Json]) -> str | None:
    first = next(iter(tree), "")
    return first if first.startswith("$") else None


def _object_changes(a: Mapping[str, Json], b: Mapping[str, Json], path: Path) -> Iterator[Change]:
    kept = _kept(a, b)
    for key in a:
        if key not in kept:
            yield Change("remove", (*path, key))
    for key in kept:
        yield from _changes(a[key], b[key], (*path, key))
    for key, value in b.items():
        if key not in kept:
            yield Change("add", (*path, key), value)


def _kept(a: Mapping[str, Json], b: Mapping[str, Json]) -> dict[str, None]:
    """Return the keys that stay where they are; a patch can only add behind them."""
    place = {key: i for i, key in enumerate(a)}
    kept: dict[str, None] = {}
    last = -1
    for key in b:
        at = place.get(key, -1)
        if at <= last:
            break
        kept[key] = None
        last = at
    return kept


def _list_changes(a: list[Json], b: list[Json], path: Path) -> Iterator[Change]:
    shorter = min(len(a), len(b))
    start = 0
    while start < shorter and same(a[start], b[start]):
        start += 1
    end = 0
    while end < shorter - start and same(a[-1 - end], b[-1 - end]):
        end += 1
    old, new = len(a) - start - end, len(b) - start - end
    if old == new:
        for i in range(start, start + new):
            yield from _changes(a[i], b[i], (*path, i))
    else:
        yield Change("splice", (*path, start), b[start : start + new], old)
