"""What a type can ask beyond kinds: limits, forms, patterns, checks in code."""

import datetime as dt
import re
import uuid
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from runtime.errors import (
    ConstraintError,
    PatternSyntaxError,
    SchemaTooLargeError,
    UnsupportedGTypeVersionError,
)
from runtime.gtype import (
    Brand,
    Check,
    Email,
    GType,
    Negative,
    Pattern,
    PlainChecker,
    Positive,
    UniqueItems,
    Url,
    check,
    gtype,
)
from runtime.gtype.patterns import matcher, to_ecma
from runtime.messages import ValidationFailed


def codes(hint: Any, value: Any) -> list[str]:
    """Give the codes of what is wrong; the decoder has to agree."""
    checked = check(hint)
    raw = msgspec.json.encode(value)
    found = [issue.code for issue in checked.issues(msgspec.json.decode(raw)).issues]
    assert accepts(hint, raw) == (not found)
    return found


def accepts(hint: Any, raw: bytes) -> bool:
    try:
        check(hint).decode(raw)
    except ValidationFailed:
        return False
    return True


# --- GT-3 ---


def nested(levels: int) -> Any:
    hint: Any = int
    for _ in range(levels - 1):
        hint = list[hint]
    return hint


@pytest.mark.proves("GT-3")
def test_a_type_has_fifty_levels_and_warns_at_twenty() -> None:
    assert check(nested(20)).warnings == ()
    assert "21 levels" in check(nested(21)).warnings[0]
    assert check(nested(50)).type.depth == 50
    with pytest.raises(SchemaTooLargeError, match="51 levels"):
        check(nested(51))


@pytest.mark.proves("GT-3")
@pytest.mark.parametrize(("names", "warned"), [(400, False), (1_200, True)])
def test_a_type_that_is_long_to_write_warns(names: int, *, warned: bool) -> None:
    fields = [(f"field_{n:05d}", int) for n in range(names)]

    checked = check(msgspec.defstruct("Wide", fields))

    assert ("bytes" in "".join(checked.warnings)) == warned


@pytest.mark.proves("GT-3")
def test_a_type_too_long_to_write_is_refused_with_its_size() -> None:
    fields = [(f"field_{n:05d}", int) for n in range(12_000)]

    with pytest.raises(SchemaTooLargeError, match=r"Wide has \d{6} bytes"):
        check(msgspec.defstruct("Wide", fields))


# --- GT-6: forms of what JSON carries as text, pinned ---

