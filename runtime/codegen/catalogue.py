"""The types of a set of handlers, each class once and under one name."""

from collections.abc import Iterable, Sequence

import msgspec

from runtime.codegen.naming import class_name
from runtime.gtype.kinds import Object, Ref
from runtime.gtype.schema import GType
from runtime.gtype.stored import Stored
from runtime.manifests import HandlerManifest
from runtime.manifests.handler import digest_of


class Scope(msgspec.Struct, frozen=True):
    """A type with the names of its objects."""

    stored: Stored
    names: tuple[str, ...]
    """Of the objects of its table, by their place."""


class Named(msgspec.Struct, frozen=True):
    """A class of generated code."""

    name: str
    object: Object
    scope: Scope


class Catalogue:
    """Names the objects of types: alike ones share a class, others of one name are numbered."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._taken: set[str] = set()
        self.classes: list[Named] = []
        """In the order in which they were met."""
        self.numbered: dict[str, str] = {}
        """Classes that share their name with another, and what they became."""

    def scope(self, stored: Stored) -> Scope:
        """Give *stored* with the names of its objects."""
        keys = [(each.name, _look(stored, n)) for n, each in enumerate(stored.objects)]
        new = [n for n, key in enumerate(keys) if key not in self._known]
        for n in new:
            if keys[n] not in self._known:
                self._known[keys[n]] = self._name(keys[n][0])
            else:
                new = [m for m in new if m != n]
        scope = Scope(stored, tuple(self._known[key] for key in keys))
        self.classes += [Named(scope.names[n], stored.objects[n], scope) for n in new]
        return scope

    def _name(self, wanted: str) -> str:
        base = name = class_name(wanted)
        n = 1
        while name.lower() in self._taken:
            n += 1
            name = f"{base}_{n}"
        if n > 1:
            self.numbered[name] = wanted
        self._taken.add(name.lower())
        return name


def _look(stored: Stored, number: int) -> str:
    """Give a digest of one object, with all that can be seen from it and its documentation."""
    root = GType(Ref(to=number), stored.objects)
    docs = [(part.doc, getattr(part, "name", "")) for part in _seen(stored, number)]
    return digest_of((root.digest, docs))


def _seen(stored: Stored, number: int) -> Iterable[Object]:
    return (stored.objects[number],)


def types_of(chosen: Sequence[HandlerManifest]) -> list[Stored]:
    """Give all types of handlers, in the order in which they are named."""
    found = []
    for each in chosen:
        answers = [stored for _, stored in each.answers]
        found += [stored for stored in (each.query, each.body, *answers) if stored is not None]
    return found
