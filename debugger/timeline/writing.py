"""Which facts wrote which places of user state, and whose code they came from."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from debugger.timeline.pointers import ABSENT, Tokens, child, readable, related
from debugger.timeline.stops import MUTATIONS
from eventstore import Event
from runtime import facts
from runtime.context import patch
from runtime.errors import PatchError


class Write(msgspec.Struct, frozen=True):
    """A fact that wrote a path."""

    revision: int
    type: str
    before: Any
    """Encoded value before; `ABSENT` where there was none."""
    after: Any
    by: str
    """The hook or handler that ran, `` outside of both."""
    site: str | None
    changed: bool
    """Whether before and after differ."""


class LastWrite(msgspec.Struct, frozen=True):
    """Who wrote a leaf of the state last."""

    revision: int
    by: str
    site: str | None


class Writers:
    """Whose code ran at each revision: the hook or handler that had started and not ended."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._from: list[int] = []
        self._ids: list[str] = []
        for revision, event in enumerate(events, 1):
            if event.type in ("hook.started", "handler.started"):
                self._note(revision, event.key or "")
            elif event.type in ("hook.ended", "hook.failed", "handler.ended", "handler.failed"):
                self._note(revision, "")

    def _note(self, revision: int, who: str) -> None:
        self._from.append(revision)
        self._ids.append(who)

    def at(self, revision: int) -> str:
        """Return the id of what ran at *revision*, `` for nothing of the user's."""
        index = bisect_right(self._from, revision)
        return self._ids[index - 1] if index else ""


class KeyIndex:
    """For every top key the revisions that wrote it or something in it, rising."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.revisions: dict[str, list[int]] = {}
        self.all: list[int] = []
        present: dict[str, None] = {}
        for revision, event in enumerate(events, 1):
            if event.type in MUTATIONS:
                self.all.append(revision)
                for key in _keys(event, present):
                    self.revisions.setdefault(key, []).append(revision)
                _keep_up(event, present)

    def last(self, key: str, revision: int) -> int | None:
        """Return the last write of *key* at or before *revision*."""
        written = self.revisions.get(key, ())
        index = bisect_right(written, revision)
        return written[index - 1] if index else None


def _keys(event: Event, present: dict[str, None]) -> list[str]:
    match event.data:
        case facts.ContextCleaned():
            return list(present)
        case facts.ContextRestored(patch=changes):
            return list(dict.fromkeys(key for op in changes for key in _restored(op, present)))
        case _:
            return [event.key or ""]


def _restored(op: facts.Change, present: dict[str, None]) -> list[str]:
    if op.path:
        return [str(op.path[0])]
    # The whole state in one operation.
    return [*present, *op.value]


def _keep_up(event: Event, present: dict[str, None]) -> None:
    match event.data:
        case facts.ContextCleaned():
            present.clear()
        case facts.ContextDeleted():
            present.pop(event.key or "", None)
        case facts.ContextRestored(patch=changes):
            for op in changes:
                if not op.path:
                    present.clear()
                    present.update(dict.fromkeys(op.value))
                elif len(op.path) == 1 and op.op == "remove":
                    present.pop(str(op.path[0]), None)
                else:
                    present[str(op.path[0])] = None
        case _:
            present[event.key or ""] = None


def touches(event: Event, tokens: Tokens) -> bool:
    """Say whether *event*, a mutation of the key of *tokens*, wrote that place.

    A write of a place writes all that it holds and is a write of all that holds it.
    """
    match event.data:
        case facts.ContextEdited(patch=changes, created=False):
            key = event.key or ""
            return any(_op_touches(op, (key, *op.path), tokens) for op in changes)
        case facts.ContextRestored(patch=changes):
            return any(_op_touches(op, op.path, tokens) for op in changes)
        case _:
            return True


def _op_touches(op: facts.Change, path: Sequence[str | int], tokens: Tokens) -> bool:
    written = readable(path)
    # What a splice does to a `$dict` is told of the whole dict.
    if op.op != "splice" or "$dict" in path[1:] or len(tokens) < len(written):
        return related(written, tokens)
    # A splice moves what stands behind it, and leaves alone what stands before.
    *parents, start = written
    index = tokens[len(parents)]
    same_list = tokens[: len(parents)] == tuple(parents)
    return same_list and index.isdecimal() and int(index) >= int(start)


class KeyHistory:
    """One top key: each fact that wrote it, with its value before and after.

    Folded from the key's own facts alone, so it costs what they cost, however large the
    state around it is.

    Args:
        events: of the whole request.
        key: the top key.
        revisions: of the facts that wrote it, rising.
        state_at: gives the user state at a moment; asked about restores only, because a
            restore's patch takes effect whole or not at all.
    """

    def __init__(
        self,
        events: Sequence[Event],
        key: str,
        revisions: Sequence[int],
        state_at: Callable[[int], Mapping[str, Any]],
    ) -> None:
        self.revisions = revisions
        self._after: list[Any] = []
        value: Any = ABSENT
        for revision in revisions:
            event = events[revision - 1]
            if isinstance(event.data, facts.ContextRestored):
                value = state_at(revision).get(key, ABSENT)
            else:
                value = _value_after(event, value)
            self._after.append(value)

    def around(self, index: int) -> tuple[Any, Any]:
        """Return the value before and after the write with that index."""
        return (self._after[index - 1] if index else ABSENT), self._after[index]


def _value_after(event: Event, value: Any) -> Any:
    match event.data:
        case facts.ContextSet(value=new):
            return new
        case facts.ContextDeleted() | facts.ContextCleaned():
            return ABSENT
        case facts.ContextEdited(patch=changes, created=created, default=default):
            before = default if created else value
            try:
                return value if before is ABSENT else patch(before, changes)
            except PatchError:
                return value  # as the fold does
        case _:
            return value


def part(value: Any, tokens: Tokens) -> Any:
    """Return the part of a top key's value that *tokens*, the key among them, names."""
    for token in tokens[1:]:
        if value is ABSENT:
            break
        value = child(value, token)
    return value


def backwards(revisions: Sequence[int], revision: int) -> Iterator[int]:
    """Give the indices of those of *revisions* at or before *revision*, latest first."""
    yield from range(bisect_right(revisions, revision) - 1, -1, -1)
