"""Which classes values may be of: Structs, dataclasses and enums, by a stored label.

Nothing is ever imported because a stored label says so: what is not registered here
is shown as a `FrozenObject`.
"""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeAlias

import msgspec

from eventstore.errors import EventStoreError

AnyClass: TypeAlias = type[Any]

Hide: TypeAlias = Callable[[Any, Mapping[str, Any]], Any]
"""Given the encoded value of a field and all encoded fields, returns what stands there."""
Hiding: TypeAlias = Callable[[AnyClass], Mapping[str, Hide]]
"""Given a class, says which of its fields must not be recorded as they are."""

_USER_CODE = ("__init__", "__new__", "__post_init__", "__setattr__")
_PLAIN_BASES = frozenset({*msgspec.Struct.__mro__, Generic})


class Classes:
    """The classes that a program lets values be of.

    Args:
        classes: registered at schema 1.
        adopt: register other classes that fit when a value of one is first encoded.
            Decoding knows them from then on.
        hiding: says which fields of a class must be hidden; asked once a class.
    """

    def __init__(
        self, *classes: AnyClass, adopt: bool = False, hiding: Hiding | None = None
    ) -> None:
        self._labels: dict[AnyClass, str] = {}
        self._classes: dict[str, AnyClass] = {}
        self._adopt = adopt
        self._hiding = hiding
        self._hides: dict[AnyClass, Mapping[str, Hide]] = {}
        for cls in classes:
            self.register(cls)

    def register(self, cls: AnyClass, schema: int = 1) -> AnyClass:
        """Let values be of *cls*; returns it, so that it may decorate.

        Raises:
            EventStoreError: `unsupported-class`: not a Struct, dataclass or enum; defines
                what would run when it is decoded (VC-1); or its label is taken.
        """
        fault = _fault(cls)
        label = _label(cls, schema)
        if fault is None and self._classes.get(label, cls) is not cls:
            fault = f"another class is registered as {label}"
        if fault is not None:
            problem = f"{cls!r} cannot be a class of recorded values: {fault}."
            remedy = "Use a plain Struct, dataclass or enum at the top of a module."
            raise EventStoreError("unsupported-class", problem, remedy, {"class": label})
        if self._hiding is not None and not issubclass(cls, enum.Enum):
            self._hides[cls] = self._hiding(cls)
        self._classes[label] = cls
        self._labels[cls] = label
        return cls

    def hides(self, cls: AnyClass) -> Mapping[str, Hide]:
        """Return how fields of *cls* are hidden, by name."""
        return self._hides.get(cls, _NOTHING)

    def label(self, cls: AnyClass) -> str | None:
        """Return the label of *cls*; None if it is not registered and not adopted."""
        label = self._labels.get(cls)
        if label is None and self._adopt and is_class_of_values(cls):
            try:
                self.register(cls)
            except EventStoreError:
                return None
            return self._labels[cls]
        return label

    def known_label(self, cls: AnyClass) -> str | None:
        """Return the label of *cls*; None if it is not registered yet."""
        return self._labels.get(cls)

    def find(self, label: str) -> AnyClass | None:
        """Return the class registered as *label*."""
        return self._classes.get(label)


def is_class_of_values(cls: AnyClass) -> bool:
    """Say whether *cls* is of a sort that could be registered."""
    return issubclass(cls, msgspec.Struct | enum.Enum) or dataclasses.is_dataclass(cls)


def field_names(cls: AnyClass) -> tuple[str, ...]:
    """Return the names of the fields of a Struct or dataclass, in order."""
    if issubclass(cls, msgspec.Struct):
        return cls.__struct_fields__
    return tuple(field.name for field in dataclasses.fields(cls))


def _label(cls: AnyClass, schema: int) -> str:
    name = f"{cls.__module__}.{cls.__qualname__}"
    return name if issubclass(cls, enum.Enum) else f"{name}@{schema}"


def _fault(cls: AnyClass) -> str | None:
    if not is_class_of_values(cls):
        return "it is neither a Struct nor a dataclass nor an enum"
    if issubclass(cls, enum.Enum):
        # Members exist already; only a flag's combinations are made, by `_missing_`.
        flag = issubclass(cls, enum.Flag)
        own = any("_missing_" in vars(base) for base in cls.__mro__ if not _is_enum_base(base))
        return "it defines _missing_" if flag and own else None
    for base in cls.__mro__:
        if base in _PLAIN_BASES:
            continue
        if base.__module__ == "builtins":
            return f"it extends {base.__qualname__}"
        for name in _USER_CODE:
            if name in vars(base) and not _is_generated(vars(base)[name]):
                return f"{base.__qualname__} defines {name}"
    return None


def _is_enum_base(base: AnyClass) -> bool:
    return base.__module__ in ("enum", "builtins")


def _is_generated(function: object) -> bool:
    # What the dataclass decorator writes comes from no file.
    code = getattr(function, "__code__", None)
    return code is not None and code.co_filename == "<string>"


_NOTHING: Mapping[str, Hide] = {}
NO_CLASSES = Classes()
