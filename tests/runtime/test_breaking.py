"""The rules for changes, each by an example: what changed, and whom it breaks."""

import datetime as dt
import enum
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest

from runtime.breaking import compare
from runtime.gtype import Sensitive, gtype
from runtime.gtype.marks import Brand, Pattern

Fields = dict[str, Any]


def struct(name: str = "T", **options: Any) -> Any:
    fields: Sequence[Any] = options.pop("fields")
    return msgspec.defstruct(name, fields, **options)


def one(hint: Any, **options: Any) -> Any:
    """A Struct with the field `f` of *hint*."""
    return struct(fields=[("f", hint)], **options)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Hue(enum.Enum):
    RED = "red"
    CYAN = "cyan"


class Shade(enum.Enum):
    RED = "red"


class Cat(msgspec.Struct, tag="cat"):
    n: int


class Dog(msgspec.Struct, tag="dog"):
    n: int


class Kitten(msgspec.Struct, tag="kitten"):
    n: int


NONE: list[Any] = []
EXAMPLES = [
    ("BR-10", "safe", "safe", struct(fields=NONE), struct(fields=[("f", int, 1)])),
    ("BR-10", "safe", "breaking", struct(fields=NONE, forbid_unknown_fields=True),
     struct(fields=[("f", int, 1)], forbid_unknown_fields=True)),
    ("BR-11", "breaking", "safe", struct(fields=NONE), one(int)),
    ("BR-12", "risky", "breaking", one(int), struct(fields=NONE)),
    ("BR-12", "risky", "risky", struct(fields=[("f", int, 1)]), struct(fields=NONE)),
    ("BR-13", "breaking", "breaking", one(int, forbid_unknown_fields=True),
     struct(fields=NONE, forbid_unknown_fields=True)),
    ("BR-15", "breaking", "safe",
     struct(fields=[("f", int | msgspec.UnsetType, msgspec.UNSET)]), one(int)),
    ("BR-16", "safe", "breaking", one(int), struct(fields=[("f", int, 1)])),
    ("BR-17", "breaking", "safe", one(int), one(int, forbid_unknown_fields=True)),
    ("BR-17", "safe", "risky", one(int, forbid_unknown_fields=True), one(int)),
    ("BR-18", "breaking", "risky", struct(fields=[("f", int, 1)]), struct(fields=[("f", int, 2)])),
    ("BR-19", "breaking", "safe", struct(fields=[("f", int, 1)]), one(int)),
    ("BR-21", "safe", "breaking", one(int), one(int | None)),
    ("BR-22", "breaking", "safe", one(int | None), one(int)),
    ("BR-23", "breaking", "breaking",
     struct(fields=[("f", int | msgspec.UnsetType, msgspec.UNSET)]), one(int | None)),
    ("BR-24", "safe", "breaking", one(int), one(float)),
    ("BR-24", "breaking", "safe", one(float), one(int)),
    ("BR-25", "breaking", "breaking", one(int), one(str)),
    ("BR-25", "breaking", "breaking", one(int), one(list[int])),
    ("BR-26", "breaking", "breaking", one(Decimal), one(float)),
    ("BR-27", "breaking", "safe", one(str), one(UUID)),
    ("BR-27", "safe", "breaking", one(UUID), one(str)),
    ("BR-27", "breaking", "breaking", one(dt.date), one(dt.datetime)),
    ("BR-28", "breaking", "breaking", one(dt.datetime),
     one(Annotated[dt.datetime, msgspec.Meta(tz=False)])),
    ("BR-29", "breaking", "breaking", one(Annotated[int, Brand("Euro")]),
     one(Annotated[int, Brand("Cent")])),
    ("BR-30", "breaking", "safe", one(int), one(Annotated[int, msgspec.Meta(ge=1)])),
    ("BR-30", "breaking", "safe", one(str), one(Annotated[str, msgspec.Meta(max_length=9)])),
    ("BR-31", "safe", "breaking", one(Annotated[int, msgspec.Meta(le=5)]),
     one(Annotated[int, msgspec.Meta(lt=9)])),
    ("BR-32", "breaking", "breaking", one(Annotated[int, msgspec.Meta(multiple_of=2)]),
     one(Annotated[int, msgspec.Meta(multiple_of=3)])),
    ("BR-33", "breaking", "safe", one(str), one(Annotated[str, Pattern("[a-z]+")])),
    ("BR-34", "safe", "breaking", one(Shade), one(Colour)),
    ("BR-35", "breaking", "safe", one(Colour), one(Shade)),
    ("BR-36", "breaking", "breaking", one(Colour), one(Hue)),
    ("BR-37", "safe", "breaking", one(Colour), one(str)),
    ("BR-37", "breaking", "safe", one(str), one(Literal["a", "b"])),
    ("BR-38", "safe", "breaking", one(Cat), one(Cat | Dog)),
    ("BR-38", "breaking", "safe", one(Cat | Dog), one(Dog)),
    ("BR-39", "breaking", "breaking", one(Cat), one(Kitten)),
    ("BR-41", "breaking", "breaking", one(tuple[int, str]), one(tuple[str, int, int])),
    ("BR-42", "risky", "risky", one(list[int]), one(set[int])),
    ("BR-43", "breaking", "safe", one(dict[str, int]),
     one(dict[Annotated[str, msgspec.Meta(max_length=3)], int])),
    ("BR-50", "risky", "risky", one(Annotated[str, Sensitive]), one(str)),
]  # fmt: skip


