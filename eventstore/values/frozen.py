"""Frozen views: recorded values as they may be read.

A view is equal to the list, dict, set or object it shows, and no subclass of it. It
decodes what is asked for, when it is asked for. Whatever would change it raises
`FrozenValueError`, because a change in place would escape the log.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NoReturn, Protocol, TypeAlias

import msgspec

from eventstore.errors import FrozenValueError
from eventstore.values.tree import Tree, same

AnyClass: TypeAlias = type[Any]


class Reader(Protocol):
    """How a view reads its parts; `eventstore.values.Viewer` is one."""

    @property
    def remedy(self) -> str:
        """What to do instead of changing a view."""
        ...

    def view(self, tree: Tree) -> Any:
        """Return the view of a part."""
        ...

    def thaw(self, tree: Tree) -> Any:
        """Return the plain value of a part."""
        ...

    def label(self, cls: AnyClass) -> str | None:
        """Return the stored label of a class."""
        ...


class Redacted(msgspec.Struct, frozen=True):
    """Stands where a value was left out of the record."""


class Sealed(msgspec.Struct, frozen=True):
    """A value encrypted under a subject's key."""

    key: int
    box: bytes


class UnknownMember(msgspec.Struct, frozen=True):
    """A member of an enum that this program does not know."""

    enum: str
    """Its label, `shop.Color`."""
    member: str | int
    """Its name; of a flag its value."""

    def __str__(self) -> str:
        return f"{self.enum.rpartition('.')[2]}.{self.member}"


def _refuse(view: "Frozen", *_: object, **__: object) -> NoReturn:
    what = f"A recorded {_SHOWN.get(type(view), 'object')}"
    raise FrozenValueError(what, view._reader.remedy)  # noqa: SLF001 - written for the class


class Frozen:
    """What all views share."""

    __slots__ = ("_reader", "_tree")
    _tree: Tree
    _reader: Reader

    def __init__(self, tree: Tree, reader: Reader) -> None:
        object.__setattr__(self, "_tree", tree)
        object.__setattr__(self, "_reader", reader)

    def thaw(self) -> Any:
        """Return a plain deep copy, free to be changed."""
        return self._reader.thaw(self._tree)

    def __reduce__(self) -> tuple[Any, Any]:
        # A copy or a pickle is for use elsewhere: there it is a plain value.
        return _itself, (self.thaw(),)

    def __setattr__(self, name: str, value: object) -> None:
        _refuse(self)

    def __delattr__(self, name: str) -> None:
        _refuse(self)


def tree_of(view: Frozen) -> Tree:
    """Return the encoded value that *view* shows."""
    return view._tree  # noqa: SLF001 - the codec's own door


def _itself(value: Any) -> Any:
    return value


