"""Where there is one strip for both, the waterfall is a tab beside the facts (UI-1, UI-3, UI-4)."""

import pytest

from tests.faces.tui import ORDER, Person, drive


@pytest.mark.proves("UI-1", "UI-3", "UI-4")
def test_on_a_low_screen_the_waterfall_is_a_tab_that_follows_the_cursor() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        assert "[timeline] waterfall source" in person.text
        await person.press("tab")
        panes = person.app.request.panes
        assert person.focused is panes.waterfall
        assert "timeline [waterfall] source" in person.text
        assert "handler place_order" in person.text
        await person.press("g")
        await person.write("12")
        await person.press("enter")
        span = panes.waterfall.rows.spans[panes.waterfall.cursor]
        assert (span.kind, span.start, span.end) == ("effect", 12, 13)
        await person.press("up", "enter")

        assert person.revision == panes.waterfall.rows.spans[panes.waterfall.cursor].start
        assert panes.waterfall.rows.spans[panes.waterfall.cursor].kind == "handler"

    drive(scenario, size=(80, 24))


@pytest.mark.proves("UI-1")
def test_a_resize_with_the_waterfall_in_front_keeps_a_pane_focused_and_the_moment() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await person.press("tab", "S")
        at = person.revision
        await person.resize(120, 36)
        panes = person.app.request.panes
        assert person.focused is panes.timeline
        assert not panes.waterfall.display
        assert "waterfall" not in person.text
        await person.press("z")
        assert "waterfall" not in person.text
        await person.press("z")
        await person.resize(80, 24)

        assert person.focused is panes.timeline
        assert "[timeline] waterfall source" in person.text
        assert person.revision == at

    drive(scenario, size=(80, 24))
