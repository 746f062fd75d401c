"""What changed from one manifest to the next, and whether clients notice (MG-10, MG-11)."""

from collections.abc import Iterable
from enum import IntEnum

import msgspec

from runtime.manifests.differences import diff
from runtime.manifests.handler import HandlerManifest


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
    return tuple(
        change.sentence for change in diff(old, new).changes if change.verdict == "breaking"
    )


def _what(old: HandlerManifest, new: HandlerManifest) -> str:
    if old.contract != new.contract:
        return "it takes more, or answers more narrowly"
    return "its code, hooks or needs changed"
