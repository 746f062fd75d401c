"""A slow store: what was seen stays, dimmed; and the screen's thread never asks it (ST-2, RN-4)."""

import asyncio
import threading
from typing import Any

import pytest

from debugger.session import RequestList, Session
from debugger.timeline import Timeline
from debugger.tui import make_app
from eventstore import Store, StreamId
from tests.faces.test_tui_forks import said
from tests.faces.tui import FAILING, ORDER, Person, drive


class Gated(Session):
    """A session that can be made to wait before it reads a request."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.gate = threading.Event()
        self.gate.set()

    def timeline(self, stream: StreamId) -> Timeline:
        assert self.gate.wait(30)
        return super().timeline(stream)


@pytest.mark.proves("ST-2", "RN-4")
def test_old_content_is_dimmed_and_never_blank_while_a_request_is_read() -> None:
    made: list[Gated] = []

    def wrap(session: Session) -> Session:
        made.append(Gated(session.store))
        return made[0]

    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        panes = person.app.request.panes
        assert "121.50" in person.text
        await person.press("1")
        made[0].gate.clear()
        person.app.requests.list.place(FAILING - 1)
        person.app.requests.act("open")
        await person.pilot.pause()
        await person.pilot.pause()
        assert person.app.pending
        assert all(pane.dimmed for pane in panes.all)
        assert "121.50" in person.text
        assert person.message == "Reading the request."
        person.app.request.act("previous-event")
        made[0].gate.set()
        await person.settled()

        assert not any(pane.dimmed for pane in panes.all)
        assert "handler.failed" in person.text

    drive(scenario, wrap=wrap)


@pytest.mark.proves("ST-2")
def test_a_preview_is_dimmed_when_it_is_late_or_run_past_and_not_by_one_step() -> None:
    made: list[Gated] = []

    def wrap(session: Session) -> Session:
        made.append(Gated(session.store))
        return made[0]

    async def scenario(person: Person) -> None:
        pane, seen = person.app.requests.preview, []
        made[0].gate.clear()
        for _ in range(2):
            person.app.requests.act("row-down")
            await person.pilot.pause()
            seen.append(pane.dimmed)
        made[0].gate.set()
        await person.settled()
        assert [*seen, pane.dimmed] == [False, True, False]

        made[0].gate.clear()
        person.app.requests.act("row-up")
        async with asyncio.timeout(30):
            while not pane.dimmed:
                await person.pilot.pause()
        made[0].gate.set()
        await person.settled()

    drive(scenario, wrap=wrap)


class Stuck(Session):
    """A session that can be made to wait before it reads the list."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.gate = threading.Event()
        self.gate.set()

    def requests(self, *words: Any, **options: Any) -> RequestList:
        assert self.gate.wait(30)
        return super().requests(*words, **options)


@pytest.mark.proves("PF-4", "ST-1")
def test_the_screen_stands_although_the_store_does_not_answer_yet() -> None:
    made: list[Stuck] = []

    def wrap(session: Session) -> Session:
        made.append(Stuck(session.store))
        return made[0]

    async def scenario(person: Person) -> None:
        made[0].gate.clear()
        app = make_app(made[0], read_only=True, tail_s=None, rest_s=0, ascii_only=False)
        async with app.run_test(size=(120, 36)) as pilot:
            other = Person(app, pilot, person.made, person.store, person.clock)
            await pilot.pause()
            assert "reading the store" in other.text
            made[0].gate.set()
            await other.settled()
            assert len(app.requests.list.rows) == len(person.app.requests.list.rows) > 0

    drive(scenario, wrap=wrap)


class Watched:
    """A store that notes in which threads it is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: list[tuple[str, bool]] = []
        self.main = threading.main_thread()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if callable(found):
            self.asked.append((name, threading.current_thread() is self.main))
        return found


@pytest.mark.proves("RN-4")
def test_no_key_lets_the_thread_of_the_screen_ask_the_store() -> None:
    made: list[Watched] = []

    def wrap(session: Session) -> Session:
        made.append(Watched(session.store))
        watched: Any = made[0]
        return Session(watched, clock=session.sources[0])

    async def scenario(person: Person) -> None:
        made[0].asked.clear()
        await person.open(ORDER)
        await person.press("S", "M", "H", "E", "X", "d", "i", "v", "tab", "W", "3", "4", "6", "7")
        await said(person, "1", "status:500")
        await person.press("escape", "space", "j", "space", "=", "1")
        await person.tick()
        names = {name for name, _ in made[0].asked}

        assert {"read", "read_log", "head"} <= names
        assert sorted({name for name, in_main in made[0].asked if in_main}) == []

    drive(scenario, wrap=wrap)


class Lingering(Gated):
    """A session that can be made to wait before it lists requests."""

    def requests(self, *asked: Any, **more: Any) -> RequestList:
        assert self.gate.wait(30)
        return super().requests(*asked, **more)


@pytest.mark.proves("ST-2", "UI-2")
def test_enter_before_a_filter_has_listed_opens_what_it_finds_and_not_what_was_shown() -> None:
    made: list[Lingering] = []

    def wrap(session: Session) -> Session:
        made.append(Lingering(session.store))
        return made[0]

    async def scenario(person: Person) -> None:
        requests = person.app.requests
        shown = requests.list.current
        made[0].gate.clear()
        requests.filter("status:500")
        requests.act("open")
        await person.pilot.pause()
        assert "1 Requests" in person.text
        made[0].gate.set()
        await person.settled()

        found = requests.list.current
        assert found is not None
        assert found != shown
        loaded = person.app.request.loaded
        assert loaded is not None
        assert loaded.timeline.stream == found.stream
        assert "2 Request" in person.text

    drive(scenario, wrap=wrap)
