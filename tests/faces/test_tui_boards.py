"""Screens of a list and its row: versions then and now, audit and verification, small sizes."""

import pytest

from debugger.errors import RunEndedError
from debugger.session import Session
from debugger.tui.audit_screen import AuditScreen
from debugger.tui.requests_screen import RequestsScreen
from debugger.tui.versions_screen import VersionsScreen
from eventstore import Verdict
from tests.faces.rerun import order
from tests.faces.tui import Person, drive


@pytest.mark.proves("UI-5", "UI-1")
def test_versions_are_shown_as_they_were_at_a_position() -> None:
    async def scenario(person: Person) -> None:
        await person.press("4")
        screen = person.app.screen
        assert isinstance(screen, VersionsScreen)
        assert [str(row.version.edition) for row in screen.rows] == ["2026-01-01", "2026-02-01"]
        assert "current" in person.text
        await person.press("/")
        await person.write("2026-01")
        await person.press("enter")
        assert screen.list.count == 1
        await person.press("g")
        await person.write("soon")
        await person.press("enter")
        assert person.message.startswith("'soon' is no position and no time.")
        deployed = next(
            row.position
            for row in person.store.read_log(kinds=("control",))
            if row.events[0].type == "handler.deployed"
        )
        await person.press("escape", "g")
        await person.write(str(deployed))
        await person.press("enter")
        assert f"as of position {deployed}" in person.lines[0]
        assert screen.list.count == 1
        await person.resize(60, 15)
        assert "4 Versions" in person.lines[0]
        await person.press("y")
        assert "tsv:" in person.app.clipboard
        await person.press("escape", "t", "q")

        assert person.at(RequestsScreen)

    drive(scenario, fill=order)


class Slow(Session):
    """A session whose log is so long that somebody ends the check."""

    def verify(self, progress=None, *, first=1, last=None) -> Verdict:  # type: ignore[no-untyped-def]
        progress(1, 4)
        while True:
            progress(2, 4)


@pytest.mark.proves("UI-7", "AD-11", "AD-13", "UI-9")
def test_changes_are_filtered_and_a_check_of_the_log_can_be_cancelled() -> None:
    async def scenario(person: Person) -> None:
        await person.press("7")
        screen = person.app.screen
        assert isinstance(screen, AuditScreen)
        await person.press("/")
        await person.write("what:handler.deployed")
        await person.press("enter")
        assert [row.what for row in screen.rows] == ["handler.deployed"] * 2
        await person.press("/")
        await person.write("whom:ann")
        await person.press("enter")
        assert "^ expected a field's name  Did you mean `who:`?" in person.text
        await person.press("escape", "home")
        person.app.face.act("open")  # type: ignore[union-attr]
        await person.pilot.pause()
        assert "esc cancels" in "".join(text for text, _ in screen.title_bar.right)
        screen.act("back")
        await person.settled()

        assert person.message.startswith(RunEndedError.cancelled().problem)
        assert "not verified yet" in person.text

    drive(scenario, fill=order, wrap=lambda session: Slow(session.store))
