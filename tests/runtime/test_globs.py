"""`*` and `?` in texts that are looked for (GA-2, TT-3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.globs import glob


def slowly(wanted: str, text: str) -> bool:
    """Say the same by trying every place for every star."""
    if not wanted:
        return not text
    if wanted[0] == "*":
        return any(slowly(wanted[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and wanted[0] in ("?", text[0]) and slowly(wanted[1:], text[1:])


@pytest.mark.proves("GA-2")
@given(wanted=st.text("ab.*?", max_size=8), text=st.text("ab.", max_size=10))
def test_a_text_fits_if_there_is_a_place_for_each_piece(wanted: str, text: str) -> None:
    assert (glob(wanted).fullmatch(text) is not None) == slowly(wanted, text)


@pytest.mark.proves("GA-2")
def test_a_star_is_anything_and_letter_case_does_not_count() -> None:
    assert glob("POST /orders*").fullmatch("post /orders\n/7")
    assert glob("a?c").fullmatch("aBc")
    assert not glob("a?c").fullmatch("ac")
    assert not glob("a.c").fullmatch("abc")


@pytest.mark.proves("GA-2")
def test_no_text_makes_a_match_slow() -> None:
    """Tried in every place, these stars would take longer than there is time."""
    assert not glob("*a" * 30 + "b").fullmatch("a" * 20_000)
    assert glob("*a" * 30 + "*").fullmatch("a" * 20_000)
