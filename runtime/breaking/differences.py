"""What a comparison of manifests gives: changes as callers meet them, each by its rule (DF-2)."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, Literal, TypeAlias

import msgspec

from runtime.breaking.comparing import compare
from runtime.breaking.rules import Direction, Rule, Verdict
from runtime.gtype import GType, gtype
from runtime.gtype.stored import Stored

Side: TypeAlias = Literal["request", "response"]
SIDES: tuple[Side, ...] = ("request", "response")
_ANY = gtype(Any)
_encode = msgspec.json.Encoder(order="sorted").encode


class Difference(msgspec.Struct, frozen=True, order=True):
    """One change, as callers meet it."""

    section: str
    """path, query, headers, body, answer 200, limits, access, topics; of a module `method left`."""
    pointer: str
    """Within the section."""
    rule: str
    """`BR-12`."""
    direction: Side
    """Whether requests or answers are concerned; of a module, arguments or results."""
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


def whole(found: Iterable[Difference]) -> Differences:
    """Put changes in order, each once."""
    return Differences(tuple(sorted(set(found))))


def said(section: str, rule: Rule, pointer: str, old: str, new: str) -> Iterator[Difference]:
    """Tell a change to each side that its rule speaks of."""
    place = f"{section}{' ' if pointer else ''}{pointer}"
    told = f"{place}: {rule.sentence} ({old or 'nothing'} → {new or 'nothing'})"
    for side in SIDES:
        yield from judged(section, pointer, rule, side, (old, new, told))


def judged(
    section: str, pointer: str, rule: Rule, side: Side, told: tuple[str, str, str]
) -> Iterator[Difference]:
    """Tell a change to one side, unless its rule does not speak of that.

    Args:
        section: of the manifest.
        pointer: within it.
        rule: that judges.
        side: that is told.
        told: what was, what is, and the sentence.
    """
    verdict = rule.verdict(side)
    if verdict != "none":
        yield Difference(section, pointer, rule.id, side, verdict, *told)


def of_types(
    section: str, old: GType, new: GType, side: Side, below: str = ""
) -> Iterator[Difference]:
    """Tell the changes from a type to another that stand at *below*."""
    direction: Direction = side
    for change in compare(old, new, direction).changes:
        sentence = change.sentence.removeprefix("(root)") if below else change.sentence
        told = change.old, change.new, f"{section} {below}{sentence}"
        yield from judged(section, f"{below}{change.pointer}", change.rule, side, told)


def type_of(stored: Stored | None) -> GType:
    """Give the type that a manifest holds; without one anything goes."""
    return _ANY if stored is None else GType(stored.root, stored.objects)


def moved(section: str, rules: tuple[Rule, Rule], name: str, old: float, new: float
) -> Iterator[Difference]:  # fmt: skip
    """Tell that a limit was lowered or raised, by the first or the second rule."""
    if old != new:
        yield from said(section, rules[new > old], f"/{name}", f"{old:g}", f"{new:g}")


def _number(rule: str) -> int:
    return int(rule.partition("-")[2])
