"""What a comparison gives: changes, what they mean, and a digest of it all."""

import hashlib
from collections import Counter
from functools import cached_property
from typing import Any

import msgspec

from runtime.breaking.rules import DIRECTIONS, RULES, Direction, Rule, Verdict


class Change(msgspec.Struct, frozen=True, order=True):
    """One difference between two types."""

    pointer: str
    """Where: RFC 6901, `*` for any item; `` is the root."""
    name: str
    """Of the rule, such as `field-added-required`."""
    old: str = ""
    """What stood there, for people; `` for nothing."""
    new: str = ""
    hint: str = ""
    """What it may have been meant as, such as a rename."""

    @property
    def rule(self) -> Rule:
        """The row that judges it."""
        return RULES[self.name]

    def verdict(self, direction: Direction) -> Verdict:
        """Say what it means in one direction."""
        return self.rule.verdict(direction)

    @property
    def sentence(self) -> str:
        """Tell it: where, what, and from what to what."""
        told = f"{self.pointer or '(root)'}: {self.rule.sentence}"
        if self.old or self.new:
            told += f" ({self.old or 'nothing'} → {self.new or 'nothing'})"
        return f"{told}; {self.hint}" if self.hint else told


class Comparison(msgspec.Struct, frozen=True, dict=True):
    """All differences of two types, as one direction sees them."""

    direction: Direction
    changes: tuple[Change, ...]

    @property
    def breaking(self) -> bool:
        """Whether something that worked will not."""
        return any(change.verdict(self.direction) == "breaking" for change in self.changes)

    @cached_property
    def counts(self) -> dict[Verdict, int]:
        """How many changes there are of each verdict, none left out."""
        counted = Counter(change.verdict(self.direction) for change in self.changes)
        return {verdict: counted[verdict] for verdict in ("breaking", "risky", "safe")}

    @property
    def summary(self) -> str:
        """`2 breaking, 1 risky, 3 safe`."""
        if not any(self.counts.values()):
            return "No changes detected"
        return ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items() if count)

    @cached_property
    def digest(self) -> str:
        """`sha256:` and 64 hex digits: equal for equal comparisons."""
        told = msgspec.json.encode([self.direction, self.to_json()], order="sorted")
        return f"sha256:{hashlib.sha256(told).hexdigest()}"

    def to_json(self) -> list[dict[str, Any]]:
        """Give the changes as plain data."""
        return [
            {
                "rule": change.rule.id,
                "verdict": change.verdict(self.direction),
                "pointer": change.pointer,
                "old": change.old,
                "new": change.new,
                "sentence": change.sentence,
            }
            for change in self.changes
        ]


__all__ = ["DIRECTIONS", "Change", "Comparison"]
