"""Unions that kind or tag can decide (GT-9)."""

from collections.abc import Iterable, Sequence

import msgspec

from runtime.errors import UnsupportedTypeError
from runtime.gtype import kinds
from runtime.gtype.kinds import Any_, Object

_NUMBERS = (kinds.Int, kinds.Float, kinds.Decimal)
# Where two take a number, msgspec prefers int to float to Decimal.
_RANK: dict[type, int] = {kinds.Float: 1, kinds.Decimal: 2}


def union(members: Iterable[Any_], objects: Sequence[Object], place: str) -> Any_:
    """Make one type of *members*: nulls and literals joined, no union within a union.

    Raises:
        UnsupportedTypeError: two members take one kind of value; names both, and the cure.
    """
    flat = _joined([inner for member in members for inner in _members(member)])
    if any(isinstance(member, kinds.Anything) for member in flat):
        return next(member for member in flat if isinstance(member, kinds.Anything))
    taken: dict[str, Any_] = {}
    for member in flat:
        for kind in _decided_by(member, objects):
            other = taken.setdefault(kind, member)
            both_numbers = isinstance(member, _NUMBERS) and isinstance(other, _NUMBERS)
            if other is not member and not both_numbers:
                raise _undecidable(place, kind, [named(m, objects) for m in (other, member)])
    flat.sort(key=lambda member: _RANK.get(type(member), 0))
    return flat[0] if len(flat) == 1 else kinds.Union(members=tuple(flat))


def _members(member: Any_) -> tuple[Any_, ...]:
    return member.members if isinstance(member, kinds.Union) else (member,)


def _joined(members: Sequence[Any_]) -> list[Any_]:
    """Take nulls together, and literals."""
    found: list[Any_] = []
    literal: int | None = None
    for member in members:
        if isinstance(member, kinds.Literal) and literal is not None:
            first = found[literal]
            assert isinstance(first, kinds.Literal)  # noqa: S101 - for the type checker
            values = tuple(dict.fromkeys(first.values + member.values))
            found[literal] = msgspec.structs.replace(first, values=values)
        elif member not in found or not isinstance(member, kinds.Null):
            if isinstance(member, kinds.Literal):
                literal = len(found)
            found.append(member)
    return found


def _decided_by(member: Any_, objects: Sequence[Object]) -> list[str]:
    """Give what tells that a value is for *member*: its kinds, or kind and tag."""
    if isinstance(member, kinds.Ref):
        each = objects[member.to]
        kind = "array" if each.as_array else "object"
        return [kind if each.tag is None else f"{kind} tagged {each.tag!r}"]
    return sorted(kinds.json_kinds(member, objects))


def named(member: Any_, objects: Sequence[Object]) -> str:
    """Name a member for people: the class of an object, else its kind."""
    if isinstance(member, kinds.Ref):
        return objects[member.to].name
    return str(member.__struct_config__.tag)


def _undecidable(place: str, kind: str, both: Sequence[str]) -> UnsupportedTypeError:
    return UnsupportedTypeError(
        problem=f"{place} is a union in which {both[0]} and {both[1]} both take: {kind}.",
        remedy="Tag the members (`class A(Struct, tag=True)`), or keep one of them.",
    )
