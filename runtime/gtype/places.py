"""Where in values of a type the marks stand: compiled once, followed for every body."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from msgspec import inspect as mi

from eventstore.values import Hidden
from runtime.errors import ConstraintError
from runtime.gtype.hints import strip
from runtime.gtype.sensitive import Mark, can_be_subject, mark_of

K = TypeVar("K", str, int)
_OBJECTS = (mi.StructType, mi.DataclassType, mi.TypedDictType, mi.NamedTupleType)


class Place(NamedTuple):
    """Where an object has the field that says whose its values are."""

    at: str | int
    """Name, or index where the object is written as an array."""
    is_uuid: bool

    def read(self, owner: Any) -> Any:
        """Return what stands there; None: nothing that says whose it is."""
        try:
            found = owner[self.at]
            return str(uuid.UUID(found)) if self.is_uuid else found
        except (LookupError, TypeError, ValueError, AttributeError):
            return None


class Hide(NamedTuple):
    """A mark, and where the object that the value is in says whose it is."""

    mark: Mark
    subject: Place | None

    def hidden(self, value: Any, owner: Any) -> Hidden:
        """Return *value*, of the object *owner*, to be hidden."""
        return self.mark.hidden(value, self.subject and self.subject.read(owner))


def strictest(rules: Iterable["Rule"]) -> Hide | None:
    """Return how the rules for one place hide it; of several ways that which leaves least."""
    hides = [rule.hide for rule in rules if rule.hide is not None]
    return max(hides, key=lambda hide: hide.mark.strictness, default=None)


class Rule:
    """What to hide within a value; a graph, since types may contain themselves."""

    def __init__(self) -> None:
        self.hide: Hide | None = None
        """The whole value."""
        self.is_object = False
        """What is in it belongs to it, not to what it is in."""
        self.fields: dict[str, list[Rule]] = {}
        self.positions: dict[int, list[Rule]] = {}
        self.inner: list[Rule] = []
        """For every item of an array and every value of a map."""

    def children(self) -> list["Rule"]:
        """All rules directly below."""
        named = [*self.fields.values(), *self.positions.values(), self.inner]
        return [rule for rules in named for rule in rules]

    def keep(self, worth: set[int]) -> None:
        """Drop the rules below whose id is not in *worth*."""
        self.fields = _kept(self.fields, worth)
        self.positions = _kept(self.positions, worth)
        self.inner = [rule for rule in self.inner if id(rule) in worth]


def _kept(named: dict[K, list[Rule]], worth: set[int]) -> dict[K, list[Rule]]:
    kept = {name: [r for r in rules if id(r) in worth] for name, rules in named.items()}
    return {name: rules for name, rules in kept.items() if rules}


class Owner(NamedTuple):
    """An object type: its fields by the names they go by."""

    name: str
    fields: Mapping[str, tuple[str | int, mi.Type]]

    def place(self, subject: str) -> Place:
        """Return where its values say whose they are.

        Raises:
            ConstraintError: it has no such field, or one that cannot say so.
        """
        if subject not in self.fields:
            msg = f"{self.name} has no field {subject!r}, whose value sensitive(subject=) needs."
            raise ConstraintError(msg, f"There are: {', '.join(self.fields)}.")
        at, info = self.fields[subject]
        if not can_be_subject(info):
            msg = f"Field {subject!r} of {self.name} cannot say whose a value is."
            raise ConstraintError(msg, "Name a field of text, a whole number or a UUID.")
        return Place(at, isinstance(strip(info)[0], mi.UUIDType))


def rules_of(info: mi.Type) -> list[Rule]:
    """Compile what must be hidden in values of a type.

    Raises:
        ConstraintError: a mark names a subject that is no field beside it.
    """
    root = _Compiler().rule(info, None)
    _prune(root)
    return [root]


class _Compiler:
    def __init__(self) -> None:
        self._made: dict[tuple[int, Mark | None, int], Rule] = {}
        self._owners: dict[int, Owner] = {}

    def rule(self, info: mi.Type, owner: Owner | None) -> Rule:
        mark, info = mark_of(info), strip(info)[0]
        # Of an object's own type it does not matter what it is in: so types may contain themselves.
        of = None if mark is None and isinstance(info, _OBJECTS) else owner
        key = (id(info), mark, id(of))
        known = self._made.get(key)
        if known is not None:
            return known
        rule = self._made[key] = Rule()
        if mark is not None:
            rule.hide = Hide(mark, _subject_of(mark, owner))
        self._fill(rule, info, owner)
        return rule

    def _fill(self, rule: Rule, info: mi.Type, owner: Owner | None) -> None:
        match info:
            case mi.UnionType():
                for member in info.types:
                    _merge(rule, self.rule(member, owner))
            case mi.TupleType():
                rule.positions = {n: [self.rule(t, owner)] for n, t in enumerate(info.item_types)}
            case mi.DictType():
                rule.inner = [self.rule(info.value_type, owner)]
            case mi.CollectionType():
                rule.inner = [self.rule(info.item_type, owner)]
            case _ if isinstance(info, _OBJECTS):
                self._fill_object(rule, info)
            case _:
                pass

    def _fill_object(self, rule: Rule, info: Any) -> None:
        rule.is_object = True
        owner = self._owners.get(id(info))
        if owner is None:
            owner = self._owners[id(info)] = Owner(info.cls.__name__, _fields(info))
        for field in info.fields:
            at, _ = owner.fields[field.name]
            within = [self.rule(field.type, owner)]
            if isinstance(at, int):
                rule.positions[at] = within
            else:
                rule.fields[at] = within


def _fields(info: Any) -> dict[str, tuple[str | int, mi.Type]]:
    """Return where an object has each field, by its name in the class and as it is written."""
    as_array = isinstance(info, mi.NamedTupleType) or getattr(info, "array_like", False)
    first = 0 if getattr(info, "tag", None) is None else 1
    places: list[tuple[str | int, Any]] = [
        (first + n if as_array else field.encode_name, field) for n, field in enumerate(info.fields)
    ]
    written = {field.encode_name: (at, field.type) for at, field in places}
    return written | {field.name: (at, field.type) for at, field in places}


def _subject_of(mark: Mark, owner: Owner | None) -> Place | None:
    if mark.subject is None:
        return None
    if owner is None:
        msg = f"sensitive(subject={mark.subject!r}) stands in no object."
        raise ConstraintError(msg, "Mark a field of a class that has that field, too.")
    return owner.place(mark.subject)


def _merge(into: Rule, other: Rule) -> None:
    """Let *into* hide what *other* hides."""
    into.is_object = into.is_object or other.is_object
    into.hide = strictest((into, other))
    for name, rules in other.fields.items():
        into.fields.setdefault(name, []).extend(rules)
    for n, rules in other.positions.items():
        into.positions.setdefault(n, []).extend(rules)
    into.inner.extend(other.inner)


def _prune(root: Rule) -> None:
    """Drop what leads to nothing sensitive, so that only worthwhile places are visited."""
    rules: dict[int, Rule] = {}
    todo = [root]
    while todo:
        rule = todo.pop()
        if id(rule) not in rules:
            rules[id(rule)] = rule
            todo += rule.children()
    worth = {i for i, rule in rules.items() if rule.hide is not None}
    grown = True
    while grown:
        more = {i for i, r in rules.items() if any(id(c) in worth for c in r.children())}
        grown = not more <= worth
        worth |= more
    for rule in rules.values():
        rule.keep(worth)
