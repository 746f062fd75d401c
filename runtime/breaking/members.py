"""Unions in their normal form, and which member of one stands for which of another."""

from collections.abc import Sequence

import msgspec

from runtime.breaking.scalars import NUMBERS
from runtime.gtype import kinds
from runtime.gtype.kinds import Any_, Object

Pair = tuple[Any_, Any_]


class Members(msgspec.Struct):
    """A place of a type, taken apart."""

    anything: bool
    """Any value is allowed, null too."""
    null: bool
    numbers: list[Any_]
    """Whole numbers first, then any, then decimals."""
    others: list[Any_]


def split(part: Any_, objects: Sequence[Object]) -> Members:
    """Take *part* apart; what the whole is marked with, each member is marked with."""
    members = part.members if isinstance(part, kinds.Union) else (part,)
    if isinstance(part, kinds.Union):
        members = tuple(_marked(member, part) for member in members)
    rest = [member for member in members if not isinstance(member, kinds.Null)]
    numbers = [member for member in rest if isinstance(member, NUMBERS)]
    return Members(
        anything=any(isinstance(member, kinds.Anything) for member in members),
        null=len(rest) < len(members),
        numbers=sorted(numbers, key=lambda member: NUMBERS.index(type(member))),
        others=sorted((m for m in rest if m not in numbers), key=lambda m: _told_by(m, objects)),
    )


def pair_up(
    old: Sequence[Any_], new: Sequence[Any_], olds: Sequence[Object], news: Sequence[Object]
) -> tuple[list[Pair], list[Any_], list[Any_]]:
    """Find which members stand for each other; give those pairs, what went and what came."""
    pairs: list[Pair] = []
    gone, come = list(old), list(new)
    for tell in (_told_by, _family):
        after = {tell(member, news): member for member in come}
        for member in tuple(gone):
            other = after.pop(tell(member, olds), None)
            if other is not None:
                pairs.append((member, other))
                gone.remove(member)
                come.remove(other)
    if len(old) == len(new) == len(gone) == 1:
        return [(gone[0], come[0])], [], []
    return pairs, gone, come


def _marked(member: Any_, whole: kinds.Union) -> Any_:
    return msgspec.structs.replace(
        member,
        brand=member.brand or whole.brand,
        sensitive=member.sensitive or whole.sensitive,
        rules=(*member.rules, *whole.rules),
    )


def _told_by(member: Any_, objects: Sequence[Object]) -> str:
    """Give what tells a member from others: its kind in JSON, or kind and tag."""
    match member:
        case kinds.Ref():
            each = objects[member.to]
            kind = "array" if each.as_array else "object"
            return f"{kind} {type(each.tag).__name__} {each.tag}"
        case kinds.Literal() | kinds.Enum():
            return "enum"
        case kinds.Array() | kinds.Tuple():
            return "array NoneType None"
        case kinds.Map():
            return "object NoneType None"
        case _ if isinstance(member, kinds.TEXTUAL):
            return "text"
        case _:
            return str(member.__struct_config__.tag)


def _family(member: Any_, objects: Sequence[Object]) -> str:
    """Give what a member is at least like, where nothing is told apart in the same way."""
    told = _told_by(member, objects)
    if told == "enum":
        values = member.values if isinstance(member, kinds.Literal | kinds.Enum) else ()
        return "text" if any(isinstance(value, str) for value in values) else "int"
    return "int" if isinstance(member, NUMBERS) else told.split(" ", maxsplit=1)[0]