@pytest.mark.proves(
    "BR-10",
    "BR-11",
    "BR-12",
    "BR-13",
    "BR-14",
    "BR-15",
    "BR-16",
    "BR-17",
    "BR-18",
    "BR-19",
    "BR-20",
    "BR-21",
    "BR-22",
    "BR-23",
    "BR-24",
    "BR-25",
    "BR-26",
    "BR-27",
    "BR-28",
    "BR-29",
    "BR-30",
    "BR-31",
    "BR-32",
    "BR-33",
    "BR-34",
    "BR-35",
    "BR-36",
    "BR-37",
    "BR-38",
    "BR-39",
    "BR-40",
    "BR-41",
    "BR-42",
    "BR-43",
    "BR-50",
    "BR-54",
)
@pytest.mark.parametrize(
    ("rule", "request_", "response", "old", "new"),
    EXAMPLES,
    ids=[f"{number}-{rule}" for number, (rule, *_) in enumerate(EXAMPLES)],
)
def test_a_change_has_the_verdicts_of_its_rule(
    rule: str, request_: str, response: str, old: Any, new: Any
) -> None:
    comparison = compare(gtype(old), gtype(new))
    found = [change for change in comparison.changes if change.rule.id == rule]

    assert [(c.verdict("request"), c.verdict("response")) for c in found] == [(request_, response)]


@pytest.mark.proves("BR-20")
def test_defaults_left_out_of_answers_break_who_reads_them() -> None:
    before, after = (
        struct(fields=[("f", int, 1)]),
        struct(fields=[("f", int, 1)], omit_defaults=True),
    )

    assert compare(gtype(before), gtype(after), "request").changes == ()
    assert compare(gtype(before), gtype(after), "response").breaking
    assert not compare(gtype(after), gtype(before), "response").breaking


@pytest.mark.proves("BR-14")
def test_a_renamed_field_is_two_changes_and_a_hint() -> None:
    before, after = struct(fields=[("total", int)]), struct(fields=[("sum", int)])
    told = [change.sentence for change in compare(gtype(before), gtype(after)).changes]

    assert told == [
        "/sum: a required field was added (nothing → int); `total` may have been renamed",
        "/total: a required field was removed (int → nothing)",
    ]


@pytest.mark.proves("BR-40", "DF-2")
def test_what_is_deep_inside_is_told_with_its_place() -> None:
    before = one(dict[str, list[one(int)]])  # type: ignore[misc]
    after = one(dict[str, list[one(Annotated[int, msgspec.Meta(ge=3)])]])  # type: ignore[misc]
    comparison = compare(gtype(before), gtype(after))

    assert [change.pointer for change in comparison.changes] == ["/f/*/*/f"]
    assert comparison.summary == "1 breaking"
    assert comparison.counts == {"breaking": 1, "risky": 0, "safe": 0}


class Before(msgspec.Struct):
    next: "Before | None" = None


class After(msgspec.Struct):
    next: "After | None" = None
    n: int = 0


@pytest.mark.proves("DF-1", "BR-54")
def test_types_that_hold_themselves_are_compared_once() -> None:
    assert compare(gtype(Before), gtype(Before)).summary == "No changes detected"
    assert [c.pointer for c in compare(gtype(Before), gtype(After)).changes] == ["/n"]


@pytest.mark.proves("BR-54")
def test_another_spelling_is_no_change() -> None:
    assert compare(gtype(one(int | str)), gtype(one(str | int))).changes == ()
