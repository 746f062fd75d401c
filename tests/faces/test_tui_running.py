"""Requests run again from the screen: replay, lines, drafts and forks, cancelling."""

import threading
from pathlib import Path

import pytest

from debugger.session.again import Ran, Wanted
from debugger.tui.compare_screen import CompareScreen
from debugger.tui.confirm import Confirm
from debugger.tui.forks_screen import ForksScreen
from debugger.tui.request_screen import RequestScreen
from eventstore import Store
from tests.contracts.source import ROOT
from tests.faces.rerun import CHANGED, CURIOUS, Here, Stuck, order
from tests.faces.test_tui_actions import focus_path
from tests.faces.tui import Person, drive


def changed(store: Store) -> Here:
    return Here(store, CHANGED)


def curious(store: Store) -> Here:
    return Here(store, CURIOUS)


async def replayed(person: Person) -> None:
    await person.press("r")
    assert person.at(CompareScreen), person.text


@pytest.mark.proves("RP-1", "RP-2", "UI-6", "TM-12")
def test_a_replay_by_changed_code_ends_where_code_and_record_part() -> None:
    async def scenario(person: Person) -> None:
        end = person.store.end()
        await replayed(person)
        screen = person.app.comparison
        total = next(e for e in person.store.read(person.made.order) if e.key == "total")
        assert screen.verdict == f"diverged: first divergence #{total.revision} (value)"
        row = screen.rows[screen.list.cursor]
        assert (row.sign, getattr(row, "a", None)) == ("~", total.revision)
        assert "800" in person.text
        assert "1600" in person.text
        assert "first divergence (value) tests/runtime/replay/shop.py:" in person.text
        assert person.store.end() == end
        assert "No answer on record for pricing.charge" in person.message

        await person.press("n")
        assert screen.rows[screen.list.cursor].sign != "="
        await person.press("N", "N")
        assert person.message == "No earlier difference."
        many = screen.list.count
        await person.press("v")
        assert screen.list.count < many
        await person.press("v")
        assert screen.variant == "unified"
        await person.press("v", "d")
        assert screen.turned
        assert "B run again  A req-" in person.lines[0]
        await person.press("d", "N", "home", "n", "enter")

        assert person.at(RequestScreen)
        assert person.revision == total.revision
        await person.press("5")
        assert person.at(CompareScreen), person.text

    drive(scenario, fill=order, again=changed)


@pytest.mark.proves("RP-1", "UI-6")
def test_a_replay_by_the_same_code_says_same() -> None:
    async def scenario(person: Person) -> None:
        await replayed(person)
        assert person.app.comparison.verdict == "same"
        assert "facts same" in person.text
        assert {row.sign for row in person.app.comparison.rows} == {"="}
        await person.press("f")

        assert "the store is locked" in person.message

    drive(scenario, fill=order, again=Here)


@pytest.mark.proves("RP-1", "ST-3")
def test_a_replay_that_cannot_be_says_why_and_stays() -> None:
    async def scenario(person: Person) -> None:
        await person.press("r")

        assert person.message.startswith("not-replayable: ")
        assert "/card" in person.message
        assert not person.at(CompareScreen)

    drive(scenario, fill=order, again=curious)


@pytest.mark.proves("RP-1", "UI-8")
def test_without_an_app_nothing_runs_again_and_the_key_says_why() -> None:
    async def scenario(person: Person) -> None:
        await person.press("r")
        assert person.message.endswith("no app is named: start with --app module:app")
        await person.open(1)
        await person.press("colon")
        await person.write("trace")
        await person.press("enter")
        assert person.message.endswith("start with --app module:app")
        await person.press("l")

        assert "lines of facts only" in person.message

    drive(scenario, fill=order)


@pytest.mark.proves("UI-9", "RP-1")
def test_a_run_is_cancelled_and_quitting_asks() -> None:
    async def scenario(person: Person) -> None:
        app = person.app
        app.requests.act("replay")
        await person.pilot.pause()
        assert [app.desk.jobs.current is None] == [False]
        assert "esc cancels" in "".join(text for text, _ in app.requests.title_bar.right)
        app.requests.act("replay")
        assert "goes on: esc cancels it" in app.requests.bottom.message
        app.requests.act("quit")
        await person.pilot.pause()
        assert person.at(Confirm)
        confirm = app.screen
        assert isinstance(confirm, Confirm)
        confirm.action_answer(yes=False)
        await person.pilot.pause()
        app.requests.act("back")
        await person.settled()

        assert person.message.startswith("The run was cancelled.")
        assert app.desk.jobs.current is None

    drive(scenario, fill=order, again=Stuck)


@pytest.mark.proves("LN-1", "LN-2", "LN-3", "LN-4")
def test_a_traced_request_is_stepped_line_by_line_both_ways() -> None:
    async def scenario(person: Person) -> None:
        await person.open(1)
        await person.press("colon")
        await person.write("trace")
        await person.press("enter")
        screen = person.app.request
        trace = screen.trace
        assert trace is not None
        await person.press("g")
        await person.write("start")
        await person.press("enter", "l")
        assert (screen.step, person.revision) == (0, trace.lines[0].revision)
        await person.press("L")
        assert person.message == "No earlier line."
        while "net" not in {each.name for each in screen.panes.locals.frame}:
            await person.press("l")
        here = screen.step
        assert here is not None
        net = next(each for each in screen.panes.locals.frame if each.name == "net")
        assert (net.sign, net.text) == ("+", "300")
        assert 'lctx.set("net", net)' in person.text
        seen = screen.panes.locals.frame
        await person.press("l", "L")
        assert screen.panes.locals.frame == seen
        await person.press("s")
        assert getattr(screen, "step", 0) is None
        assert person.revision == trace.lines[here].revision + 1
        await person.press("L")
        assert screen.step == here
        await person.press("o")
        assert trace.lines[screen.step or 0].call == trace.lines[here].call
        await person.press("O")
        assert screen.step == here
        await person.press("U")
        assert person.message.startswith(("line ", "No earlier line out"))
        await person.press("u", "u")

        assert person.message == "No later line out."

    drive(scenario, fill=order, again=Here, roots=[ROOT])


