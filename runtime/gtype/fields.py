"""Which fields of a class of values must be hidden wherever such a value is recorded (GT-19)."""

import typing
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import msgspec

from eventstore.values import Classes, Hidden, Hide, Tree, revealed
from runtime.errors import ConstraintError
from runtime.gtype.sensitive import Mark, mark_in, strictest

AnyClass: TypeAlias = type[Any]


def any_classes(*, has_keyring: bool) -> Classes:
    """Return classes of values that take any that fits, and hide what is marked in them."""
    return Classes(adopt=True, hiding=partial(hidden_fields, has_keyring=has_keyring))


def hidden_fields(cls: AnyClass, *, has_keyring: bool) -> Mapping[str, Hide]:
    """Return how the fields of *cls* are hidden, by name.

    A mark inside a field's type, such as that of a list's items, hides the whole field.

    Args:
        cls: a Struct or dataclass.
        has_keyring: without one, what would be hashed or sealed is dropped.
    """
    marks = marks_of(cls)
    if not has_keyring:
        marks = dict.fromkeys(marks, Mark("drop"))
    names = _names(cls)
    return {
        name: partial(_hidden, mark, names.get(mark.subject or "")) for name, mark in marks.items()
    }


def _hidden(mark: Mark, subject: str | None, tree: Tree, fields: Mapping[str, Tree]) -> Hidden:
    plain = revealed(tree)  # the outer mark decides for all that is inside
    return mark.hidden(plain, fields[subject]) if subject else mark.hidden(plain, None)


def marks_of(cls: AnyClass) -> dict[str, Mark]:
    """Return the marks of the fields of *cls*, by name."""
    found = {name: mark_within(hint) for name, hint in hints_of(cls).items()}
    return {name: mark for name, mark in found.items() if mark is not None}


def check_subjects(cls: AnyClass) -> None:
    """Refuse a class with a mark whose subject is no field of it.

    Raises:
        ConstraintError: names the field.
    """
    names = _names(cls)
    for name, mark in marks_of(cls).items():
        if mark.subject is not None and mark.subject not in names:
            msg = f"{cls.__name__}.{name} is sealed for {mark.subject!r}, which is no field of it."
            raise ConstraintError(msg, f"There are: {', '.join(names)}.")


def hints_of(target: Any) -> Mapping[str, Any]:
    """Return the hints of a class or callable; none where they cannot be read."""
    try:
        return typing.get_type_hints(target, include_extras=True)
    except Exception:  # noqa: BLE001 - they are the user's, evaluated; unreadable ones declare nothing
        return {}


def mark_within(hint: Any) -> Mark | None:
    """Return the mark of a hint or within it, of several the strictest; classes are not entered."""
    return strictest(_marks(hint))


def _marks(hint: Any) -> Iterator[Mark]:
    mark = mark_in(getattr(hint, "__metadata__", ()))
    if mark is not None:
        yield mark
    inner = [*typing.get_args(hint), getattr(hint, "__supertype__", None)]
    for part in inner:
        if part is not None and not isinstance(part, msgspec.Meta):
            yield from _marks(part)


def _names(cls: AnyClass) -> dict[str, str]:
    """Return the fields of *cls* by name, and by the name they are written under."""
    names = {name: name for name in hints_of(cls)}
    if issubclass(cls, msgspec.Struct):
        written = zip(cls.__struct_encode_fields__, cls.__struct_fields__, strict=True)
        names = dict(written) | {name: name for name in cls.__struct_fields__}
    return names
