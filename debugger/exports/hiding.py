"""What a recording hides, and what an export hides besides (AD-17).

A mask is a path of user state, `/card` or `/cart/0/note`, or the name of a fact and a
pointer into it, `request.received:/body/card`. In a path of state an index means every item of
its list, for items move. It hides the value in whatever an export
holds; the store keeps it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from debugger.errors import BadInputError, NotFoundError
from debugger.timeline.pointers import Tokens, envelope, join, key_text, readable, split
from eventstore import Event, UnknownEvent
from eventstore.codec import from_plain, to_plain
from eventstore.codec.hiding import is_sealed, with_parts
from eventstore.redaction import HASHED, MARK
from runtime import facts


class HiddenPlace(msgspec.Struct, frozen=True):
    """A value that an export does not hold."""

    request: str
    revision: int
    pointer: str
    """Into the fact's payload."""
    how: str
    """redacted, hashed, sealed or forgotten."""


def hidden_places(request: str, events: Iterable[Event]) -> Iterator[HiddenPlace]:
    """Find all that facts hide; also what a mask took out of them."""
    for revision, event in enumerate(events, 1):
        data = event.data.data if isinstance(event.data, UnknownEvent) else event.data
        for pointer, how in _hidden(msgspec.to_builtins(data), ""):
            yield HiddenPlace(request, revision, pointer, how)


def _hidden(part: Any, pointer: str) -> Iterator[tuple[str, str]]:
    how = _how(part)
    if how:
        yield pointer, how
    elif isinstance(part, dict):
        for name, inner in part.items():
            yield from _hidden(inner, pointer + join((name,)))
    elif isinstance(part, list | tuple):
        for index, inner in enumerate(part):
            yield from _hidden(inner, f"{pointer}/{index}")


def _how(part: Any) -> str:
    if isinstance(part, str):
        if part.startswith(HASHED):
            return "hashed"
        return part[1:-1] if part in ("<redacted>", "<sealed>") else ""
    if part == MARK:
        return "redacted"
    if isinstance(part, dict) and part.keys() == {"$forgotten"}:
        return "forgotten"
    return "sealed" if is_sealed(part) else ""


class Masks:
    """What one export hides besides.

    Args:
        texts: masks as people write them.

    Raises:
        BadInputError: one cannot be read.
    """

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._texts = texts
        self._paths: list[tuple[str, Tokens]] = []
        self._places: dict[str, dict[str, str]] = {}
        for text in texts:
            self._read(text)
        self._matched: set[str] = set()

    def _read(self, text: str) -> None:
        type_name, colon, pointer = text.partition(":")
        if colon and not text.startswith("/"):
            self._places.setdefault(type_name, {})[join(split(pointer))] = text
            return
        tokens = split(text)
        if not tokens:
            problem = f"{text[:80]!r} names no place."
            raise BadInputError(problem, "Write --redact /card or request.received:/body/card.")
        self._paths.append((text, tokens))

    def __call__(self, events: Iterable[Event]) -> tuple[Event, ...]:
        """Return *events* without what is masked."""
        return tuple(map(self._masked, events)) if self._texts else tuple(events)

    def require_matched(self) -> None:
        """Refuse to go on with a mask that hid nothing: what it was meant for would stay.

        Raises:
            NotFoundError: names it.
        """
        for text in self._texts:
            if text not in self._matched:
                problem = f"Nothing of these requests is at {text[:80]!r}, so it hides nothing."
                remedy = "Look for the path with `timescape state`, or `timescape log --json`."
                raise NotFoundError(problem, remedy)

    def _masked(self, event: Event) -> Event:
        data = self._without_places(event)
        for text, tokens in self._paths:
            masked = _of_state(data, event.key or "", tokens)
            if masked is not data:
                self._matched.add(text)
                data = masked
        return event if data is event.data else msgspec.structs.replace(event, data=data)

    def _without_places(self, event: Event) -> Any:
        places = self._places.get(event.type)
        if not places or isinstance(event.data, UnknownEvent):
            return event.data
        masked = with_parts(event.data, places, lambda _, at: self._hide(places[at]))
        if masked is event.data:
            return masked
        try:
            return from_plain(to_plain(masked), type(event.data))
        except ValueError as error:
            problem = f"{event.type} cannot be read any more without {', '.join(places)[:200]}."
            raise BadInputError(problem, "Name a value that it can be read without.") from error

    def _hide(self, text: str) -> Any:
        self._matched.add(text)
        return MARK


# --- user state, wherever a fact writes it ---


