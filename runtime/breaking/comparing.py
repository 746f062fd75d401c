"""Walk two types side by side and list how they differ.

Types that contain themselves are compared as if what is being compared already were equal:
a pair of objects is looked at once. Fields go by name and members of unions by what tells
them apart, so the order in which anything was written does not count.
"""

from collections.abc import Iterable, Sequence

import msgspec

from runtime.breaking.members import Members, pair_up, split
from runtime.breaking.reports import Change, Comparison
from runtime.breaking.rules import RULES, Direction
from runtime.breaking.scalars import compare_leaves, lengths
from runtime.breaking.showing import shown
from runtime.gtype import kinds
from runtime.gtype.kinds import Any_, Field, Object
from runtime.gtype.schema import GType


def compare(old: GType, new: GType, direction: Direction = "request") -> Comparison:
    """List how *new* differs from *old*.

    Args:
        old: what callers, or what is stored, go by.
        new: what is to come.
        direction: `request`: what callers send; `response`: what they read; `stored`: what was
            written and will be read, by old and by new code.

    Source: the order of values is set inclusion: a request is safe where old is within new,
    a response where new is within old.
    """
    walk = _Walk(old.objects, new.objects)
    walk.part(old.root, new.root, "")
    found = sorted(set(walk.found))
    return Comparison(direction, tuple(each for each in found if each.verdict(direction) != "none"))


class _Walk:
    def __init__(self, old: Sequence[Object], new: Sequence[Object]) -> None:
        self.old = old
        self.new = new
        self.found: list[Change] = []
        self._met: set[tuple[int, int]] = set()

    def note(self, name: str, pointer: str, old: Any_ | None, new: Any_ | None) -> None:
        """Write a change down."""
        before = "" if old is None else shown(old, self.old)
        after = "" if new is None else shown(new, self.new)
        self.found.append(Change(pointer, name, before, after))

    # --- one place ---

    def part(self, old: Any_, new: Any_, pointer: str, *, nulls: bool = True) -> None:
        """Compare what stands at *pointer*; without *nulls* it was said what became of null."""
        before, after = split(old, self.old), split(new, self.new)
        if before.anything or after.anything:
            if not (before.anything and after.anything):
                self.note(
                    "member-removed" if before.anything else "member-added", pointer, old, new
                )
            self._marks(old, new, pointer)
            return
        if nulls and before.null != after.null:
            self.note("now-nullable" if after.null else "not-nullable", pointer, old, new)
        self._numbers(before, after, pointer)
        pairs, gone, come = pair_up(before.others, after.others, self.old, self.new)
        for one, other in pairs:
            self._single(one, other, pointer)
        for member in gone:
            self.note("member-removed", pointer, member, None)
        for member in come:
            self.note("member-added", pointer, None, member)

    def _numbers(self, before: Members, after: Members, pointer: str) -> None:
        """Compare several numbers as one: beside another, each judges only what is left to it."""
        old, new = before.numbers, after.numbers
        if len(old) <= 1 and len(new) <= 1:
            before.others.extend(old)
            after.others.extend(new)
        elif not old:
            self.note("member-added", pointer, None, new[0])
        elif not new:
            self.note("member-removed", pointer, old[0], None)
        elif old != new:
            self.note("bound-replaced", pointer, old[0], new[0])

    def _single(self, old: Any_, new: Any_, pointer: str) -> None:
        """Compare two parts that are no unions."""
        self._marks(old, new, pointer)
        match old, new:
            case kinds.Ref(), kinds.Ref():
                self._objects(old.to, new.to, pointer)
            case kinds.Array(), kinds.Array():
                self._arrays(old, new, pointer)
            case kinds.Map(), kinds.Map():
                self._maps(old, new, pointer)
            case kinds.Tuple(), kinds.Tuple() if len(old.items) == len(new.items):
                for place, (one, other) in enumerate(zip(old.items, new.items, strict=True)):
                    self.part(one, other, f"{pointer}/{place}")
            case ((kinds.Tuple() | kinds.Array()), (kinds.Tuple() | kinds.Array())):
                self.note("place", pointer, old, new)
            case _ if _holds(old) or _holds(new):
                self.note("kind", pointer, old, new)
            case _:
                for name in compare_leaves(old, new):
                    self.note(name, pointer, old, new)

    def _marks(self, old: Any_, new: Any_, pointer: str) -> None:
        if old.brand != new.brand:
            self.note("brand", pointer, old, new)
        if old.sensitive != new.sensitive:
            name = "sensitive-added" if new.sensitive else "sensitive-dropped"
            self.note(name, pointer, old, new)
        before, after = ({rule.digest for rule in part.rules} for part in (old, new))
        if after - before:
            self.note("pattern-added", pointer, old, new)
        if before - after:
            self.note("pattern-removed", pointer, old, new)

    # --- what holds others ---

    def _arrays(self, old: kinds.Array, new: kinds.Array, pointer: str) -> None:
        if old.collapse != new.collapse:
            self.note("list-to-set" if new.collapse else "set-to-list", pointer, old, new)
            for name in _set_bounds(old, new):
                self.note(name, pointer, old, new)
        for name in lengths(old, new):
            self.note(name, pointer, old, new)
        if old.unique != new.unique:
            self.note("tightened" if new.unique else "loosened", pointer, old, new)
        self.part(old.item, new.item, f"{pointer}/*")

    def _maps(self, old: kinds.Map, new: kinds.Map, pointer: str) -> None:
        for name in lengths(old, new):
            self.note(name, pointer, old, new)
        names = _Walk(self.old, self.new)
        names.part(old.key, new.key, "")
        for change in names.found:
            self.note(_of_key(change), pointer, old.key, new.key)
        self.part(old.value, new.value, f"{pointer}/*")

    def _objects(self, before: int, after: int, pointer: str) -> None:
        if (before, after) in self._met:
            return
        self._met.add((before, after))
        old, new = self.old[before], self.new[after]
        if old.as_array != new.as_array:
            self.note("kind", pointer, old, new)
            return
        if (old.tag_field, old.tag) != (new.tag_field, new.tag):
            self.note("tag", pointer, old, new)
        if old.closed != new.closed:
            self.note("now-closed" if new.closed else "now-open", pointer, old, new)
        if old.omit_defaults != new.omit_defaults:
            name = "defaults-left-out" if new.omit_defaults else "defaults-written"
            self.note(name, pointer, old, new)
        if old.as_array:
            self._by_place(old, new, pointer)
        else:
            self._by_name(old, new, pointer)

    def _by_name(self, old: Object, new: Object, pointer: str) -> None:
        before = {field.name: field for field in old.fields}
        after = {field.name: field for field in new.fields}
        gone = [before[name] for name in sorted(before.keys() - after.keys())]
        come = [after[name] for name in sorted(after.keys() - before.keys())]
        for name in sorted(before.keys() & after.keys()):
            self._field(before[name], after[name], _below(pointer, name))
        self._left(gone, come, pointer, old=old, new=new)

    def _by_place(self, old: Object, new: Object, pointer: str) -> None:
        both = list(zip(old.fields, new.fields, strict=False))
        if any(one.name != other.name for one, other in both):
            self.note("place", pointer, old, new)
            return
        for one, other in both:
            self._field(one, other, _below(pointer, one.name))
        gone, come = old.fields[len(both) :], new.fields[len(both) :]
        if any(field.required for field in (*gone, *come)):
            self.note("place", pointer, old, new)
        else:
            self._left(gone, come, pointer, old=old, new=new)

    def _left(
        self,
        gone: Sequence[Field],
        come: Sequence[Field],
        pointer: str,
        *,
        old: Object,
        new: Object,
    ) -> None:
        """Note fields that only one of the two has, and what may have been renamed."""
        for field in gone:
            name = "field-removed" + ("-required" if field.required else "")
            self.note(name + ("-closed" if new.closed else ""), _below(pointer, field.name),
                      field.type, None)  # fmt: skip
        for field in come:
            name = "field-added" + ("-required" if field.required else "")
            self.note(name + ("-closed" if old.closed else ""), _below(pointer, field.name),
                      None, field.type)  # fmt: skip
            same = [each.name for each in gone if _alike(each, self.old, field, self.new)]
            if len(same) == 1:
                hint = f"`{same[0]}` may have been renamed"
                self.found[-1] = msgspec.structs.replace(self.found[-1], hint=hint)

    def _field(self, old: Field, new: Field, pointer: str) -> None:
        null_old = split(old.type, self.old).null
        null_new = split(new.type, self.new).null
        swapped = (not _always(old) and new.required and null_new and not null_old) or (
            old.required and not _always(new) and null_old and not null_new
        )
        name = "absent-or-null" if swapped else _presence(old, new)
        if name is not None:
            self.note(name, pointer, old.type, new.type)
        self.part(old.type, new.type, pointer, nulls=not swapped)


