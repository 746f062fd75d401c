"""Edits of user state from outside of a handler: at a gate, and where a fork begins."""

from typing import TypeAlias

import msgspec

from eventstore.values import Classes, Tree, encode, tree_bytes
from runtime.context import check_key, check_value_size, patch
from runtime.errors import NotReplayableError
from runtime.facts import Change, ContextEdited, Json
from runtime.lifecycle.fitting import fitted

Pointer: TypeAlias = tuple[str, ...]


class SetState(msgspec.Struct, frozen=True):
    """A value of the user state is another one from the moment on."""

    path: Pointer
    """The key, then keys and indices."""
    value: Json


def edited(
    values: dict[str, Tree], edit: SetState, classes: Classes, *, origin: str
) -> ContextEdited:
    """Return the fact that makes *edit*, and make it in *values*.

    Raises:
        NotReplayableError: there is no such place.
        ContextError: the key cannot be one, or the value is too large.
        PatchError: the path leads nowhere.
        EventStoreError: the value cannot be recorded.
    """
    key, inner = (*edit.path, "")[0], edit.path[1:]
    check_key(key)
    old = values.get(key)
    steps, there = steps_of(old, inner)
    tree = encode(fitted(edit.value, there), classes)
    if key not in values:
        if inner:
            msg = f"There is no {key!r} at that moment."
            raise NotReplayableError(msg)
        fact = ContextEdited((), created=True, default=tree, origin=origin)
        values[key] = tree
    else:
        fact = ContextEdited((change_of(old, steps, tree),), origin=origin)
        values[key] = patch(old, fact.patch)
    check_value_size(key, len(tree_bytes(values[key])))
    return fact


def steps_of(tree: Tree, inner: Pointer) -> tuple[tuple[str | int, ...], Tree]:
    """Turn the rest of a path into steps of a patch; return them and what stands there."""
    steps: list[str | int] = []
    for token in inner:
        step: str | int = int(token) if isinstance(tree, list) and token.isdecimal() else token
        steps.append(step)
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError):
            tree = None
    return tuple(steps), tree


def change_of(tree: Tree, steps: tuple[str | int, ...], value: Tree) -> Change:
    """Return the change that puts *value* where *steps* lead in *tree*."""
    parent = tree
    for step in steps[:-1]:
        parent = parent[step] if _has(parent, step) else None
    if steps and isinstance(parent, dict) and steps[-1] not in parent:
        return Change("add", steps, value)
    if steps and isinstance(parent, list) and steps[-1] == len(parent):
        return Change("splice", steps, [value])
    return Change("replace", steps, value)


def _has(tree: Tree, step: str | int) -> bool:
    if isinstance(tree, list):
        return isinstance(step, int) and step < len(tree)
    return isinstance(tree, dict) and step in tree
