"""How one version of a handler differs from another, and whom that breaks (DF-1, DF-2).

Types are compared by `runtime.breaking`, what stands around them here: path, media types,
statuses, limits, topics, and what a handler promises besides.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import msgspec

from runtime.breaking.differences import (
    Difference,
    Differences,
    moved,
    of_types,
    said,
    type_of,
    whole,
)
from runtime.gtype import GType, gtype
from runtime.gtype.kinds import Null, Union
from runtime.gtype.stored import Stored
from runtime.manifests.handler import HandlerManifest, Policies
from runtime.manifests.promise_differences import promised
from runtime.manifests.promises import NONE
from runtime.manifests.rates import tightens
from runtime.manifests.rules import MANIFEST_RULES


class _NoFields(msgspec.Struct):
    """A query nobody declared."""


_NO_FIELDS = gtype(_NoFields)
Answers: TypeAlias = Mapping[int, Stored | None]


def diff(old: HandlerManifest, new: HandlerManifest) -> Differences:
    """List how *new* differs from *old* for callers of *old*."""
    found = [
        *_path(old, new),
        *_query(old, new),
        *_body(old, new),
        *_answers(old, new),
        *_limits(old, new),
        *_access(old, new),
        *_topics(old, new),
        *promised(old.promises or NONE, new.promises or NONE),
    ]
    return whole(found)


def gone(old: HandlerManifest) -> Differences:
    """Say what it means that *old* has no successor at all (BR-1)."""
    return whole(_said("path", "route-removed", "", _route(old), ""))


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
        before = _NO_FIELDS if old.query is None else type_of(old.query)
        yield from of_types("query", before, type_of(new.query), "request")


def _body(old: HandlerManifest, new: HandlerManifest) -> Iterator[Difference]:
    match old.takes, new.takes:
        case "json", "json":
            yield from of_types("body", type_of(old.body), type_of(new.body), "request")
        case before, after if before == after:
            return
        case before, "nothing":
            yield from _said("body", "body-dropped", "", before, "nothing")
        case "nothing", "json" if new.body is not None and not _takes_null(type_of(new.body)):
            yield from _said("body", "body-required", "", "nothing", "json")
        case "raw", "json":
            yield from _said("body", "body-refused", "", "bytes", "json")
        case before, after:
            yield from _said("body", "body-taken", "", before, after)


def _answers(old: HandlerManifest, new: HandlerManifest) -> Iterator[Difference]:
    before, after = dict(old.answers), dict(new.answers)
    if {*before, *after} == {200, 202} and len(before) == len(after) == 1:
        yield from _accepted(before, after)
        return
    if old.media != new.media:
        yield from _said("answer", "media-changed", "", old.media, new.media)
    for status in sorted(before.keys() | after.keys()):
        section = f"answer {status}"
        if status not in after:
            yield from _said(section, "status-removed", "", str(status), "")
        elif status not in before:
            yield from _said(section, "status-added", "", "", str(status))
        elif old.media == new.media == "application/json":
            was, now = type_of(before[status]), type_of(after[status])
            yield from of_types(section, was, now, "response")


def _accepted(before: Answers, after: Answers) -> Iterator[Difference]:
    """Tell that what was done at once is now done later, or the reverse (BR-8)."""
    was, now = str(*before), str(*after)
    yield from _said("answer", "accepted-only", "", was, now)
    old, new = (type_of(*each.values()) for each in (before, after))
    yield from of_types(f"answer {now}", old, new, "response")


def _limits(old: HandlerManifest, new: HandlerManifest) -> Iterator[Difference]:
    was, now = old.policies, new.policies
    members = was.max_members or 1_000, now.max_members or 1_000
    items = was.max_items or 10_000, now.max_items or 10_000
    yield from moved("limits", _SIZE, "max_body", was.max_body, now.max_body)
    yield from moved("limits", _SIZE, "max_members", *members)
    yield from moved("limits", _SIZE, "max_items", *items)
    yield from moved("limits", _SIZE, "decompress", int(was.decompress), int(now.decompress))
    answer = was.max_answer or _MAX_ANSWER, now.max_answer or _MAX_ANSWER
    yield from moved("limits", _ANSWER, "max_answer", *answer)
    places = was.max_concurrency or _MANY, now.max_concurrency or _MANY
    yield from moved("limits", _PLACES, "max_concurrency", *places)
    yield from moved("limits", _TIME, "timeout", was.timeout_s, now.timeout_s)
    coming = was.body_timeout_s or 30.0, now.body_timeout_s or 30.0
    yield from moved("limits", _TIME, "body_timeout", *coming)


_SIZE = MANIFEST_RULES["size-lowered"], MANIFEST_RULES["size-raised"]
_ANSWER = MANIFEST_RULES["answer-lowered"], MANIFEST_RULES["answer-raised"]
_MAX_ANSWER = 16 * 1024 * 1024
_PLACES = MANIFEST_RULES["places-lowered"], MANIFEST_RULES["places-raised"]
_MANY = float("inf")
_TIME = MANIFEST_RULES["time-lowered"], MANIFEST_RULES["time-raised"]


def _access(before: HandlerManifest, after: HandlerManifest) -> Iterator[Difference]:
    """Compare who may call, and how often (BR-45 to BR-48)."""
    old, new = before.policies, after.policies
    if _narrows(old, new):
        yield from _said("access", "access-narrowed", "", _who(old), _who(new))
    if _narrows(new, old):
        yield from _said("access", "access-loosened", "", _who(old), _who(new))
    if set(old.limits) != set(new.limits):
        rule = "limits-tightened" if tightens(old.limits, new.limits) else "limits-loosened"
        yield from _said("limits", rule, "/rate", ", ".join(old.limits), ", ".join(new.limits))
    was, now = _keys(before), _keys(after)
    if was != now and before.method == after.method:
        rule = "keys-offered" if now == "optional" else "keys-required"
        yield from _said("access", rule, "/idempotency", was, now)


def _keys(manifest: HandlerManifest) -> str:
    default = "optional" if manifest.method in {"POST", "PATCH"} else "off"
    return manifest.policies.idempotency or default


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
    return said(section, MANIFEST_RULES[name], pointer, old, new)


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


def _name_in(part: str) -> str | None:
    if not part.startswith("{"):
        return None
    return part[1:-1].partition(":")[0]


__all__ = ["Difference", "Differences", "diff", "gone"]