class FrozenList(Frozen, Sequence[Any]):
    """A list, to be read."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._reader.view(item) for item in self._tree[index]]
        return self._reader.view(self._tree[index])

    def __iter__(self) -> Iterator[Any]:
        return map(self._reader.view, self._tree)

    def __len__(self) -> int:
        return len(self._tree)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrozenList | list):
            return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))
        return NotImplemented

    def __add__(self, other: Any) -> list[Any]:
        return [*self, *other]

    def __radd__(self, other: Any) -> list[Any]:
        return [*other, *self]

    def __mul__(self, count: int) -> list[Any]:
        return list(self) * count

    __rmul__ = __mul__

    def __lt__(self, other: Any) -> bool:
        return list(self) < list(other)

    def __gt__(self, other: Any) -> bool:
        return list(self) > list(other)

    def __repr__(self) -> str:
        return f"FrozenList({list(self)!r})"

    def copy(self) -> list[Any]:
        """Return a list of the items, which stay frozen."""
        return list(self)

    append = extend = insert = pop = remove = clear = sort = reverse = _refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse


class FrozenDict(Frozen, Mapping[Any, Any]):
    """A dict, to be read. Keys are the plain values."""

    __slots__ = ("_pairs",)
    __hash__ = None  # type: ignore[assignment]
    _pairs: dict[Any, Tree]

    def __init__(self, tree: Tree, reader: Reader, pairs: dict[Any, Tree] | None = None) -> None:
        super().__init__(tree, reader)
        object.__setattr__(self, "_pairs", tree if pairs is None else pairs)

    def __getitem__(self, key: Any) -> Any:
        return self._reader.view(self._pairs[key])

    def __contains__(self, key: object) -> bool:
        return key in self._pairs

    def __iter__(self) -> Iterator[Any]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrozenDict | dict):
            return dict(self.items()) == dict(other.items())
        return NotImplemented

    def __or__(self, other: Mapping[Any, Any]) -> dict[Any, Any]:
        return {**self, **other}

    def __ror__(self, other: Mapping[Any, Any]) -> dict[Any, Any]:
        return {**other, **self}

    def __repr__(self) -> str:
        return f"FrozenDict({dict(self.items())!r})"

    def copy(self) -> dict[Any, Any]:
        """Return a dict of the values, which stay frozen."""
        return dict(self.items())

    update = pop = popitem = clear = setdefault = _refuse
    __setitem__ = __delitem__ = __ior__ = _refuse


class FrozenSet(Frozen, AbstractSet[Any]):
    """A set, to be read; in the order of the encoded bytes. Members are the plain values."""

    __slots__ = ("_members",)
    _members: dict[Any, None]

    def __init__(self, tree: Tree, reader: Reader, members: dict[Any, None]) -> None:
        super().__init__(tree, reader)
        object.__setattr__(self, "_members", members)

    def __contains__(self, value: object) -> bool:
        return value in self._members

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    @classmethod
    def _from_iterable(cls, items: Any) -> set[Any]:
        return set(items)

    def __repr__(self) -> str:
        return f"FrozenSet({{{', '.join(map(repr, self))}}})"

    def copy(self) -> set[Any]:
        """Return a set of the members."""
        return set(self)

    def union(self, *others: Any) -> set[Any]:
        """Return what is in any."""
        return set(self).union(*others)

    def intersection(self, *others: Any) -> set[Any]:
        """Return what is in all."""
        return set(self).intersection(*others)

    def difference(self, *others: Any) -> set[Any]:
        """Return what is in none of *others*."""
        return set(self).difference(*others)

    def issubset(self, other: Any) -> bool:
        """Say whether all is in *other*."""
        return set(self).issubset(other)

    def issuperset(self, other: Any) -> bool:
        """Say whether all of *other* is here."""
        return set(self).issuperset(other)

    add = discard = remove = pop = clear = update = _refuse
    intersection_update = difference_update = symmetric_difference_update = _refuse
    __ior__ = __iand__ = __isub__ = __ixor__ = _refuse


class FrozenObject(Frozen):
    """A Struct or dataclass, to be read by attribute; its class need not be known."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        fields = self._tree["$obj"][1]
        if name in fields:
            return self._reader.view(fields[name])
        msg = f"{class_label(self)} has no field {name!r}; there are: {', '.join(fields)}."
        raise AttributeError(msg)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._tree["$obj"][1]]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FrozenObject):
            return same(self._tree, tree_of(other)) or (
                class_label(self) == class_label(other) and fields_of(self) == fields_of(other)
            )
        if self._reader.label(type(other)) != class_label(self):
            return NotImplemented
        plain = self.thaw()
        return bool(plain == other)

    def __hash__(self) -> int:
        plain = self.thaw()
        return hash(class_label(self)) if isinstance(plain, FrozenObject) else hash(plain)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in fields_of(self).items())
        return f"{class_label(self).rpartition('@')[0].rpartition('.')[2]}({fields})"


def class_label(view: FrozenObject) -> str:
    """Return the stored label of the class that *view* shows, `shop.Item@1`."""
    label: str = tree_of(view)["$obj"][0]
    return label


def fields_of(view: FrozenObject) -> dict[str, Any]:
    """Return the fields that *view* shows, as views."""
    return {name: getattr(view, name) for name in tree_of(view)["$obj"][1]}


_SHOWN: dict[type, str] = {FrozenList: "list", FrozenDict: "dict", FrozenSet: "set"}
