"""How a type is stored, and read again without its classes (GT-17)."""

from collections.abc import Sequence

import msgspec

from runtime.errors import UnsupportedGTypeVersionError
from runtime.gtype.kinds import Any_, Object, Ref, children

VERSION = 1


class Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A type as it is stored."""

    gtype: int
    root: Any_
    objects: tuple[Object, ...] = ()


_encode = msgspec.json.Encoder(order="sorted").encode


def write(root: Any_, objects: tuple[Object, ...]) -> str:
    """Write a type as JSON, with the number of this form."""
    return _encode(Stored(VERSION, root, objects)).decode()


def read(text: str | bytes) -> tuple[Any_, tuple[Object, ...]]:
    """Read a stored type.

    Raises:
        UnsupportedGTypeVersionError: another version wrote it, or it is no stored type.
    """
    try:
        number = msgspec.json.decode(text, type=_Numbered).gtype
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnsupportedGTypeVersionError(
            problem="This is no stored type: it has no number under `gtype`.",
            remedy="Store it again.",
        ) from error
    if number != VERSION:
        raise UnsupportedGTypeVersionError(
            problem=f"A type of form {number} cannot be read; this Timescape knows form {VERSION}.",
            remedy="Use the Timescape that stored it, or a newer one.",
        )
    try:
        found = msgspec.json.decode(text, type=Stored)
        _refs_lead_somewhere([found.root, *found.objects], len(found.objects))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UnsupportedGTypeVersionError(
            problem=f"A stored type cannot be read: {error}.", remedy="Store it again."
        ) from error
    return found.root, found.objects


class _Numbered(msgspec.Struct):
    gtype: int


def _refs_lead_somewhere(parts: Sequence[Any_], count: int) -> None:
    todo = list(parts)
    while todo:
        part = todo.pop()
        if isinstance(part, Ref) and not 0 <= part.to < count:
            msg = f"it names object {part.to} of {count}"
            raise ValueError(msg)
        todo.extend(children(part))
