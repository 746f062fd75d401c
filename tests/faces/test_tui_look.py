"""How screens look: keys that work now, columns below one another, nothing cut or blank."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.timeline import width
from debugger.tui.cells import width_of, wrap_cells
from debugger.tui.wording import duration
from tests.faces.test_tui_forks import said
from tests.faces.tui import FAILING, FORK, Person, drive


def keys_line(person: Person) -> str:
    return person.lines[-1]


@pytest.mark.proves("KB-1", "UI-1", "UI-8", "ST-1")
def test_the_keys_line_shows_what_works_now_and_an_empty_screen_what_to_do() -> None:
    async def scenario(person: Person) -> None:
        assert "r replay" not in keys_line(person)  # no app is named
        assert "= compare" not in keys_line(person)  # nothing is marked
        await person.press("space")
        assert "= compare" in keys_line(person)
        await person.press("5")
        assert "Nothing is compared yet." in person.text
        assert "marks one request or moment as A" in person.text
        assert "fork" not in keys_line(person)
        await person.press("8")
        assert "resume" not in keys_line(person)
        await person.open(FORK)
        await person.press("1", "escape")
        await person.open(FAILING)
        assert "x X failure" in keys_line(person)
        assert "c C breakpoint" not in keys_line(person)
        before = person.lines[3:30]
        await person.press("b")
        assert person.lines[3:30] == before  # a prompt moves no row
        await person.press("escape")
        await said(person, "b", "kind:context.set")
        assert "c C breakpoint" in keys_line(person)
        await said(person, "/", "total")
        assert keys_line(person).startswith(" n N next found")
        await person.press("escape")
        assert "next found" not in keys_line(person)

    drive(scenario, size=(120, 36))


@pytest.mark.proves("UI-1", "UI-4", "ST-3", "TM-10")
def test_at_80_columns_no_word_of_a_fault_is_cut_and_times_stand_below_one_another() -> None:
    async def scenario(person: Person) -> None:
        assert person.lines[-1].endswith("? keys" + " " * (80 - len(person.lines[-1].rstrip())))
        await person.open(FAILING)
        bottom = person.app.request.bottom
        assert bottom.size.height == 1
        await said(person, "~", "oops")
        assert bottom.size.height == 3
        assert "answer 2 =" in person.text
        await person.press("s")
        assert bottom.size.height == 1
        await person.press("3")
        rows = [line for line in person.lines if "=" in line and " ms " in line]
        starts = [line.index("=") for line in rows]
        whole, handler = rows[0].count("="), rows[1].count("=")
        assert starts[1] - starts[0] + handler <= whole
        assert rows[1].rstrip().endswith("failed")
        await person.press("1", "home", "enter", "3")
        assert "56 d" not in person.text

    drive(scenario, size=(80, 24))


@given(
    words=st.lists(st.text("ab\u6f22 ", min_size=1, max_size=30), min_size=1, max_size=6),
    room=st.integers(24, 60),
    most=st.integers(1, 4),
)
@pytest.mark.proves("UI-1")
def test_a_long_line_is_broken_within_its_room_and_says_the_same(
    words: list[str], room: int, most: int
) -> None:
    """Nothing but blanks gets lost, and what is over is left to the last line, to be cut there."""
    lines = wrap_cells([(word, "") for word in words], room, most)
    texts = ["".join(text for text, _ in line) for line in lines]

    assert 1 <= len(lines) <= most
    assert all(width_of(line) <= room for line in lines[:-1])
    assert "".join(texts).replace(" ", "") == "".join(words).replace(" ", "")
    if len(lines) < most:
        assert width(texts[-1]) <= room


@pytest.mark.proves("UI-4")
@pytest.mark.parametrize(
    ("us", "told"),
    [
        (840, "0.84 ms"), (41_200, "41.2 ms"), (412_000, "412 ms"), (12_000_000, "12 s"),
        (299_000_000, "299 s"), (300_000_000, "5 min"), (10_800_000_000, "3 h"),
        (4_850_301_000_000, "56 d"),
    ],
)  # fmt: skip
def test_a_duration_is_told_in_the_unit_people_use(us: int, told: str) -> None:
    assert duration(us) == told
