"""Recorded text is data (RN-2)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from debugger.timeline import fit, is_hidden, printable, shown, width
from debugger.timeline.pointers import ABSENT
from tests.debugger.stores import HOSTILE
from tests.strategies import trees

_SINGLE = "\0\x07\x1b\n\r\t\x7f\x85\x9b\u00ad\u200b\u200d\u202e\u2066\u2028\ufeff\ufe0f\u0301\u20dd"
_OTHERS = (
    "\ud800", "\udfff", "\U0001f1e9", "\U0001f3fd", "\U000e0041", "\u115f", "日", "é", "[red]"
)  # fmt: skip
NASTY = st.sampled_from([*_SINGLE, *_OTHERS])
texts = st.lists(st.one_of(NASTY, st.characters(exclude_categories=()), st.just("a"))).map("".join)
CONTROL = {"Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co"}


@pytest.mark.proves("RN-2")
@given(text=texts)
def test_nothing_that_moves_a_cursor_or_hides_is_left(text: str) -> None:
    clean = printable(text)

    assert not {char for char in clean if unicodedata.category(char) in CONTROL}
    assert not any(map(is_hidden, clean))
    clean.encode("utf-8")


@pytest.mark.proves("RN-2")
@given(text=texts)
def test_done_twice_is_done_once(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@pytest.mark.proves("RN-2")
@given(text=texts)
def test_its_width_is_known_and_the_screen_agrees(text: str) -> None:
    clean = printable(text)

    assert width(clean) == cell_len(clean)


@given(text=st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@given(text=texts, cells=st.integers(0, 30))
def test_a_cut_text_fits_and_a_short_one_is_whole(text: str, cells: int) -> None:
    clean = printable(text)
    cut = fit(clean, cells)

    assert width(cut) <= cells
    assert (cut == clean) == (width(clean) <= cells)


def test_the_hostile_sample_is_shown_escape_by_escape() -> None:
    assert printable(HOSTILE) == (
        r"\x1b[2J\x1b]0;owned\x07\u202eevil\u2066\u200b[red]markup[/red]\r\nnext\t\x9b31m\x00"
    )


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\u0301a", r"\u0301a"),  # a mark with nothing to stand on
        ("e\u0301", "e\u0301"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + r"\u0301" + "\u0301"),
        ("日本", "日本"),
        ("\ud83d", r"\ud83d"),
        ("👍\U0001f3fd", "👍\\U0001f3fd"),
        (r"C:\new", r"C:\new"),
        ("\U0001f1e9\U0001f1ea", r"\U0001f1e9\U0001f1ea"),
        ("\u06dd\U0001d173", r"\u06dd\U0001d173"),
    ],
)
def test_each_kind_of_text_is_shown_as_expected(text: str, seen: str) -> None:
    assert printable(text) == seen


# --- values ---


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (None, "null"),
        (True, "true"),
        (-0.0, "-0.0"),
        ("a\nb", r'"a\nb"'),
        ({"a": [1, "x"]}, '{"a": [1, "x"]}'),
        ({"$decimal": "118.00"}, "118.00"),
        ({"$tuple": [1, {"$float": "nan"}]}, "(1, nan)"),
        ({"$set": [1, 2]}, "{1, 2}"),
        ({"$dict": [[1, "a"], [{"$tuple": [2]}, "b"]]}, '{1: "a", (2): "b"}'),
        ({"$obj": ["shop.Item@1", {"sku": "mug"}]}, 'Item("sku": "mug")'),
        ({"$enum": ["shop.Color", "RED"]}, "Color.RED"),
        ({"$redacted": True}, "<redacted>"),
        ({"$sealed": ["k", "AAAA"]}, "<sealed>"),
        ({"$bytes": "aGVsbG8="}, "<5 bytes 68656c6c6f>"),
        ({"$str": "7aCA"}, r'"\ud800"'),
        ({"$timedelta": [1, 2, 3]}, "1 day, 0:00:02.000003"),
        ({"$datetime": ["2026-10-25T02:30:00+01:00[Europe/Paris]", 1]},
         "2026-10-25T02:30:00+01:00[Europe/Paris] (second time)"),
        ({"$int": "0x8000000000000000"}, "0x8000000000000000"),
        ({"$unknown": [1]}, '{"$unknown":[1]}'),
        (ABSENT, "absent"),
    ],
)  # fmt: skip
def test_an_encoded_value_is_shown_for_people(value: object, seen: str) -> None:
    assert shown(value) == seen


@pytest.mark.proves("RN-2", "RN-5")
@given(tree=trees, cells=st.integers(1, 40))
def test_any_value_is_shown_on_one_safe_line_of_the_width_asked(tree: object, cells: int) -> None:
    line = shown(tree, cells)

    assert printable(line) == line
    assert width(line) <= cells


@pytest.mark.proves("TT-1")
def test_ten_megabytes_and_a_thousand_levels_are_cut_short() -> None:
    deep: object = 1
    for _ in range(1_000):
        deep = [deep]

    assert len(shown("x" * 10_000_000)) <= 4_096
    assert len(shown({"$bytes": "AAAA" * 2_500_000})) < 80
    assert len(shown([list(range(1_000))] * 10_000)) <= 4_096
    assert shown(deep, 20) == "[" * 19 + "…"
