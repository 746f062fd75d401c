"""What is typed quickly, without a look at the screen between the keys (KB-2)."""

import pytest

from debugger.tui.compare_screen import CompareScreen
from tests.faces.rerun import Here, order
from tests.faces.tui import Person, drive


async def quickly(person: Person, *keys: str) -> None:
    """Send keys as a paste by a terminal multiplexer does: all at once."""
    for key in keys:
        person._send(key)
    await person.settled()


@pytest.mark.proves("KB-2", "UI-8")
def test_letters_behind_a_colon_are_no_keys_however_quickly_they_come() -> None:
    """Of `:trace` the `r` ran the request again, and `a` asked what to watch."""

    async def scenario(person: Person) -> None:
        await person.open(1)
        request = person.app.request
        await quickly(person, ":", *"trace")
        assert request.prompt.display
        assert person.focused is not None
        assert getattr(person.focused, "value", "") == "trace"
        assert person.app.desk.jobs.current is None
        await person.press("escape")
        await quickly(person, ":", *"zoom", "enter")
        assert request.panes.zoomed
        await quickly(person, "/", *"mug", "enter")
        assert request.matches
        await person.press("escape", "escape", "q")
        await quickly(person, "/", *"status:500", "enter")
        requests = person.app.requests

        assert person.app.face is requests
        assert requests._field.value == "status:500"

    drive(scenario, fill=order, again=Here)


@pytest.mark.proves("KB-2")
def test_a_field_leaves_the_keys_that_it_has_no_use_for() -> None:
    async def scenario(person: Person) -> None:
        await person.press("/", "down", "down")
        assert person.app.requests.list.cursor == 2
        await person.write("rq")
        assert person.app.requests._field.value == "rq"
        assert person.app.face is person.app.requests
        await person.press("escape", "r")

        assert not person.at(CompareScreen)
        assert "no app is named" in person.message

    drive(scenario)