def _presence(old: Field, new: Field) -> str | None:
    if old.required != new.required:
        if old.required:
            return "now-optional"
        return "default-removed" if _always(old) else "now-required"
    return None if (old.default, old.made) == (new.default, new.made) else "default-changed"


def _always(field: Field) -> bool:
    """Say whether the field has a value even where it was left out."""
    return field.required or field.made or field.default is not msgspec.UNSET


def _alike(old: Field, olds: Sequence[Object], new: Field, news: Sequence[Object]) -> bool:
    return GType(old.type, tuple(olds)).canonical == GType(new.type, tuple(news)).canonical


def _set_bounds(old: kinds.Array, new: kinds.Array) -> Iterable[str]:
    """Name what follows for lengths where equal items count once, or no longer do."""
    if new.collapse:
        if (new.min_length or 0) > 1:
            yield "tightened"
        if old.max_length is not None:
            yield "loosened"
    else:
        if new.max_length is not None:
            yield "tightened"
        if (old.min_length or 0) > 1:
            yield "loosened"


def _of_key(change: Change) -> str:
    """Give the rule for names of a map that says what *change* says of values."""
    rule = RULES[change.name]
    match rule.request, rule.response:
        case "breaking", "breaking":
            return "kind"
        case "breaking", _:
            return "key-tightened"
        case _, "breaking":
            return "key-loosened"
        case _:
            return change.name


def _holds(part: Any_) -> bool:
    return isinstance(part, kinds.Ref | kinds.Array | kinds.Map | kinds.Tuple)


def _below(pointer: str, name: str) -> str:
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
