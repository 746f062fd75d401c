"""What changed from one manifest to the next, and whether clients notice (MG-10, MG-11)."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Any

import msgspec

from runtime.breaking import Direction
from runtime.breaking import compare as compare_types
from runtime.gtype import GType
from runtime.gtype.stored import Stored
from runtime.manifests.handler import HandlerManifest, Policies


class Verdict(IntEnum):
    """How much a change means to clients; the greater is the graver."""

    SAME = 0
    CHANGED = 1
    """What worked goes on working."""
    BREAKING = 2
    """Something that worked may not."""


class Change(msgspec.Struct, frozen=True):
    """What became of one version of a handler."""

    handler: str
    version: str | None
    verdict: Verdict
    reasons: tuple[str, ...] = ()


def compare(old: Iterable[HandlerManifest], new: Iterable[HandlerManifest]) -> list[Change]:
    """Compare all versions of an app; those that did not change are left out."""
    before = {(each.handler, each.version): each for each in old}
    after = {(each.handler, each.version): each for each in new}
    changes = []
    for handler, version in sorted({*before, *after}, key=lambda key: (key[0], key[1] or "")):
        one, other = before.get((handler, version)), after.get((handler, version))
        if one is None:
            changes.append(Change(handler, version, Verdict.CHANGED, ("it is new",)))
        elif other is None:
            changes.append(Change(handler, version, Verdict.BREAKING, ("it is gone",)))
        elif one.digest != other.digest:
            reasons = broken(one, other)
            verdict = Verdict.BREAKING if reasons else Verdict.CHANGED
            if one.fingerprint == other.fingerprint:
                verdict = Verdict.SAME  # only lines or documentation
            else:
                told = reasons or (_what(one, other),)
                changes.append(Change(handler, version, verdict, told))
    return changes


def worst(changes: Iterable[Change]) -> Verdict:
    """Give the gravest verdict of several changes."""
    return max((change.verdict for change in changes), default=Verdict.SAME)


def broken(old: HandlerManifest, new: HandlerManifest) -> tuple[str, ...]:
    """Say what of *old* a client may rely on in vain; empty: nothing."""
    found = [
        f"{name} was {_shown(before)} and is {_shown(after)}"
        for name, before, after in (
            ("method", old.method, new.method),
            ("path", old.path, new.path),
            ("what the body is read as", old.takes, new.takes),
            ("the media type of answers", old.media, new.media),
        )
        if before != after
    ]
    if new.policies.max_body < old.policies.max_body:
        found.append(f"bodies may have {new.policies.max_body} bytes, no longer more")
    found += _closer(old.policies, new.policies)
    found += _type("query", old.query, new.query, "request")
    found += _type("body", old.body, new.body, "request")
    statuses = [status for status, _ in new.answers]
    for status, stored in old.answers:
        if status not in statuses:
            found.append(f"it no longer answers {status}")
        else:
            found += _type(f"answer {status}", stored, dict(new.answers)[status], "response")
    return tuple(found)


def _closer(old: Policies, new: Policies) -> list[str]:
    """Say who may no longer call, or not so often."""
    found = []
    if new.auth and not old.auth:
        found.append("it needs credentials")
    if new.roles and (not old.roles or not set(old.roles) <= set(new.roles)):
        found.append(f"it needs one of the roles {', '.join(new.roles)}")
    if not set(new.scopes) <= set(old.scopes):
        found.append(f"it needs the scopes {', '.join(new.scopes)}")
    if new.limits and new.limits != old.limits:
        found.append(f"it is limited to {', '.join(new.limits)}")
    if new.idempotency == "required" != old.idempotency:
        found.append("it needs an idempotency key")
    return found


def _shown(value: Any) -> str:
    return repr(value)[:80]


def _what(old: HandlerManifest, new: HandlerManifest) -> str:
    if old.contract != new.contract:
        return "it takes more, or answers more narrowly"
    return "its code, hooks or needs changed"


def _type(name: str, old: Stored | None, new: Stored | None, direction: Direction) -> list[str]:
    """Say what breaks between two types; None is any value."""
    sent, taken = (old, new) if direction == "request" else (new, old)
    if taken is None:
        return []
    if sent is None or old is None or new is None:
        return [f"{name}: it was any, and has a type" if direction == "request" else f"{name}: any"]
    compared = compare_types(GType(old.root, old.objects), GType(new.root, new.objects), direction)
    return [
        f"{name} {change.sentence}"
        for change in compared.changes
        if change.verdict(direction) == "breaking"
    ]