FORMS: list[tuple[Any, str, str | None]] = [
    (dt.date, "2026-01-02", "2026-01-02"),
    (dt.date, "2026-1-2", None),
    (dt.date, "20260102", None),
    (dt.date, "2026-02-30", None),
    (dt.time, "12:03:04", "12:03:04"),
    (dt.time, "12:03:04.5", "12:03:04.500000"),
    (dt.time, "12:03:04Z", "12:03:04Z"),
    (dt.time, "12:03", None),
    (dt.time, "24:00:00", None),
    (dt.datetime, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
    (dt.datetime, "2026-01-02t03:04:05z", "2026-01-02T03:04:05Z"),
    (dt.datetime, "2026-01-02 03:04:05+00:00", "2026-01-02T03:04:05Z"),
    (dt.datetime, "2026-01-02T03:04:05+05:30", "2026-01-02T03:04:05+05:30"),
    (dt.datetime, "2026-01-02T03:04:05", None),
    (dt.datetime, "2026-01-02", None),
    (dt.datetime, "9999-12-31T23:59:59-01:00", None),
    (Annotated[dt.datetime, msgspec.Meta(tz=False)], "2026-01-02T03:04:05", "2026-01-02T03:04:05"),
    (Annotated[dt.datetime, msgspec.Meta(tz=False)], "2026-01-02T03:04:05Z", None),
    (dt.timedelta, "P1DT2H", "P1DT7200S"),
    (dt.timedelta, "-PT0.5S", "-PT0.5S"),
    (dt.timedelta, "1 day", None),
    (uuid.UUID, "6f3f1b1e-7c0f-4a73-9d3c-0d1f2b0a8a11", "6f3f1b1e-7c0f-4a73-9d3c-0d1f2b0a8a11"),
    (uuid.UUID, "6F3F1B1E7C0F4A739D3C0D1F2B0A8A11", "6f3f1b1e-7c0f-4a73-9d3c-0d1f2b0a8a11"),
    (uuid.UUID, "{6f3f1b1e-7c0f-4a73-9d3c-0d1f2b0a8a11}", None),
    (bytes, "aGk=", "aGk="),
    (bytes, "aGk", None),
    (bytes, "a_k=", None),
    (Decimal, "1.50", "1.50"),
    (Decimal, "1e3", "1E+3"),
    (Decimal, "NaN", None),
    (Decimal, "Infinity", None),
    (Decimal, "1" * 34, "1" * 34),
    (Decimal, "1" * 35, None),
    (Decimal, "1e6145", None),
    (Decimal, " 1", "1"),
]


@pytest.mark.proves("GT-6")
@pytest.mark.parametrize(("hint", "text", "written"), FORMS)
def test_text_is_read_in_these_forms_and_written_in_one(
    hint: Any, text: str, written: str | None
) -> None:
    raw = msgspec.json.encode(text)

    if written is None:
        assert codes(hint, text) == ["format"]
    else:
        value = check(hint).decode(raw)
        assert msgspec.json.decode(check(hint, side="response").encode(value)) == written


@pytest.mark.proves("GT-6")
@pytest.mark.parametrize(
    ("hint", "raw", "ok"),
    [
        (int, b"1", True), (int, b"true", False), (int, b"1.0", False), (int, b"1e3", False),
        (int, b'"1"', False), (bool, b"0", False), (bool, b"1", False), (bool, b"true", True),
        (float, b"1", True), (float, b"1.5", True), (float, b'"NaN"', False),
        (float, b"NaN", False), (float, b"Infinity", False), (str, b"1", False),
        (Decimal, b"1.5", True),
        (set[int], b"[1,1,2]", True),
    ],
)  # fmt: skip
def test_nothing_is_coerced(hint: Any, raw: bytes, *, ok: bool) -> None:
    assert accepts(hint, raw) == ok


# --- GT-13 ---


def is_even(value: int) -> bool:
    return value % 2 == 0


def raises(value: Any) -> bool:
    raise KeyError(value)


class Rated(msgspec.Struct):
    n: Annotated[int, msgspec.Meta(ge=10), Check(is_even, "even", "an even number")]


@pytest.mark.proves("GT-13", "GT-10")
@pytest.mark.parametrize(
    ("hint", "value", "found"),
    [
        (Rated, {"n": 12}, []),
        (Rated, {"n": 7}, ["minimum", "even"]),
        (Rated, {"n": "x"}, ["kind"]),
        (Annotated[str, Check(raises, "x", "y")], "a", ["check"]),
        (Annotated[float, Check(float.is_integer, "whole", "a whole number")], 3, []),
        (Annotated[dt.date, Check(lambda d: d.year > 2000, "late", "2001 or later")], "1999-01-01",
         ["late"]),
        (Annotated[int, Positive], 0, ["minimum"]),
        (Annotated[int, Negative], 0, ["maximum"]),
        (Annotated[list[int], UniqueItems], [1, 2, 1], ["unique"]),
        (Annotated[list[dt.datetime], UniqueItems],
         ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"], ["unique"]),
        (Annotated[list[int], UniqueItems], [1, "x", "x"], ["unique", "kind", "kind"]),
        (Annotated[list[bool], UniqueItems], [True, False], []),
        (Annotated[str, Email], "ann@example.com", []),
        (Annotated[str, Email], "ann@example", ["format"]),
        (Annotated[str, Email], "a@b@example.com", ["format"]),
        (Annotated[str, Email], "a" * 65 + "@example.com", ["format"]),
        (Annotated[str, Url], "https://example.com:8080/a?b#c", []),
        (Annotated[str, Url], "http://localhost", []),
        (Annotated[str, Url], "ftp://example.com", ["format"]),
        (Annotated[str, Url], "https://ann@example.com/", ["format"]),
        (Annotated[str, Url], "https://", ["format"]),
        (Annotated[str, Url], "/relative", ["format"]),
        (Annotated[str, Url], "https://example.com/" + "a" * 2_040, ["format"]),
        (list[Annotated[str, Pattern("a+")] | None], ["aa", None, "b"], ["pattern"]),
        (Annotated[str, msgspec.Meta(min_length=3), Pattern("a+")], "b", ["length", "pattern"]),
    ],
    ids=map(str, range(25)),
)  # fmt: skip
def test_each_rule_that_fails_gives_its_issue(hint: Any, value: Any, found: list[str]) -> None:
    assert codes(hint, value) == found


@pytest.mark.proves("GT-13")
@pytest.mark.parametrize(
    "hint",
    [
        Annotated[int, Pattern("a")],
        Annotated[str | None, Pattern("a")],
        Annotated[int, Email],
        Annotated[set[int], UniqueItems],
        Annotated[list[Rated], UniqueItems],
        Annotated[Rated, Check(raises, "x", "y")],
        dict[Annotated[str, Pattern("a")], int],
    ],
    ids=["number", "union", "email", "set", "objects", "object", "key"],
)
def test_a_rule_at_a_kind_it_does_not_fit_is_refused(hint: Any) -> None:
    with pytest.raises(ConstraintError) as caught:
        check(hint)

    assert caught.value.remedy


# --- GT-14 ---

_ATOMS = [
    "a",
    "é",
    ".",
    r"\d",
    r"\w",
    r"\s",
    "[a-c]",
    "[^ab]",
    r"\.",
    r"[\d_-]",
    "(?:a|b)",
    r"\x41",
]
_patterns = st.recursive(
    st.sampled_from(_ATOMS),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{1,2}", "{2}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
    ),
    max_leaves=5,
)
_texts = st.text("abcé.A1_- \n\u2028é", max_size=6)


@pytest.mark.proves("GT-14")
@given(st.data(), _patterns)
def test_a_pattern_matches_whole_texts_as_another_engine_does(
    data: st.DataObject, regex: str
) -> None:
    text = data.draw(_texts | st.from_regex(re.compile(regex, re.ASCII), fullmatch=True))
    # Python's \s also takes \v; ours and RE2's do not.
    assume("\v" not in text)
    expected = re.compile(regex, re.ASCII).fullmatch(text) is not None

    event(f"matches: {expected}")
    assert matcher(regex)(text) == expected
    # What ECMA is given does not lean on what `.` or \s mean there.
    assert (re.search(rf"^(?:{to_ecma(regex)})\Z", text, re.ASCII) is not None) == expected
    assert not {"\\s", "."} & set(re.findall(r"\\s|(?<!\\)\.", to_ecma(regex)))


@pytest.mark.proves("GT-14")
def test_a_pattern_takes_all_of_the_text_and_time_linear_to_it() -> None:
    sku = Annotated[str, Pattern(r"[A-Z]{3}-\d{4}")]
    evil = Annotated[str, Pattern("(?:a+)+b")]

    assert codes(sku, "ABC-1234") == []
    assert codes(sku, "xABC-1234") == codes(sku, "ABC-1234\n") == ["pattern"]
    # A backtracking engine would not come back from this.
    assert codes(evil, "a" * 5_000) == ["pattern"]
    assert gtype(sku).json_schema()["pattern"] == r"^(?:[A-Z]{3}-\d{4})$"


@pytest.mark.proves("GT-14")
@pytest.mark.parametrize(
    "regex",
    [
        "(?=a)", "(?!a)", "(?<=a)b", r"(a)\1", "(?P<n>a)", "(?i)a", "(a", "a)", "a)(b", "[a",
        "[]a]", "[^]a]", "[[:alpha:]]", r"\Aa\z", r"\Qa\E", "a**", "a{2}{3}", "a{,5}", "{", "}",
        "]",
        r"\S[\S]",
        r"\p{Nope}", r"\07", r"[\b]",
        "*a", "a|*", r"a\\"[:-1], "a{9999}", r"\-",
    ],
)  # fmt: skip
def test_what_the_engines_do_not_share_is_refused_at_registration(regex: str) -> None:
    with pytest.raises(PatternSyntaxError) as caught:
        check(Annotated[str, Pattern(regex)])

    assert caught.value.remedy


@pytest.mark.proves("GT-14")
def test_a_pattern_of_msgspec_is_refused_with_the_line_to_write() -> None:
    with pytest.raises(ConstraintError) as caught:
        check(Annotated[str, msgspec.Meta(pattern=r"\d+")])

    assert r"Annotated[str, Pattern(r'\\d+')]" in caught.value.remedy.replace("r'\\d", "r'\\\\d")


# --- GT-16, GT-17 ---


@pytest.mark.proves("GT-16")
def test_brands_constraints_tags_and_wire_names_count() -> None:
    class Upper(msgspec.Struct, rename="upper"):
        a: int

    class Lower(msgspec.Struct):
        a: int

    class Tagged(msgspec.Struct, tag="x"):
        a: int

    hints = [
        int, Annotated[int, Brand("OrderId")], Annotated[int, Brand("UserId")],
        Annotated[int, msgspec.Meta(ge=0)], Annotated[int, Check(is_even, "even", "even")],
        Upper, Lower, Tagged, Annotated[str, Pattern("a")], str,
    ]  # fmt: skip

    assert len({gtype(hint).digest for hint in hints}) == len(hints)
    assert gtype(Annotated[int, msgspec.Meta(title="n")]).digest == gtype(int).digest


@pytest.mark.proves("GT-17")
def test_a_check_is_kept_by_name_and_told_as_unchecked_where_its_code_is_not() -> None:
    stored = gtype(Rated).to_json()

    plainly = PlainChecker(GType.from_json(stored))

    assert stored.startswith('{"gtype":1,')
    assert [rule.name for rule in plainly.type.unchecked] == [f"{__name__}.is_even"]
    assert plainly.decode(b'{"n":11}') == {"n": 11}
    with pytest.raises(ValidationFailed):
        plainly.decode(b'{"n":9}')


@pytest.mark.proves("GT-17")
@pytest.mark.parametrize(
    "stored",
    [
        '{"gtype":2,"root":{"kind":"int"}}',
        '{"root":{"kind":"int"}}',
        '{"gtype":true,"root":{"kind":"int"}}',
        "[]",
        "{",
        '{"gtype":1,"root":{"kind":"complex"}}',
        '{"gtype":1,"root":{"kind":"ref","to":1}}',
        '{"gtype":1,"root":{"kind":"int"},"more":1}',
    ],
)
def test_what_is_no_stored_type_of_this_form_is_refused(stored: str) -> None:
    with pytest.raises(UnsupportedGTypeVersionError) as caught:
        GType.from_json(stored)

    assert caught.value.remedy
