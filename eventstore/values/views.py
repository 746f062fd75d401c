"""Trees to values that are read: frozen views, and the ways in for plain values."""

from collections.abc import Callable
from typing import Any, TypeAlias

from eventstore.values.classes import NO_CLASSES, Classes
from eventstore.values.decoding import CORRUPT, Decoding, corrupt, distinct, object_view
from eventstore.values.frozen import (
    Frozen,
    FrozenDict,
    FrozenList,
    FrozenObject,
    FrozenSet,
    fields_of,
)
from eventstore.values.hidden import Hidden
from eventstore.values.tree import Tree, tag_of, tree_from_bytes

AnyClass: TypeAlias = type[Any]


def decode(tree: Tree, classes: Classes = NO_CLASSES) -> Any:
    """Return the Python value that *tree* stands for; it shares nothing with *tree*.

    Raises:
        EventStoreError: `corrupt-value`: no encoder made *tree*.
    """
    return Viewer(classes).thaw(tree)


def loads(data: bytes | str, classes: Classes = NO_CLASSES) -> Any:
    """Return the Python value that a JSON text stands for.

    Raises:
        EventStoreError: `corrupt-value`.
    """
    try:
        tree = tree_from_bytes(data)
    except (ValueError, RecursionError) as error:
        raise corrupt(error) from error
    return decode(tree, classes)


def view(tree: Tree, classes: Classes = NO_CLASSES, remedy: str = "") -> Any:
    """Return the value that *tree* stands for, as it may be read; see `Viewer`."""
    return Viewer(classes, remedy).view(tree)


class Viewer:
    """Shows values of some classes. It holds no state: one serves for many values.

    Args:
        classes: others are shown as `FrozenObject` and `UnknownMember`.
        remedy: what `FrozenValueError` tells who tries to change a view.
    """

    def __init__(self, classes: Classes = NO_CLASSES, remedy: str = "") -> None:
        self.classes = classes
        self.remedy = remedy or "Take a copy with thaw() and change that."
        self._decoding = Decoding(classes, self)

    def view(self, tree: Tree) -> Any:
        """Return a scalar as it is and of a container a view; parts are decoded when read.

        Tuples and frozensets are themselves; what stands in tuples are views.

        Raises:
            EventStoreError: `corrupt-value`. What lies deeper is found when it is read.
        """
        if isinstance(tree, list):
            return FrozenList(tree, self)
        if not isinstance(tree, dict):
            return self.view(tree.tree) if isinstance(tree, Hidden) else tree
        tag = tag_of(tree)
        if tag is None:
            return FrozenDict(tree, self)
        show = _VIEWS.get(tag)
        try:
            return self._decoding.plain(tree) if show is None else show(self, tree, tree[tag])
        except CORRUPT as error:
            raise corrupt(error) from error

    def thaw(self, tree: Tree) -> Any:
        """Return the plain value, free to be changed.

        Raises:
            EventStoreError: `corrupt-value`.
        """
        try:
            return self._decoding.plain(tree)
        except CORRUPT as error:
            raise corrupt(error) from error

    def label(self, cls: AnyClass) -> str | None:
        """Return the label of a registered class."""
        return self.classes.known_label(cls)


def json_hook(value: Any) -> Any:
    """Return a view as plain data: `enc_hook` for msgspec, to write views in answers.

    Raises:
        NotImplementedError: *value* is no view; msgspec then refuses it.
    """
    if isinstance(value, FrozenObject):
        return fields_of(value)
    if isinstance(value, FrozenList | FrozenDict | FrozenSet):
        return value.copy()
    msg = f"Objects of class {type(value).__qualname__} are not supported."
    raise NotImplementedError(msg)


def _dict(viewer: Viewer, tree: Tree, pairs: Tree) -> FrozenDict:
    return FrozenDict(tree, viewer, distinct([(viewer.thaw(key), item) for key, item in pairs]))


def _set(viewer: Viewer, tree: Tree, members: Tree) -> FrozenSet:
    return FrozenSet(tree, viewer, distinct([(viewer.thaw(each), None) for each in members]))


def _tuple(viewer: Viewer, _tree: Tree, items: Tree) -> tuple[Any, ...]:
    return tuple(map(viewer.view, items))


def _object(viewer: Viewer, tree: Tree, _: Tree) -> FrozenObject:
    return object_view(tree, viewer)


_VIEWS: dict[str, Callable[[Viewer, Tree, Tree], Frozen | tuple[Any, ...]]] = {
    "$dict": _dict,
    "$set": _set,
    "$tuple": _tuple,
    "$obj": _object,
}
