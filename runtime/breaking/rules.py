"""The table of rules: what each change means for requests, answers and what is stored.

`breaking`: something that worked is refused. `risky`: it is accepted, but its meaning, cost
or trust may have changed. `safe`: neither. `none`: the change does not exist there.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias

Verdict: TypeAlias = Literal["breaking", "risky", "safe", "none"]
Direction: TypeAlias = Literal["request", "response", "stored"]
DIRECTIONS: tuple[Direction, ...] = ("request", "response", "stored")

_WORDS: Mapping[str, Verdict] = {"B": "breaking", "R": "risky", "S": "safe", "-": "none"}


class Rule(NamedTuple):
    """One row of the table."""

    id: str
    """`BR-12`; several rows may share it."""
    request: Verdict
    response: Verdict
    stored: Verdict
    sentence: str
    """What happened, for people."""
    by_value: bool = True
    """Whether a value shows it; False: its meaning changed, which no value shows."""

    def verdict(self, direction: Direction) -> Verdict:
        """Say what it means in one direction."""
        found: Verdict = getattr(self, direction)
        return found


def _rule(number: int, verdicts: str, sentence: str, *, by_value: bool = True) -> Rule:
    request, response, stored = (_WORDS[letter] for letter in verdicts)
    return Rule(f"BR-{number}", request, response, stored, sentence, by_value)


RULES: Mapping[str, Rule] = {
    "field-added": _rule(10, "SSS", "a field was added that may be left out"),
    "field-added-closed": _rule(
        10, "SBB", "a field was added that may be left out, and readers refuse unknown fields"
    ),
    "field-added-required": _rule(11, "BSB", "a required field was added"),
    "field-added-required-closed": _rule(
        11, "BBB", "a required field was added, and readers refuse unknown fields"
    ),
    "field-removed-required": _rule(12, "RBB", "a required field was removed"),
    "field-removed": _rule(12, "RRR", "a field was removed"),
    "field-removed-required-closed": _rule(
        13, "BBB", "a required field was removed, and unknown fields are refused"
    ),
    "field-removed-closed": _rule(13, "BRB", "a field was removed, and unknown fields are refused"),
    "now-required": _rule(15, "BSB", "a field that could be left out is required"),
    "now-optional": _rule(16, "SBB", "a required field may be left out"),
    # No value of declared fields shows it.
    "now-closed": _rule(17, "BSB", "unknown fields are refused", by_value=False),
    "now-open": _rule(17, "SRR", "unknown fields are no longer refused", by_value=False),
    "default-changed": _rule(18, "BRR", "a default has another value", by_value=False),
    "default-removed": _rule(19, "BSB", "a default is gone, and its field is required"),
    "defaults-left-out": _rule(
        20, "-BR", "defaults are left out of what is written", by_value=False
    ),
    "defaults-written": _rule(20, "-SS", "defaults are written", by_value=False),
    "now-nullable": _rule(21, "SBB", "null is allowed"),
    "not-nullable": _rule(22, "BSB", "null is no longer allowed"),
    "absent-or-null": _rule(23, "BBB", "a field that could be absent may be null, or the reverse"),
    "int-to-float": _rule(24, "SBB", "a whole number became any number"),
    "float-to-int": _rule(24, "BSB", "any number became a whole number"),
    "kind": _rule(25, "BBB", "it is of another kind"),
    "number-as-text": _rule(26, "BBB", "a number is carried in another way"),
    "format-narrowed": _rule(27, "BSB", "text must have a format"),
    "format-widened": _rule(27, "SBB", "text need not have its format any more"),
    "format-replaced": _rule(27, "BBB", "text has another format"),
    "zone": _rule(28, "BBB", "a time has a zone and had none, or the reverse"),
    "brand": _rule(29, "BBB", "it stands for another thing, though it looks alike", by_value=False),
    "tightened": _rule(30, "BSB", "a bound is tighter"),
    "loosened": _rule(31, "SBB", "a bound is looser"),
    "bound-replaced": _rule(32, "BBB", "a bound was replaced by another one"),
    "pattern-added": _rule(33, "BSB", "it must fulfil another rule"),
    "pattern-removed": _rule(33, "SBB", "a rule need not be fulfilled any more"),
    "value-added": _rule(34, "SBB", "another value is allowed"),
    "value-removed": _rule(35, "BSB", "a value is no longer allowed"),
    "value-renamed": _rule(36, "BBB", "a value was replaced by another one"),
    "enum-to-open": _rule(37, "SBB", "more than certain values are allowed"),
    "open-to-enum": _rule(37, "BSB", "only certain values are allowed"),
    "member-added": _rule(38, "SBB", "another type is allowed"),
    "member-removed": _rule(38, "BSB", "a type is no longer allowed"),
    "tag": _rule(39, "BBB", "the field that tells types apart, or its value, is another"),
    "place": _rule(41, "BBB", "what stands at a place of an array moved, came or went"),
    "list-to-set": _rule(42, "RRR", "a list became a set", by_value=False),
    "set-to-list": _rule(42, "SRR", "a set became a list", by_value=False),
    "key-tightened": _rule(43, "BSB", "the rule for names is tighter"),
    "key-loosened": _rule(43, "SBB", "the rule for names is looser"),
    "sensitive-dropped": _rule(50, "RRB", "it is no longer kept out of records", by_value=False),
    "sensitive-added": _rule(50, "SSR", "it is kept out of records", by_value=False),
}
"""Name to rule. Source of the verdicts: the compatibility rules of Timescape, docs/versions.md."""
