"""Two histories beside each other: every fact in its row, what differs, and a verdict (UI-6)."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from debugger.timeline import Timeline
from runtime.replay import Difference
from runtime.replay import compare as _differences
from runtime.replay.comparing import IGNORED

Same: TypeAlias = Literal["=", "~", "-", "+"]
SECTIONS = ("outcome", "headers", "body", "facts", "state", "effects")


class Pair(msgspec.Struct, frozen=True):
    """A fact of A beside the one of B that stands for it."""

    sign: Same
    """`=` the same, `~` other, `-` only A has it, `+` only B."""
    a: int | None
    """Revision; None: it has none."""
    b: int | None


class Comparison(msgspec.Struct, frozen=True):
    """What two histories have in common, and what not."""

    a: Timeline
    b: Timeline
    pairs: Sequence[Pair]
    differences: Sequence[Difference]
    counts: Mapping[str, int]
    """Section to how much differs there."""

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    @property
    def first(self) -> int | None:
        """Index of the first pair that differs; None: the facts are the same."""
        return next((n for n, pair in enumerate(self.pairs) if pair.sign != "="), None)


def compare(a: Timeline, b: Timeline) -> Comparison:
    """Hold two histories against each other. Ids, times, positions and lines are ignored."""
    found = _differences(a.events, b.events)
    facts = [each for each in found if each.part == "fact"]
    return Comparison(a, b, _pairs(a.last, b.last, facts), found, _counts(found))


def ignored() -> list[str]:
    """Say what is not compared."""
    fields = [f"{name}: {', '.join(sorted(fields))}" for name, fields in IGNORED.items()]
    return ["ids, times, positions and lines", *fields]


def _pairs(last_a: int, last_b: int, facts: Sequence[Difference]) -> list[Pair]:
    """Put facts side by side: those that are not told to differ stand in the same order."""
    only_a = {each.revisions[0] for each in facts if each.sign == "-"}
    only_b = {each.revisions[1] for each in facts if each.sign == "+"}
    changed = {each.revisions for each in facts if each.sign == "~"}
    pairs: list[Pair] = []
    a = b = 1
    while a <= last_a or b <= last_b:
        if a in only_a:
            pairs.append(Pair("-", a, None))
            a += 1
        elif b in only_b:
            pairs.append(Pair("+", None, b))
            b += 1
        else:
            pairs.append(Pair("~" if (a, b) in changed else "=", a, b))
            a, b = a + 1, b + 1
    return pairs


def _counts(found: Sequence[Difference]) -> dict[str, int]:
    counts = dict.fromkeys(SECTIONS, 0)
    for each in found:
        counts[{"status": "outcome", "fact": "facts"}.get(each.part, each.part)] += 1
        if each.part == "fact" and each.name.startswith("effect."):
            counts["effects"] += 1
    return counts
