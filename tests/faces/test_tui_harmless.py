"""What reaches the terminal and what comes from it: no commands in data, pasted text, the mouse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from textual import events
from textual.color import Color

from debugger.errors import FilterError
from debugger.session.again import StateEdit, Unset
from debugger.session.drafts import draft_edit, suggested
from debugger.session.watches import breakpoint_of
from debugger.timeline import REQUEST_FIELDS, Timeline, parse
from debugger.timeline.pointers import split
from debugger.timeline.printable import is_hidden, printable
from debugger.tui.chooser import Chooser
from debugger.tui.fields import typed_filter
from debugger.tui.harmless import Harmless
from debugger.tui.look import TERMINAL, THEMES
from eventstore.values import encode
from tests.debugger.stores import Story, Ticks
from tests.faces.test_tui_forks import said
from tests.faces.tui import HOSTILE, ORDER, Person, drive
from tests.strategies import STREAM, as_events


async def paste(person: Person, text: str) -> None:
    event = events.Paste(text)
    event.set_sender(person.app)
    person.app.post_message(event)
    await person.settled()


def hidden(person: Person) -> set[str]:
    return {char for char in person.text if is_hidden(char)} - {"\n"}


@pytest.mark.proves("RN-2")
def test_no_prompt_sends_the_terminal_a_command_that_is_in_the_data() -> None:
    """A breakpoint, a watch and a draft are suggested for a key that holds escape sequences."""

    async def scenario(person: Person) -> None:
        await person.open(HOSTILE)
        await person.press("tab", "tab", "tab", "home")
        assert person.focused is person.app.request.panes.state
        for key in ("b", "a", "~"):
            await person.press(key)
            assert "owned" in person.lines[-1]
            assert hidden(person) == set()
            await person.press("escape")
        await person.press("b", "enter")
        assert r'changed(state["x\x1b[2J\x1b]0;owned\x07\u202eevil' in person.message
        (point,) = person.app.desk.notes.breakpoints
        await person.press("home", "1")
        person.app.requests.filter("\x1b]0;owned\x07\u202e")
        await person.settled()

        assert hidden(person) == set()
        assert not any(map(is_hidden, point.text))
        assert breakpoint_of(point.text) == point

    drive(scenario)


@pytest.mark.proves("RN-2", "AC-1")
@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\x1b[2Jb\u202e\u200b\x9b", "a[2Jb"), ("日\x07本…", "日本~"), ("plain", "plain")],
)
def test_the_last_filter_drops_what_would_command_the_terminal(text: str, shown: str) -> None:
    painted = Harmless(ascii_only=True).apply([Segment("  "), Segment(text)], Color(0, 0, 0))

    assert "".join(segment.text for segment in painted) == "  " + shown


@pytest.mark.proves("KB-2", "RN-2")
def test_pasted_text_is_no_keys_and_all_its_lines_stand_on_one() -> None:
    async def scenario(person: Person) -> None:
        await paste(person, "q\nq!")
        assert person.app.face is person.app.requests
        assert not person.at(Chooser)
        await person.press("/")
        await paste(person, "status:500\r\n\tis\u202eno\x1b[2J")

        assert person.app.requests._field.value == r"status:500 is\u202eno\x1b[2J"

    drive(scenario)


@pytest.mark.proves("RN-2", "TM-9")
def test_a_character_that_cannot_be_seen_is_typed_as_its_escape_and_means_itself() -> None:
    """Right-to-left override, zero width and a Hangul filler: dropped, or taken unseen, before."""

    async def scenario(person: Person) -> None:
        await person.press("/")
        await person.write('"')
        for char in ("\u202e", "\u200b", "\u3164"):
            event = events.Key("hidden", char)
            event.set_sender(person.app)
            person.app.post_message(event)
            await person.settled()
        await person.write('evil"')
        field = person.app.requests._field
        assert field.value == r'"\u202e\u200b\u3164evil"'
        assert hidden(person) == set()
        person.app.requests.filter('principal:"\u202eann"')
        await person.settled()

        assert field.value == r'principal:"\u202eann"'
        assert parse(field.value, REQUEST_FIELDS) == parse('principal:"\u202eann"', REQUEST_FIELDS)

    drive(scenario)


@pytest.mark.proves("RN-2", "TM-9")
@given(text=st.text(max_size=40))
def test_a_filter_is_shown_as_it_can_be_seen_and_means_the_same(text: str) -> None:
    shown = typed_filter(text)

    assert printable(shown) == shown
    try:
        meant = parse(text, REQUEST_FIELDS)
    except FilterError:
        return
    assert parse(shown, REQUEST_FIELDS) == meant


@pytest.mark.proves("RN-2", "WI-1")
@given(text=st.text(max_size=20))
def test_a_draft_is_suggested_as_it_can_be_seen_and_read_again(text: str) -> None:
    timeline = Timeline(STREAM, tuple(as_events(Story(Ticks()).set("name", encode(text)).events)))
    line = suggested(timeline, 1, "/name")

    assert printable(line) == line
    assert draft_edit(line) == StateEdit(("name",), encode(text))


@pytest.mark.proves("UI-1", "UI-8", "KB-1")
def test_the_mouse_runs_what_the_keys_line_shows_and_brings_a_pane_by_its_name() -> None:
    async def scenario(person: Person) -> None:
        line = person.lines[-1]
        await person.pilot.click("#bottom", offset=(line.index("/ search") + 3, 0))
        await person.settled()
        assert person.focused is person.app.requests._field
        await person.press("escape")
        await person.pilot.click("#bottom", offset=(line.index("? keys") + 2, 0))
        await person.settled()
        assert person.at(Chooser)
        await person.press("escape")
        await person.pilot.click("#bottom", offset=(79, 0))
        assert not person.at(Chooser)
        await person.open(ORDER)
        panes = person.app.request.panes
        heading = next(line for line in person.lines if "[state]" in line)
        await person.pilot.click("#state", offset=(heading.index("writes") + 1, 0))
        await person.settled()
        assert panes.writes.has_focus
        assert "[writes]" in person.text
        assert "[state]" not in person.text
        await person.pilot.click("#writes", offset=(79, 0))
        await person.pilot.click("#writes", offset=(0, 0))

        assert panes.writes.display

    drive(scenario, size=(80, 24))


@pytest.mark.proves("AC-1")
def test_without_colours_the_terminals_own_are_used_and_signs_say_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(person: Person) -> None:
        for key in ("", "2", "?"):
            await person.press(*filter(None, (key,)))
            assert _colours(person) == {"default"}
        await person.press("escape")
        await said(person, "colon", "theme light")
        assert person.message.startswith("NO_COLOR is set")
        assert person.app.desk.theme == TERMINAL
        await person.press("1")
        (row,) = [line for line in person.lines if line.startswith("▸")]

        assert "fork @18" in row

    drive(scenario)


@pytest.mark.proves("AC-1")
def test_the_terminals_own_colours_are_one_of_the_themes() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        assert _colours(person) != {"default"}
        await said(person, "colon", "theme terminal")
        assert person.message == "Colours: terminal."
        assert _colours(person) == {"default"}
        for colours in THEMES[2:3]:
            await said(person, "colon", f"theme {colours.name}")

            assert colours.ground in _colours(person)

    drive(scenario)


def _colours(person: Person) -> set[str]:
    strips = person.app.screen._compositor.render_strips()
    styles = [s.style for strip in strips for s in strip if s.style and s.text.strip()]
    return {colour.name for s in styles for colour in (s.color, s.bgcolor) if colour is not None}


@pytest.mark.proves("AC-1")
def test_the_terminals_cursor_stays_on_the_focused_row_when_the_view_moves() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        pane = person.app.request.panes.timeline
        await person.press("home", *["j"] * 6)
        pane._scroll_view(3)

        assert pane.top == 3
        assert person.app.cursor_position.y == pane.region.y + pane._line_of(pane.cursor)

    drive(scenario, size=(80, 24))


@pytest.mark.proves("WI-1")
@pytest.mark.parametrize("path", ["/odd key", "/a=b", "/plain", "/two  words/0"])
def test_a_draft_may_name_any_key(path: str) -> None:
    edit = draft_edit(f"{path} = 3")

    assert isinstance(edit, StateEdit)
    assert edit.path == tuple(split(path))
    assert draft_edit(f"unset {path}") == Unset(tuple(split(path)))
