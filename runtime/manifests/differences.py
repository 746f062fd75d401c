"""How one version of a handler differs from another, and whom that breaks (DF-1, DF-2).

Types are compared by `runtime.breaking`, what stands around them here: path, media types,
statuses, limits, topics. What a manifest does not declare (headers, problem codes, the order
of a list) cannot be compared.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Literal, TypeAlias

import msgspec

from runtime.breaking import Direction, compare
from runtime.breaking.rules import Rule, Verdict
from runtime.gtype import GType, gtype
from runtime.gtype.kinds import Null, Union
from runtime.gtype.stored import Stored
from runtime.manifests.handler import HandlerManifest, Policies
from runtime.manifests.rules import MANIFEST_RULES

Side: TypeAlias = Literal["request", "response"]
_encode = msgspec.json.Encoder(order="sorted").encode


class _NoFields(msgspec.Struct):
    """A query nobody declared."""


_ANY = gtype(Any)
_NO_FIELDS = gtype(_NoFields)


class Difference(msgspec.Struct, frozen=True, order=True):
    """One change, as callers meet it."""

    section: str
    """path, query, body, answer 200, limits, topics."""
    pointer: str
    """Within the section."""
    rule: str
    """`BR-12`."""
    direction: Side
    """Whether requests or answers are concerned."""
    verdict: Verdict
    old: str
    new: str
    sentence: str


class Differences(msgspec.Struct, frozen=True, dict=True):
    """All changes from one version to another."""

    changes: tuple[Difference, ...] = ()

    def rules(self, verdict: Verdict, side: Side | None = None) -> tuple[str, ...]:
        """List the ids of rules with *verdict*, of one side or of both."""
        found = (c for c in self.changes if c.verdict == verdict and side in {None, c.direction})
        return tuple(sorted({change.rule for change in found}, key=_number))

    @property
    def breaking(self) -> bool:
        """Whether something that worked will not."""
        return any(change.verdict == "breaking" for change in self.changes)

    @property
    def needs_transformer(self) -> bool:
        """Whether callers of the older version need one to be served by the newer."""
        return self.breaking

    @cached_property
    def counts(self) -> dict[Verdict, int]:
        """How many changes there are of each verdict, none left out."""
        counted = Counter(change.verdict for change in self.changes)
        return {verdict: counted[verdict] for verdict in ("breaking", "risky", "safe")}

    @property
    def summary(self) -> str:
        """`2 breaking, 1 risky, 3 safe`."""
        told = [f"{count} {verdict}" for verdict, count in self.counts.items() if count]
        return ", ".join(told) or "No changes detected"

    @cached_property
    def digest(self) -> str:
        """`sha256:` and 64 hex digits: equal for equal differences."""
        return f"sha256:{hashlib.sha256(_encode(self.changes)).hexdigest()}"


def diff(old: HandlerManifest, new: HandlerManifest) -> Differences:
    """List how *new* differs from *old* for callers of *old*."""
    found = [
        *_path(old, new),
        *_query(old, new),
        *_body(old, new),
        *_answers(old, new),
        *_limits(old, new),
        *_access(old.policies, new.policies),
        *_topics(old, new),
    ]
    return Differences(tuple(sorted(set(found))))


def gone(old: HandlerManifest) -> Differences:
    """Say what it means that *old* has no successor at all (BR-1)."""
    return Differences(tuple(_said("path", "route-removed", "", _route(old), "")))


# --- sections ---


def _path(old: HandlerManifest, new: HandlerManifest) -> Iterator[Difference]:
    if old.method != new.method:
        yield from _said("path", "route-removed", "", _route(old), _route(new))
        return
    if _shape(old) != _shape(new):
        yield from _said("path", "path-changed", "", old.path, new.path)
        return
    for (name, kind), (other, became) in zip(old.params, new.params, strict=True):
        if name != other:
            yield from _said("path", "parameter-renamed", f"/{name}", name, other)
        if kind != became:
            # What is taken as text takes whatever a stricter type takes (GT-8).
            wider = became in {"str", "path"} or (kind, became) == ("int", "float")
            rule = "parameter-widened" if wider else "parameter-narrowed"
            yield from _said("path", rule, f"/{name}", kind, became)


def _query(old: HandlerManifest, new: HandlerManifest) -> Iterator[Difference]:
    if new.query is not None:
        before = _NO_FIELDS if old.query is None else _type(old.query)
        yield from _types("query", before, _type(new.query), "request")


def _body(old: HandlerManifest, new: HandlerManifest) -> Iterator[Difference]:
    match old.takes, new.takes:
        case "json", "json":
            yield from _types("body", _type(old.body), _type(new.body), "request")
        case before, after if before == after:
            return
        case before, "nothing":
            yield from _said("body", "body-dropped", "", before, "nothing")
        case "nothing", "json" if new.body is not None and not _takes_null(_type(new.body)):
            yield from _said("body", "body-required", "", "nothing", "json")
        case "raw", "json":
            yield from _said("body", "body-refused", "", "bytes", "json")
        case before, after:
            yield from _said("body", "body-taken", "", before, after)


def _answers(old: HandlerManifest, new: HandlerManifest) -> Iterator[Difference]:
    before, after = dict(old.answers), dict(new.answers)
    if old.media != new.media:
        yield from _said("answer", "media-changed", "", old.media, new.media)
    for status in sorted(before.keys() | after.keys()):
        section = f"answer {status}"
        if status not in after:
            yield from _said(section, "status-removed", "", str(status), "")
        elif status not in before:
            yield from _said(section, "status-added", "", "", str(status))
        elif old.media == new.media == "application/json":
            was, now = _type(before[status]), _type(after[status])
            yield from _types(section, was, now, "response")


def _limits(old: HandlerManifest, new: HandlerManifest) -> Iterator[Difference]:
    was, now = old.policies, new.policies
    yield from _moved("size", "max_body", was.max_body, now.max_body)
    yield from _moved("time", "timeout", was.timeout_s, now.timeout_s)


def _moved(rule: str, name: str, old: float, new: float) -> Iterator[Difference]:
    if old != new:
        which = f"{rule}-lowered" if new < old else f"{rule}-raised"
        yield from _said("limits", which, f"/{name}", f"{old:g}", f"{new:g}")


def _access(old: Policies, new: Policies) -> Iterator[Difference]:
    """Compare who may call, and how often (BR-45 to BR-48)."""
    if _narrows(old, new):
        yield from _said("access", "access-narrowed", "", _who(old), _who(new))
    if _narrows(new, old):
        yield from _said("access", "access-loosened", "", _who(old), _who(new))
    if old.limits != new.limits:
        rule = "limits-tightened" if set(new.limits) - set(old.limits) else "limits-loosened"
        yield from _said("limits", rule, "/rate", ", ".join(old.limits), ", ".join(new.limits))
    if old.idempotency != new.idempotency:
        lost = new.idempotency in {"required", "off"}
        rule = "keys-required" if lost else "keys-offered"
        was, now = old.idempotency or "optional", new.idempotency or "optional"
        yield from _said("access", rule, "/idempotency", was, now)


def _narrows(old: Policies, new: Policies) -> bool:
    """Say whether some who may call by *old* may not by *new*."""
    roles = bool(new.roles) and (not old.roles or not set(old.roles) <= set(new.roles))
    return bool(new.auth and not old.auth) or roles or not set(new.scopes) <= set(old.scopes)


def _who(policies: Policies) -> str:
    told = [*policies.roles, *policies.scopes]
    return ", ".join(told) or policies.auth or "anybody"


def _topics(old: HandlerManifest, new: HandlerManifest) -> Iterator[Difference]:
    if new.needs.dynamic:
        return  # What it publishes cannot be seen.
    for topic in sorted(set(old.needs.topics) - set(new.needs.topics)):
        yield from _said("topics", "topic-removed", f"/{topic}", topic, "")


# --- one change ---


def _said(section: str, name: str, pointer: str, old: str, new: str) -> Iterator[Difference]:
    """Tell a change to each side that its rule speaks of."""
    rule = MANIFEST_RULES[name]
    place = f"{section}{' ' if pointer else ''}{pointer}"
    told = f"{place}: {rule.sentence} ({old or 'nothing'} → {new or 'nothing'})"
    for side in _SIDES:
        yield from _judged(section, pointer, rule, side, (old, new, told))


_SIDES: tuple[Side, ...] = ("request", "response")


def _judged(
    section: str, pointer: str, rule: Rule, side: Side, said: tuple[str, str, str]
) -> Iterator[Difference]:
    verdict = rule.verdict(side)
    if verdict != "none":
        yield Difference(section, pointer, rule.id, side, verdict, *said)


def _types(section: str, old: GType, new: GType, side: Side) -> Iterable[Difference]:
    direction: Direction = side
    for change in compare(old, new, direction).changes:
        told = change.old, change.new, f"{section} {change.sentence}"
        yield from _judged(section, change.pointer, change.rule, side, told)


def _type(stored: Stored | None) -> GType:
    return _ANY if stored is None else GType(stored.root, stored.objects)


def _takes_null(made: GType) -> bool:
    root = made.root
    members = root.members if isinstance(root, Union) else (root,)
    return any(isinstance(member, Null) for member in members)


def _route(manifest: HandlerManifest) -> str:
    return f"{manifest.method} {manifest.path}"


def _shape(manifest: HandlerManifest) -> list[str]:
    """Give a path with its parameters by place, whatever their names and types."""
    names = {name for name, _ in manifest.params}
    parts = manifest.path.split("/")
    return ["{}" if _name_in(part) in names else part for part in parts]


def _number(rule: str) -> int:
    return int(rule.partition("-")[2])


def _name_in(part: str) -> str | None:
    if not part.startswith("{"):
        return None
    return part[1:-1].partition(":")[0]


__all__ = ["Difference", "Differences", "diff", "gone"]
