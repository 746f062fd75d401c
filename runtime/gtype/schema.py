"""`GType`: a type as data, which can be stored, compared and sent (GT-1, GT-16, GT-17)."""

import hashlib
from functools import cached_property
from typing import Any

import msgspec

from runtime.errors import SchemaTooLargeError
from runtime.gtype import json_schema as schemas
from runtime.gtype.canonical import canonical
from runtime.gtype.kinds import Any_, Anything, Object, Part, Ref, Rule, children
from runtime.gtype.stored import read, write

MAX_DEPTH = 50
WARN_DEPTH = 20
MAX_BYTES = 512_000
WARN_BYTES = 51_200


class GType(msgspec.Struct, frozen=True, dict=True):
    """A type: its root, and the objects that refs name by their place."""

    root: Any_
    objects: tuple[Object, ...] = ()

    @cached_property
    def canonical(self) -> bytes:
        """The form in which equal types are equal bytes, whatever wrote them."""
        return canonical(self.root, self.objects)

    @cached_property
    def digest(self) -> str:
        """`sha256:` and 64 hex digits, of the canonical form."""
        return f"sha256:{hashlib.sha256(self.canonical).hexdigest()}"

    def to_json(self) -> str:
        """Write it so that `from_json` gives an equal one."""
        return write(self.root, self.objects)

    @classmethod
    def from_json(cls, text: str | bytes) -> "GType":
        """Read what `to_json` wrote.

        Raises:
            UnsupportedGTypeVersionError: a newer Timescape wrote it, or it is no stored type.
        """
        return cls(*read(text))

    def json_schema(self, side: str = "request") -> dict[str, Any]:
        """Give it as JSON Schema 2020-12.

        Args:
            side: `request`: fields with a default may be left out; `response`: they are there.
        """
        return schemas.json_schema(self.root, self.objects, side)

    @cached_property
    def unchecked(self) -> tuple[Rule, ...]:
        """The checks in code that its data only names."""
        return tuple({rule: None for part in self.parts() for rule in part.rules})

    def parts(self) -> list[Part]:
        """Give every part of it, the root first."""
        return _parts(self.root, *self.objects)

    @cached_property
    def is_bounded(self) -> bool:
        """Whether what it reads nests no deeper than it does: nothing in it may be anything.

        Fields that it does not know may nest deeper; nobody gets to see them.
        """
        if any(isinstance(part, Anything) for part in self.parts()):
            return False
        held = [{r.to for r in _parts(each) if isinstance(r, Ref)} for each in self.objects]
        left = set(range(len(held)))
        while ends := {n for n in left if not held[n] & left}:
            left -= ends
        return not left  # what is left contains itself

    @cached_property
    def depth(self) -> int:
        """How many levels it has, counting what contains itself once."""
        return depth(self.root, self.objects)


def _parts(*roots: Any_) -> list[Part]:
    """Give every part of what is named, and none of what refs lead to."""
    found: list[Part] = []
    todo: list[Any_] = list(reversed(roots))
    while todo:
        part = todo.pop()
        found.append(part)
        todo.extend(reversed(children(part)))
    return found


def check_limits(name: str, made: GType) -> tuple[str, ...]:
    """Refuse a type beyond the limits; say in words where it comes near them.

    Raises:
        SchemaTooLargeError: with the type and the measure.
    """
    size = len(made.to_json().encode())
    if made.depth > MAX_DEPTH:
        raise SchemaTooLargeError(name, f"{made.depth} levels, of at most {MAX_DEPTH}")
    if size > MAX_BYTES:
        raise SchemaTooLargeError(name, f"{size} bytes as data, of at most {MAX_BYTES}")
    said = []
    if made.depth > WARN_DEPTH:
        said.append(f"{name} has {made.depth} levels; beyond {MAX_DEPTH} it is refused.")
    if size > WARN_BYTES:
        said.append(f"{name} has {size} bytes as data; beyond {MAX_BYTES} it is refused.")
    return tuple(said)


def depth(root: Any_, objects: tuple[Object, ...]) -> int:
    """Count the levels of a type; what contains itself counts once."""
    known: dict[int, int] = {}

    def of(part: Any_, above: frozenset[int]) -> int:
        if isinstance(part, Ref):
            if part.to in above:
                return 0
            if part.to not in known:
                known[part.to] = of(objects[part.to], above | {part.to})
            return known[part.to]
        return 1 + max((of(inner, above) for inner in children(part)), default=0)

    return of(root, frozenset())
