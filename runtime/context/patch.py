"""Apply a patch to an encoded value (SN-6).

`patch(a, diff(a, b))` is *b*. The input is never changed: what a path goes through is
copied, everything else is shared.
"""

from collections.abc import Iterable
from typing import Any

from runtime.errors import PatchError
from runtime.facts import Change, Json


def patch(tree: Json, changes: Iterable[Change]) -> Json:
    """Return *tree* with all *changes* made, in their order.

    Raises:
        PatchError: one does not fit. Nothing was changed then either.
    """
    return _Patching(tree, changes).root


class _Patching:
    """One call: the tree so far, and which of its containers are this call's own."""

    def __init__(self, tree: Json, changes: Iterable[Change]) -> None:
        self.root = tree
        # By id, with the container itself so that the id stays taken.
        self._own: dict[int, Any] = {}
        for change in changes:
            self._make(change)

    def _make(self, change: Change) -> None:
        if not change.path:
            if change.op != "replace":
                raise _misfit(change, "only `replace` may have an empty path")
            self.root = change.value
            return
        parent = self._parent(change)
        if change.op == "splice":
            _splice(parent, change)
        else:
            _set(parent, change)

    def _parent(self, change: Change) -> Any:
        node = self.root = self._owned(self.root)
        for step in change.path[:-1]:
            _check_step(node, step, change)
            node[step] = node = self._owned(node[step])
        return node

    def _owned(self, node: Any) -> Any:
        if id(node) in self._own or not isinstance(node, dict | list):
            return node
        copy = node.copy()
        self._own[id(copy)] = copy
        return copy


def _set(parent: Any, change: Change) -> None:
    step = change.path[-1]
    if change.op == "add":
        if not isinstance(parent, dict) or not isinstance(step, str) or step in parent:
            raise _misfit(change, "there is no object without that key")
        parent[step] = change.value
        return
    _check_step(parent, step, change)
    if change.op == "replace":
        parent[step] = change.value
    elif change.op == "remove" and isinstance(parent, dict):
        del parent[step]
    else:
        raise _misfit(change, "there is no such operation here")


def _splice(parent: Any, change: Change) -> None:
    at = change.path[-1]
    if not isinstance(parent, list) or not isinstance(at, int):
        raise _misfit(change, "there is no list")
    if not 0 <= at <= at + change.remove <= len(parent) or not isinstance(change.value, list):
        raise _misfit(change, f"the list has {len(parent)} items")
    parent[at : at + change.remove] = change.value


def _check_step(node: Any, step: str | int, change: Change) -> None:
    if isinstance(node, dict):
        fits = isinstance(step, str) and step in node
    else:
        fits = isinstance(node, list) and isinstance(step, int) and 0 <= step < len(node)
    if not fits:
        raise _misfit(change, f"there is no {step!r}")


def _misfit(change: Change, reason: str) -> PatchError:
    path = "/".join(map(str, change.path))
    problem = f"The change {change.op} at {path[:200]!a} does not fit: {reason}."
    return PatchError(problem, "Apply a patch to the value that it was made from.")
