"""What differs between two requests: outcome, facts, state. Empty if and only if they are equal.

Left out are ids, times, positions and lines, by the list `IGNORED`, and nothing else (RX-8).
Facts are aligned by type, key and how often the two occurred before; those that both have in
another order are told as gone here and come there.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from eventstore import Event
from eventstore.values import Tree, same
from runtime.context import REQUEST_REDUCER
from runtime.facts import ResponseSent
from runtime.replay.divergence import id_without_line
from runtime.request_ids import is_request_id

IGNORED: Mapping[str, frozenset[str]] = {
    "request.received": frozenset(
        {"seed", "trace_id", "span_id", "parent_span_id", "correlation_id", "parent"}
    ),
    "effect.requested": frozenset({"live"}),
    "principal.established": frozenset({"credential", "auth_time", "expires"}),
    "policy.decided": frozenset({"windows"}),
}
"""Fact to the fields of it that are not compared. Besides: times, positions and lines, the ids
of requests where they stand in keys and in the `instance` of a problem document."""
_ABSENT: Any = object()
Sign: TypeAlias = Literal["+", "-", "~"]
Label: TypeAlias = tuple[str, str, int]
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Difference(msgspec.Struct, frozen=True):
    """One thing that differs."""

    part: str
    """status, headers, body, fact or state."""
    sign: Sign
    """`-` only in a, `+` only in b, `~` other."""
    name: str
    """Of a fact its type and key, of state the key."""
    a: Any = None
    """As JSON; None where it is absent."""
    b: Any = None
    revisions: tuple[int | None, int | None] = (None, None)
    """Of the facts in a and b."""


def compare(a: Sequence[Event], b: Sequence[Event]) -> list[Difference]:
    """Say what differs between two requests, given by their events."""
    return [*_outcomes(a, b), *_facts(a, b), *_states(a, b)]


def _outcomes(a: Sequence[Event], b: Sequence[Event]) -> list[Difference]:
    sent = [_sent(events) for events in (a, b)]
    found = []
    for part in ("status", "headers", "body"):
        one, other = (each.get(part, _ABSENT) for each in sent)
        found += _difference(part, part, one, other)
    return found


def _sent(events: Sequence[Event]) -> dict[str, Any]:
    last = events[-1] if events else None
    if last is None or not isinstance(last.data, ResponseSent):
        return {}
    fact = last.data
    body = _without_instance(fact.body, last)
    return {"status": fact.status, "headers": [list(h) for h in fact.headers], "body": body}


def _states(a: Sequence[Event], b: Sequence[Event]) -> list[Difference]:
    one, other = (
        REQUEST_REDUCER.apply_all(REQUEST_REDUCER.initial(), events).values for events in (a, b)
    )
    found = []
    for key in dict.fromkeys((*one, *other)):
        found += _difference("state", key, one.get(key, _ABSENT), other.get(key, _ABSENT))
    return found


def _difference(part: str, name: str, one: Any, other: Any) -> list[Difference]:
    if one is _ABSENT and other is _ABSENT:
        return []
    if one is _ABSENT:
        return [Difference(part, "+", name, None, other)]
    if other is _ABSENT:
        return [Difference(part, "-", name, one, None)]
    return [] if same(one, other) else [Difference(part, "~", name, one, other)]


# --- facts ---


def _facts(a: Sequence[Event], b: Sequence[Event]) -> list[Difference]:
    ones, others = _labelled(a), _labelled(b)
    kept = _aligned(ones, others)
    found: list[tuple[float, Difference]] = []
    for label, index in ones.items():
        if label in kept:
            both = _changed(a[index], b[others[label]], label)
            found += [(index, each) for each in both]
        else:
            found.append((index, _only(a[index], "-", label)))
    for label, index in others.items():
        if label not in kept:
            found.append((index + 0.5, _only(b[index], "+", label)))
    return [difference for _, difference in sorted(found, key=lambda each: each[0])]


def _aligned(ones: Mapping[Label, int], others: Mapping[Label, int]) -> set[Label]:
    """Say which facts stand for each other in both, in one order; of equals always the same."""
    if list(ones) > list(others):
        # Several choices may be as long: the one made must not depend on which is called a.
        ones, others = others, ones
    kept = _in_order([others.get(label, -1) for label in ones])
    return {label for label in ones if others.get(label, -1) in kept}


def _labelled(events: Sequence[Event]) -> dict[Label, int]:
    """Give each fact a name of its own: what it is, about what, and the how manieth such."""
    seen: Counter[tuple[str, str]] = Counter()
    labels: dict[Label, int] = {}
    for index, event in enumerate(events):
        name = event.type, _key(event)
        labels[*name, seen[name]] = index
        seen[name] += 1
    return labels


def _key(event: Event) -> str:
    if event.type in {"response.sent", "request.aborted"}:
        # What the last fact says is compared, not its kind.
        return ""
    key = id_without_line(event.key or "")
    named, at, moment = key.partition("@")
    own = is_request_id(named) and named.endswith(event.stream.hex)
    return f"req{at}{moment}" if own else key


def _in_order(places: Sequence[int]) -> set[int]:
    """Return the longest rising part of *places*, without those below 0.

    Source: patience sorting; n log n, so that 50,000 facts take a second.
    """
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for place in places:
        if place < 0:
            continue
        at = bisect_left(tails, place)
        before[place] = tails[at - 1] if at else None
        tails[at : at + 1] = [place]
    chosen: set[int] = set()
    place_or_none = tails[-1] if tails else None
    while place_or_none is not None:
        chosen.add(place_or_none)
        place_or_none = before[place_or_none]
    return chosen


def _only(event: Event, sign: Sign, label: Label) -> Difference:
    shown = _shown(event)
    revisions = (event.revision, None) if sign == "-" else (None, event.revision)
    one, other = (shown, None) if sign == "-" else (None, shown)
    return Difference("fact", sign, _name(label), one, other, revisions)


def _changed(one: Event, other: Event, label: Label) -> list[Difference]:
    if one.data is other.data and one.key == other.key:
        return []
    a, b = _shown(one), _shown(other)
    if same(a, b):
        return []
    return [Difference("fact", "~", _name(label), a, b, (one.revision, other.revision))]


def _name(label: Label) -> str:
    return f"{label[0]} {label[1]}".rstrip()


def _shown(event: Event) -> Tree:
    """Return what of a fact is compared, as JSON."""
    plain = _decode(_encode(event.data))
    if not isinstance(plain, dict):
        return plain
    for field in IGNORED.get(event.type, ()):
        plain.pop(field, None)
    if isinstance(plain.get("failure"), dict):
        plain["failure"].pop("frames", None)
    if event.type == "response.sent":
        plain["body"] = _without_instance(plain.get("body"), event)
    elif event.type == "request.aborted":
        plain["reason"] = event.key
    return plain


def _without_instance(body: Any, event: Event) -> Any:
    if isinstance(body, dict) and is_request_id(str(body.get("instance", ""))):
        return {name: value for name, value in body.items() if name != "instance"}
    return body
