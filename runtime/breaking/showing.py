"""A part of a type in a few words, for people."""

from collections.abc import Sequence
from typing import Any

from runtime.gtype import kinds
from runtime.gtype.kinds import Any_, Object

_LONGEST = 60


def shown(part: Any_, objects: Sequence[Object]) -> str:
    """Write *part* in a few words: its kind, and what limits it."""
    text = _shown(part, objects)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _shown(part: Any_, objects: Sequence[Object]) -> str:
    match part:
        case kinds.Ref() | kinds.Object():
            each = objects[part.to] if isinstance(part, kinds.Ref) else part
            text = each.name or "object"
        case kinds.Union():
            text = " | ".join(_shown(member, objects) for member in part.members)
        case kinds.Array():
            text = f"{'set' if part.collapse else 'list'} of {_shown(part.item, objects)}"
        case kinds.Map():
            text = f"map of {_shown(part.value, objects)}"
        case kinds.Tuple():
            text = f"({', '.join(_shown(item, objects) for item in part.items)})"
        case kinds.Literal() | kinds.Enum():
            text = f"one of {', '.join(repr(value) for value in part.values)}"
        case _:
            text = str(part.brand or part.__struct_config__.tag)
    return text + _limits(part)


_SIGNS = {
    "gt": ">", "ge": "≥", "lt": "<", "le": "≤", "multiple_of": "multiple of",
    "min_length": "length ≥", "max_length": "length ≤", "pattern": "like", "form": "as",
}  # fmt: skip


def _limits(part: Any) -> str:
    said = [
        f"{sign} {value}"
        for name, sign in _SIGNS.items()
        if (value := getattr(part, name, None)) is not None
    ]
    return f" {', '.join(said)}" if said else ""
