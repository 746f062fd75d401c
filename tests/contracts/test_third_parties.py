"""What we rely on in others, by name: an upgrade that changes it fails here (CT-6)."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import msgspec
import pytest
import re2
from hypothesis import find, given, is_hypothesis_test, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument


class Point(msgspec.Struct, omit_defaults=True):
    x: int
    tags: tuple[str, ...] = ()


def refused(text: bytes, hint: Any) -> str:
    """Give the message with which msgspec refuses a text."""
    with pytest.raises(msgspec.ValidationError) as told:
        msgspec.json.decode(text, type=hint)
    return str(told.value)


@pytest.mark.proves("CT-6")
@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (b"true", int), (b"1.5", int), (b'"1"', int), (b"0", bool), (b'"a"', float),
        (b"null", str), (b"1", str), (b"[1,2]", tuple[int]),
    ],
)  # fmt: skip
def test_msgspec_coerces_nothing_in_a_body(text: bytes, hint: Any) -> None:
    assert refused(text, hint)


@pytest.mark.proves("CT-6")
def test_msgspec_says_where_a_fault_is_at_the_end_of_its_message() -> None:
    assert refused(b'{"x": "a"}', Point) == "Expected `int`, got `str` - at `$.x`"
    assert refused(b"[]", Point) == "Expected `object`, got `array`"


@pytest.mark.proves("CT-6")
def test_msgspec_takes_an_integer_for_a_float_and_the_last_of_a_repeated_key() -> None:
    assert msgspec.json.decode(b"1", type=float) == 1.0
    assert msgspec.json.decode(b'{"x": 1, "x": 2}', type=Point).x == 2


@pytest.mark.proves("CT-6")
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), b"null"), (float("inf"), b"null"), ((1, 2), b"[1,2]"), (b"\0", b'"AA=="'),
        (Decimal("1.10"), b'"1.10"'), (dt.date(2026, 1, 2), b'"2026-01-02"'),
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), b'"2026-01-02T00:00:00Z"'),
        (UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'), (Point(1), b'{"x":1}'),
    ],
)  # fmt: skip
def test_msgspec_writes_values_in_these_forms(value: Any, text: bytes) -> None:
    assert msgspec.json.encode(value) == text


@pytest.mark.proves("CT-6")
def test_msgspec_sorts_keys_at_every_depth_when_asked() -> None:
    nested = {"b": {"d": 1, "c": 2}, "a": 0}

    assert msgspec.json.encode(nested, order="sorted") == b'{"a":0,"b":{"c":2,"d":1}}'


@pytest.mark.proves("CT-6")
def test_msgspec_raises_recursion_error_on_what_is_too_deep() -> None:
    with pytest.raises(RecursionError):
        msgspec.json.decode(b"[" * 100_000)


@pytest.mark.proves("CT-6")
def test_msgspec_searches_for_its_own_patterns_unanchored() -> None:
    hint = Annotated[str, msgspec.Meta(pattern="b")]

    assert msgspec.json.decode(b'"abc"', type=hint) == "abc"


@pytest.mark.proves("CT-6")
@pytest.mark.parametrize("pattern", ["(?=a)", "(?!a)", "(?<=a)b", r"(a)\1", "(?>a)"])
def test_re2_refuses_what_would_backtrack(pattern: str) -> None:
    quiet = re2.Options()
    quiet.log_errors = False
    with pytest.raises(re2.error):
        re2.compile(pattern, quiet)


@pytest.mark.proves("CT-6")
def test_re2_matches_the_whole_string_and_tells_newlines() -> None:
    match = re2.compile("[a-z]+").fullmatch

    assert match("abc")
    assert not match("abc\n")
    assert not match("1abc")


@pytest.mark.proves("CT-6")
def test_hypothesis_finds_the_smallest_example_and_refuses_settings_twice() -> None:
    def law(n: int) -> None:
        assert n is not None

    drawn: Callable[..., None] = settings(max_examples=1)(given(st.integers())(law))

    assert find(st.integers(0, 999), lambda n: n > 6) == 7
    assert is_hypothesis_test(drawn)
    with pytest.raises(InvalidArgument):
        settings(max_examples=2)(drawn)
