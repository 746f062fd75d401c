"""Edit a value in place, in a copy, and record what changed (LC-7)."""

import enum
from collections.abc import Callable
from typing import Any

from eventstore.values import same
from eventstore.values.classes import is_class_of_values
from runtime.context import diff
from runtime.errors import EditConflictError
from runtime.facts import ContextEdited
from runtime.lifecycle.asking import to_tree
from runtime.lifecycle.record import closed
from runtime.lifecycle.run import Lease, Run

_ABSENT = object()


class Draft:
    """A plain deep copy of a value, for the time of a `with` block."""

    __slots__ = ("_before", "_created", "_default", "_key", "_lease", "_run", "_value")

    def __init__(self, run: Run, lease: Lease, key: str, default: Callable[[], Any] | None) -> None:
        self._run = run
        self._lease = lease
        self._key = key
        self._default = default
        self._created = False
        self._before: Any = None
        self._value: Any = None

    def __enter__(self) -> Any:
        before = self._run.record.state.values.get(self._key, _ABSENT)
        self._created = before is _ABSENT
        if before is _ABSENT:
            if self._default is None:
                # KeyError shows its argument quoted, so this one is kept short.
                raise KeyError(self._key)
            before = to_tree(self._run, self._default())
        value = self._run.surroundings.viewer.thaw(before)
        if not _can_be_edited(value):
            shown = type(value).__name__
            msg = f"The value of {self._key!r} is a {shown}; set a new one with `lctx.set`."
            raise TypeError(msg)
        self._before, self._value = before, value
        return value

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            return
        run, key = self._run, self._key
        if not self._lease.open:
            raise closed()
        now = run.record.state.values.get(key, _ABSENT)
        if not self._is_still(now):
            msg = f"The value of {key!r} changed while it was edited."
            raise EditConflictError(msg, "Edit it again.")
        after = to_tree(run, self._value)
        patch = diff(self._before, after)
        if not patch:
            return
        size = run.holdings.check(key, after)
        default = self._before if self._created else None
        fact = ContextEdited(patch, created=self._created, default=default)
        run.record.add_for(self._lease, fact, key, run.surroundings.sites.here(1))
        run.holdings.put(key, size)

    def _is_still(self, now: object) -> bool:
        if self._created or now is _ABSENT:
            return self._created and now is _ABSENT
        return same(now, self._before)


def _can_be_edited(value: object) -> bool:
    kind = type(value)
    if issubclass(kind, enum.Enum):
        return False
    return kind in (list, dict, set) or is_class_of_values(kind)