def _of_state(data: Any, key: str, tokens: Tokens) -> Any:
    match data:
        case facts.ContextSet(value=value) if key == tokens[0]:
            return _replaced(data, value=_without(value, tokens[1:]))
        case facts.ContextEdited(patch=patch, default=default) if key == tokens[0]:
            return _replaced(
                data,
                patch=_of_patch(patch, (key,), tokens),
                default=_without(default, tokens[1:]) if data.created else default,
            )
        case facts.ContextRestored(patch=patch):
            return _replaced(data, patch=_of_patch(patch, (), tokens))
        case _:
            return data


def _replaced(data: Any, **fields: Any) -> Any:
    """Return *data* with other fields; itself if they are the same."""
    same = all(
        now is getattr(data, name) or (name == "patch" and _all_same(now, data.patch))
        for name, now in fields.items()
    )
    return data if same else msgspec.structs.replace(data, **fields)


def _all_same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _of_patch(
    patch: Sequence[facts.Change], key: tuple[str, ...], tokens: Tokens
) -> tuple[facts.Change, ...]:
    """Hide what changes write at *tokens*; those within a place that is hidden are left out."""
    changed = (_of_change(op, (*key, *op.path), tokens) for op in patch)
    return tuple(op for op in changed if op is not None)


def _of_change(op: facts.Change, path: Sequence[str | int], tokens: Tokens) -> facts.Change | None:
    written = readable(path)
    in_dict = "$dict" in path[1:]
    if _meets(written[: len(tokens)], tokens) and (
        len(written) > len(tokens) or (in_dict and len(written) == len(tokens))
    ):
        return None
    if op.op == "remove" or not _meets(written, tokens[: len(written)]):
        return op
    if op.op == "splice":
        items = _of_items(op.value, path, tokens[len(written) :])
        changed = any(a is not b for a, b in zip(items, op.value, strict=True))
        return msgspec.structs.replace(op, value=items) if changed else op
    value = MARK if in_dict else _without(op.value, tokens[len(written) :])
    return op if value is op.value else msgspec.structs.replace(op, value=value)


def _of_items(items: Sequence[Any], path: Sequence[str | int], tokens: Tokens) -> Sequence[Any]:
    """Hide what a splice writes; within a `$dict` no path tells of which key it speaks."""
    if "$dict" not in path[1:]:
        return [_without(item, tokens) for item in items]
    if path.index("$dict", 1) == len(path) - 2:
        pairs: Sequence[Any] = _without_pair({"$dict": items}, tokens)["$dict"]
        return pairs
    return [MARK for _ in items]


def _meets(written: Tokens, tokens: Tokens) -> bool:
    """Say whether two places are one; an index meets every index, for items move."""
    return len(written) == len(tokens) and all(
        one == other or (_is_index(one) and _is_index(other))
        for one, other in zip(written, tokens, strict=True)
    )


def _is_index(step: str) -> bool:
    return step == "*" or (step.isascii() and step.isdecimal())


def _without(tree: Any, tokens: Tokens) -> Any:
    """Return an encoded value without what stands at *tokens*; itself if nothing does."""
    if not tokens:
        return MARK
    match envelope(tree):
        case "$obj":
            name, fields = tree["$obj"]
            inner = _without_part(fields, tokens)
            return tree if inner is fields else {"$obj": [name, inner]}
        case "$dict":
            return _without_pair(tree, tokens)
        case "$tuple":
            items = _without_part(tree["$tuple"], tokens)
            return tree if items is tree["$tuple"] else {"$tuple": items}
        case None:
            return _without_part(tree, tokens)
        case _:
            return tree


def _without_part(tree: Any, tokens: Tokens) -> Any:
    if isinstance(tree, list):
        if not _is_index(tokens[0]):
            return tree
        items = [_without(item, tokens[1:]) for item in tree]
        return tree if _all_same(items, tree) else items
    if not isinstance(tree, dict) or tokens[0] not in tree:
        return tree
    inner = _without(tree[tokens[0]], tokens[1:])
    return tree if inner is tree[tokens[0]] else {**tree, tokens[0]: inner}


def _without_pair(tree: Any, tokens: Tokens) -> Any:
    pairs = [
        [key, _without(value, tokens[1:])] if key_text(key) == tokens[0] else [key, value]
        for key, value in tree["$dict"]
    ]
    changed = any(a[1] is not b[1] for a, b in zip(pairs, tree["$dict"], strict=True))
    return {"$dict": pairs} if changed else tree