@pytest.mark.proves("WI-1", "WI-2", "UI-6", "KB-4")
def test_a_draft_is_run_on_compared_and_kept_as_a_fork() -> None:
    async def scenario(person: Person) -> None:
        before = list(person.store.read(person.made.order))
        total = next(e.revision for e in before if e.key == "total")
        await person.open(1)
        await person.press("g")
        await person.write(str(total))
        await person.press("enter")
        await focus_path(person, "/total")
        await person.press("~")
        assert person.app.request.prompt.purpose == "edit"
        await person.press(*["backspace"] * 3)
        await person.write("40")
        await person.press("enter")
        assert person.message.startswith("Draft: /total = 40.")
        assert "draft: 1 edit" in person.lines[0]
        await person.press("~", *["backspace"] * 14)
        await person.write("stub pricing.charge = true")
        await person.press("enter", "f")
        assert person.at(Confirm)
        assert "/total = 40" in person.text
        assert "stub pricing.charge = true" in person.text
        await person.press("enter")
        assert person.at(CompareScreen), person.text
        assert "state total" in person.text
        end = person.store.end()
        await person.press("f")
        assert "the store is locked" in person.message
        assert person.store.end() == end
        await person.press("!", "enter", "f")
        assert person.message.startswith("Kept as req-")
        await person.press("6")
        assert person.at(ForksScreen)
        rows = [line for line in person.lines if f"at #{total}  edited  1 edit  " in line]
        assert len(rows) == 1
        assert list(person.store.read(person.made.order)) == before
        await person.press("j", "enter")

        location = person.app.request.location
        assert location is not None
        assert location.state.values["total"] == 40

    drive(scenario, fill=order, again=Here)


class Waits(Here):
    """Runs a request once it is let go."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.go_on = threading.Event()

    def run(self, wanted: Wanted) -> Ran:
        assert self.go_on.wait(30.0), "nobody let it go on"
        return super().run(wanted)


@pytest.mark.proves("UI-1", "UI-9")
def test_a_resize_while_a_run_goes_on_keeps_its_progress_right() -> None:
    async def scenario(person: Person) -> None:
        app = person.app
        app.requests.act("replay")
        await person.pilot.pause()
        for now_s, size, told in ((1003.0, (80, 24), "3 s"), (1007.0, (120, 36), "7 s")):
            person.clock.now_s = now_s
            await person.pilot.resize_terminal(*size)
            app.requests.tick()
            await person.pilot.pause()
            assert f"{told}, esc cancels" in person.lines[0]
            assert len(person.lines[0]) == size[0]
        await person.pilot.resize_terminal(40, 10)
        await person.pilot.pause()
        assert "60x15 is needed" in person.text
        await person.pilot.resize_terminal(80, 24)
        app.desk.jobs.cancel()
        await person.settled()

        assert "esc cancels" not in person.text
        assert app.face is app.requests

    drive(scenario, fill=order, again=Stuck)


@pytest.mark.proves("UI-9", "KB-2")
@pytest.mark.parametrize("busy_with", ["question_mark", "colon", "4"])
def test_a_run_that_ends_takes_the_screen_from_nobody(busy_with: str) -> None:
    """Whoever reads help, types, or went elsewhere meanwhile is told where it is."""
    runs: list[Waits] = []

    def waits(store: Store) -> Waits:
        runs.append(Waits(store))
        return runs[0]

    async def scenario(person: Person) -> None:
        person.app.requests.act("replay")
        await person.pilot.press(busy_with)
        await person.pilot.pause()
        screen, focused = person.app.screen, person.app.focused
        runs[0].go_on.set()
        await person.settled()
        assert person.app.screen is screen
        assert person.app.focused is focused
        assert person.message.startswith("replay req-")
        assert "has ended: 5 shows it." in person.message
        if busy_with != "4":
            await person.press("escape")
        await person.press("5")

        assert person.at(CompareScreen)
        assert person.app.comparison.verdict == "same"

    drive(scenario, fill=order, again=waits)


@pytest.mark.proves("WI-1", "KB-1")
def test_a_draft_that_cannot_be_read_says_the_forms_and_is_forgotten_on_demand() -> None:
    async def scenario(person: Person) -> None:
        await person.open(1)
        await person.press("~")
        await person.write("total")
        await person.press("enter")
        assert "answer 2 =" in person.message
        await person.press("~")
        await person.write('input /body/sku = "tea"')
        await person.press("enter")
        assert len(person.app.desk.notes.draft_of(person.made.order)) == 1
        await person.press("colon")
        await person.write("clear-draft")
        await person.press("enter")

        assert person.app.desk.notes.draft is None

    drive(scenario, fill=order, again=Here)


def test_the_app_of_these_tests_lies_where_it_is_looked_for() -> None:
    assert (Path(ROOT) / "tests/runtime/replay/shop.py").is_file()
