"""The language that picks requests and facts (TM-7 to TM-10)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.errors import FilterError
from debugger.timeline import ABSENT, REQUEST_FIELDS, matches, parse
from debugger.timeline.predicate import EVERYTHING, And, Field, Not, Or, Predicate, Test, Word

NOW_US = 1_790_856_181_000_000
"""2026-10-01 12:03:01 UTC."""


class Asked:
    """A request that answers from a dict."""

    def __init__(self, **fields: str | int | None) -> None:
        self.fields = fields

    def field(self, name: str) -> str | int | None:
        return self.fields.get(name)

    def has(self, word: str) -> bool:
        return any(word in column.casefold() for column in self.columns())

    def columns(self) -> list[str]:
        return [str(value) for value in self.fields.values() if isinstance(value, str)]

    def root(self, name: str) -> Any:
        return ABSENT


SAMPLE = Asked(
    status=500,
    route="POST /orders/{order_id:int}",
    outcome="500 KeyError",
    principal="ann",
    dur=412_000,
    since=NOW_US - 600_000_000,
    version=None,
)


def holds(text: str, subject: Asked = SAMPLE) -> bool:
    return matches(parse(text, REQUEST_FIELDS), subject, REQUEST_FIELDS, NOW_US)


@pytest.mark.proves("TM-7")
@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "status:500", "status:>=500", "status:5??", "status:400,500", "!status:404",
        "not status:404", "! status:404", "dur:>10ms", "dur:<1s", "dur:412ms", "dur:0.412",
        "since:15m", "since:2026-10-01", "since:11:50", "since:2026-10-01T11:53:01Z",
        "orders", "ORDERS", "ann", '"POST /orders"', "*KeyError", "outcome:keyerror",
        "route:/orders*", "route:*orders*", "/orders/{order_id:int}", "principal:a?n",
        "status:404 or status:500", "(status:404 or ann) dur:>10ms", "status:500 and ann",
        "status:500 !principal:eve dur:>10ms", "!version:2026*", "!!ann",
    ],
)  # fmt: skip
def test_the_sample_matches(text: str) -> None:
    assert holds(text)


@pytest.mark.proves("TM-7")
@pytest.mark.parametrize(
    "text",
    [
        "status:404", "status:>500", "status:4??", "!ann", "not ann", "dur:>1s", "dur:<=412us",
        "since:5m", "since:2026-10-02", "coffee", "route:/items*", "outcome:Key", "eve or bob",
        "status:500 eve", "version:2026*", "version:>1", "(ann or eve) status:200", "principal:an",
    ],
)  # fmt: skip
def test_the_sample_does_not_match(text: str) -> None:
    assert not holds(text)


@pytest.mark.proves("TM-8")
def test_a_field_that_is_not_there_compares_false() -> None:
    assert not holds("status:<500", Asked(status=None))
    assert not holds("status:>=500", Asked(status=None))
    assert holds("!status:>=500", Asked(status=None))


@pytest.mark.proves("TM-10")
@pytest.mark.parametrize(
    ("text", "cells", "expected"),
    [
        ("status:>>5", 8, "a number, such as 500 or >=400"),
        ("status:abc", 7, "a number, such as 500 or >=400"),
        ("日本 stat:5", 5, "a field's name"),
        ("dur:fast", 4, "a duration, such as >10ms or <2s"),
        ("since:soon", 6, "a time, such as 15m, 12:03 or 2026-10-01"),
        ("(ann", 4, "`)`"),
        ("ann)", 3, "a term, `or`, or the end"),
        ('"open', 5, 'a closing `"`'),
        ("status:", 7, "a number, such as 500 or >=400"),
        ("a or", 4, "a word, `field:value`, `!` or `(`"),
        ("or a", 0, "a term; put the word in quotes to look for it"),
        ("!", 1, "a word, `field:value`, `!` or `(`"),
    ],
)
def test_a_fault_has_a_place_and_says_what_was_expected(
    text: str, cells: int, expected: str
) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, REQUEST_FIELDS)

    assert (caught.value.cells, caught.value.expected) == (cells, f"expected {expected}")


def test_the_caret_stands_right_when_the_text_is_escaped() -> None:
    with pytest.raises(FilterError) as caught:
        parse("\x1b\u202e foo:1", REQUEST_FIELDS)

    assert caught.value.problem.split("\n")[1:] == [
        r"  \x1b\u202e foo:1",
        "             ^ expected a field's name",
    ]


@pytest.mark.proves("TM-10")
def test_an_unknown_field_is_answered_with_the_nearest() -> None:
    with pytest.raises(FilterError, match=r"Did you mean `status:`\?"):
        parse("statsu:500", REQUEST_FIELDS)


@pytest.mark.proves("TM-9")
@pytest.mark.parametrize(
    "text", ["a" * 4_097, " ".join("a" * 201), "(" * 40 + "a" + ")" * 40, "!" * 40 + "a"]
)
def test_a_filter_that_is_too_large_is_refused(text: str) -> None:
    with pytest.raises(FilterError, match="at most"):
        parse(text, REQUEST_FIELDS)


def test_many_stars_are_no_way_to_waste_time() -> None:
    """Runs of stars are one: nested repetition would take for ever here."""
    assert not holds("principal:" + "*" * 40 + "b", Asked(principal="a" * 60))


# --- laws ---

_plain = st.text(st.characters(codec="utf-8"), max_size=8)
_numbers = st.integers(0, 999).map(str)
_ops = st.sampled_from(["", "<", "<=", ">", ">="])
_fields = st.one_of(
    st.builds(
        Field,
        st.sampled_from(["route", "outcome", "principal"]),
        st.lists(st.builds(Test, _ops, _plain), min_size=1, max_size=3).map(tuple),
    ),
    st.builds(
        Field,
        st.sampled_from(["status", "dur"]),
        st.lists(st.builds(Test, _ops, _numbers), min_size=1, max_size=3).map(tuple),
    ),
    st.builds(
        Field,
        st.just("since"),
        st.sampled_from(["15m", "2026-10-01", "11:50"]).map(lambda t: (Test("", t),)),
    ),
)


def _joined(inner: st.SearchStrategy[Predicate]) -> st.SearchStrategy[Predicate]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(And, several), st.builds(Or, several))


predicates: st.SearchStrategy[Predicate] = st.recursive(
    st.one_of(_fields, st.builds(Word, _plain)), _joined, max_leaves=8
)


@pytest.mark.proves("TM-9")
@given(predicate=st.one_of(predicates, st.just(EVERYTHING)))
def test_a_filter_written_out_reads_back_the_same(predicate: Predicate) -> None:
    assert parse(str(predicate), REQUEST_FIELDS) == predicate


@pytest.mark.proves("TM-9")
@given(text=st.text(st.sampled_from('abc:()!"\\ ,<>=*?or andnot500msstatus\x1b日'), max_size=30))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        predicate = parse(text, REQUEST_FIELDS)
    except FilterError as error:
        refused = error
        assert refused.expected.startswith("expected ")
    else:
        assert parse(str(predicate), REQUEST_FIELDS) == predicate


def naive(predicate: Predicate, subject: Asked) -> bool:
    """Join the answers of the leaves by Python's own and, or, not."""
    match predicate:
        case Not(of=inner):
            return not naive(inner, subject)
        case And(of=several):
            return False not in [naive(each, subject) for each in several]
        case Or(of=several):
            return True in [naive(each, subject) for each in several]
        case _:
            return matches(predicate, subject, REQUEST_FIELDS, NOW_US)


@pytest.mark.proves("TM-7")
@given(predicate=predicates)
def test_and_or_not_mean_what_they_say(predicate: Predicate) -> None:
    assert matches(predicate, SAMPLE, REQUEST_FIELDS, NOW_US) == naive(predicate, SAMPLE)
