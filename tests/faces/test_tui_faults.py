"""What goes wrong while a request is shown: said where it belongs, and mended by the next step."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from debugger.session import Session
from debugger.timeline import Change, Timeline, Write
from debugger.tui.request_screen import Loaded
from eventstore import NewEvent, Revision, Store, StreamId
from runtime import facts
from tests.faces.test_tui_actions import focus_path
from tests.faces.tui import ORDER, RUNNING, Person, drive


class Faults:
    """Which questions fail, and whether a moment has to wait."""

    def __init__(self) -> None:
        self.writes = self.moments = 0
        """How many of the next questions fail."""
        self.gate = threading.Event()
        self.gate.set()


class Faulty(Timeline):
    """A history that can be made to fail."""

    faults: Faults

    def writes(self, path: str) -> list[Write]:
        if self.faults.writes:
            self.faults.writes -= 1
            raise MemoryError
        return super().writes(path)

    def diff(self, a: int, b: int) -> list[Change]:
        assert self.faults.gate.wait(30)
        if self.faults.moments:
            self.faults.moments -= 1
            raise MemoryError
        return super().diff(a, b)


def faulty(faults: Faults) -> Callable[[Session], Session]:
    """Give a session whose histories fail as *faults* says."""

    class FaultySession(Session):
        def timeline(self, stream: StreamId) -> Timeline:
            made = Faulty(stream, super().timeline(stream).events)
            made.faults = faults
            return made

    def wrap(session: Session) -> Session:
        return FaultySession(session.store, clock=session.sources[0])

    return wrap


@pytest.mark.proves("ST-3", "TM-5")
def test_what_a_pane_cannot_read_is_said_there_and_read_at_the_next_moment_or_by_enter() -> None:
    """A failure of one pane is no failure of another, and no moment clears it unread."""
    faults = Faults()

    async def scenario(person: Person) -> None:
        screen, panes = person.app.request, person.app.request.panes
        both: list[Any] = [panes.writes, panes.state]
        faults.writes = 2
        await person.open(ORDER)
        assert [pane.problem is None for pane in both] == [False, True]
        assert "MemoryError" in person.text
        await person.press("S")
        assert [pane.problem is None for pane in both] == [False, True]
        await person.press("S")
        assert [pane.problem is None for pane in both] == [True, True]
        assert (panes.writes.title, panes.writes.count) == ("writes /items", 2)
        for pane, name, key in zip(both, ("writes", "moments"), "jS", strict=True):
            screen.bring(panes.state)
            setattr(faults, name, 1)
            await person.press(key)
            assert pane.problem is not None
            assert not pane.dimmed
            screen.bring(pane)
            await person.press("enter")

            assert pane.problem is None
            assert person.revision == screen.target

    drive(scenario, wrap=faulty(faults))


@pytest.mark.proves("RN-4", "ST-2")
def test_a_write_that_is_not_there_takes_no_place_of_a_moment() -> None:
    """`W` finds nothing while the step before is still worked out: it is shown all the same."""
    faults = Faults()

    async def scenario(person: Person) -> None:
        screen = person.app.request
        await person.open(ORDER)
        await focus_path(person, "/items")
        await person.press("W", "W")
        assert screen.target == 11
        faults.gate.clear()
        screen.act("previous-event")
        screen.act("previous-write")
        await person.pilot.pause()
        faults.gate.set()
        await person.settled()

        assert person.revision == screen.target == 10
        assert person.message == "/items has no earlier change."
        assert not any(pane.dimmed for pane in screen.panes.all)

    drive(scenario, wrap=faulty(faults))


@pytest.mark.proves("TM-1", "TM-5")
def test_a_write_to_the_focused_place_of_a_running_request_joins_the_others() -> None:
    async def scenario(person: Person) -> None:
        panes = person.app.request.panes
        await person.open(RUNNING)
        await focus_path(person, "/cart")
        assert panes.writes.count == 1
        write(person.store, person.made.running)
        await person.tick()

        assert panes.writes.count == 2

    drive(scenario)


def write(store: Store, stream: StreamId) -> None:
    at = store.head(stream).revision
    fact = facts.ContextSet({"lines": [1]})
    event = NewEvent(fact.type, fact, "cart", 1_790_857_000_000_000)
    store.append(stream, [event], kind="request", expected=Revision(at)).result()


@pytest.mark.proves("UI-3")
def test_rows_of_the_request_before_focus_nothing_in_the_next_one() -> None:
    """A move that is heard after another request was read is no move in that one."""

    async def scenario(person: Person) -> None:
        screen, panes, session = (
            person.app.request,
            person.app.request.panes,
            person.app.desk.session,
        )
        await person.open(ORDER)
        await focus_path(person, "/items/1")
        failing = person.made.failing
        screen._take(Loaded(session.summary(failing), session.timeline(failing)), fresh=True)
        screen.on_lines_moved(panes.state.Moved(panes.state, 2))
        screen.go(7)
        await person.settled()

        assert (panes.writes.title, panes.writes.count) == ("writes /total", 1)

    drive(scenario)
