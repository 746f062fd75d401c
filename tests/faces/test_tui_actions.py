"""Every action of the registry, pressed on its screen; some at both sizes."""

from collections.abc import Awaitable, Callable

import pytest

from debugger.tui.actions import ACTIONS, BY_ID, LINES
from debugger.tui.audit_screen import AuditScreen
from debugger.tui.boards import BOARDS, board_class
from debugger.tui.chooser import Chooser
from debugger.tui.compare_screen import CompareScreen
from debugger.tui.confirm import Confirm
from debugger.tui.face import Face
from debugger.tui.forks_screen import ForksScreen
from debugger.tui.request_screen import RequestScreen
from debugger.tui.requests_screen import RequestsScreen
from debugger.tui.versions_screen import VersionsScreen
from debugger.tui.waterfall_screen import WaterfallScreen
from tests.faces.tui import FAILING, ORDER, SIZES, Person, drive

Check = Callable[[Person], Awaitable[None]]


async def step(person: Person, key: str, *, start: str, to: int) -> None:
    """Seek *start* in the order, press *key*, and be at *to*."""
    await person.open(ORDER)
    await person.press("g")
    await person.write(start)
    await person.press("enter", key)

    assert person.revision == to


def stepping(key: str, start: int, to: int) -> Check:
    async def check(person: Person) -> None:
        await step(person, key, start=str(start), to=to)

    return check


async def go_to(person: Person) -> None:
    await person.open(ORDER)
    await person.press("g")
    await person.write("50%")
    await person.press("enter")

    assert person.revision == 11


async def next_write(person: Person) -> None:
    await person.open(ORDER)
    await focus_path(person, "/total")
    await person.press("W", "W")
    assert person.revision == 14
    await person.press("w")

    assert person.revision == 17


async def previous_write(person: Person) -> None:
    await person.open(ORDER)
    await focus_path(person, "/total")
    await person.press("W")

    assert person.revision == 17
    assert "/total" in person.message
    assert "118.00 → 121.50" in person.message
    assert "shop.py:36" in person.message


async def focus_path(person: Person, path: str) -> None:
    """Put the focus on a row of the state."""
    panes = person.app.request.panes
    person.app.request.bring(panes.state)
    await person.settled()
    await person.press("home")
    while panes.state.path != path:
        before = panes.state.cursor
        await person.press("j")
        assert panes.state.cursor > before, f"there is no row {path}"


async def matches(person: Person) -> None:
    await person.open(ORDER)
    await person.press("s", "g")
    await person.write("0")
    await person.press("enter", "slash")
    await person.write("PRICING")
    await person.press("enter")
    assert person.revision == 12
    await person.press("n")
    assert person.revision == 13
    await person.press("n")
    assert person.message == "No later match."
    await person.press("N")

    assert person.revision == 12


async def next_base(person: Person) -> None:
    await person.open(ORDER)
    screen = person.app.request
    assert screen.panes.diff.count == 0
    await person.press("d")
    assert screen.panes.diff.note == "base start"
    assert screen.panes.diff.count == 2
    await person.press("d", "d")

    assert screen.panes.diff.note == "base previous"


async def raw(person: Person) -> None:
    await person.open(FAILING)
    await person.press("i")
    assert '"error": "KeyError"' in person.text
    assert person.focused is person.app.request.panes.timeline
    await person.press("i")

    assert '"error": "KeyError"' not in person.text


async def zoom(person: Person) -> None:
    await person.open(ORDER)
    panes = person.app.request.panes
    await person.press("z")
    assert [pane for pane in panes.all if pane.display] == [panes.timeline]
    assert panes.timeline.size.width == person.app.size.width
    await person.press("z")

    assert panes.state.display


async def fork(person: Person) -> None:
    await person.open(ORDER)
    await person.press("f")

    assert person.message.endswith("the store is locked: ! unlocks it")
    await person.press("colon")
    await person.write("restore")
    await person.press("enter")

    assert person.message == "restore this moment as a fork: the store is locked: ! unlocks it"


async def lines(person: Person) -> None:
    """Without a trace lines are those of facts; over and out go by hooks and handlers."""
    await step(person, "l", start="11", to=12)
    assert "shop.py:31  lines of facts only" in person.message
    for key, there in (("L", 11), ("U", 10), ("u", 20), ("o", 22), ("O", 20)):
        await person.press(key)
        assert person.revision == there, key
    await person.press("g")
    await person.write("5")
    await person.press("enter", "o", "O")

    assert person.revision == 5


async def breakpoints(person: Person) -> None:
    await person.open(ORDER)
    notes = person.app.desk.notes
    await focus_path(person, "/total")
    await person.press("b", "enter")
    assert [each.text for each in notes.breakpoints] == ["changed(state.total)"]
    assert "1 breakpoint" in person.lines[0]
    await person.press("C")
    assert person.revision == 17
    assert person.message == "Hit: changed(state.total)."
    await person.press("C", "C")
    assert (person.revision, person.message) == (14, "No earlier hit.")
    await person.press("c")
    assert person.revision == 17
    person.app.request.bring(person.app.request.panes.source)
    await person.press("b")
    assert notes.breakpoints[1].text == "line:shop.py:36"
    await person.press("colon")
    await person.write("breakpoints")
    await person.press("enter", "enter")

    assert [each.text for each in notes.breakpoints] == ["line:shop.py:36"]


async def refused(person: Person) -> None:
    """A breakpoint that cannot be read is asked for again, with a caret under the fault."""
    await person.open(ORDER)
    await person.press("b", *["backspace"] * 40)
    await person.write("state.total >> 3")
    await person.press("enter")
    caret = next(line for line in person.lines if "^ expected a value" in line)
    asked = person.lines[-1]
    assert caret.index("^") == asked.index(">> 3") + 1
    await person.press("escape")

    assert person.app.desk.notes.breakpoints == []
    assert not any("^ expected" in line for line in person.lines)


async def watch(person: Person) -> None:
    await person.open(ORDER)
    panes = person.app.request.panes
    await focus_path(person, "/total")
    await person.press("a", "enter", "W")
    assert person.focused is panes.watches
    assert "state.total  121.50  was 118.00" in person.text
    await person.press("a", "enter")

    assert panes.watches.count == 0


async def bookmark(person: Person) -> None:
    await person.press("'")
    assert person.message.endswith("there is no bookmark: * in a request sets one")
    await person.open(ORDER)
    await person.press("M", "*", "1", "'")
    assert person.at(Chooser)
    await person.press("enter")
    assert (person.at(RequestScreen), person.revision) == (True, 19)
    await person.press("*")

    assert person.app.desk.notes.bookmarks == []


async def marks(person: Person) -> None:
    await person.press("=")
    assert person.message.endswith("nothing is marked: space marks A, then B")
    await person.open(ORDER)
    await person.press("g")
    await person.write("14")
    await person.press("enter", "space", "end", "d", "d", "d")
    diff = person.app.request.panes.diff
    assert diff.note == "base A"
    assert [change.path for change in diff.changes] == ["/items/1", "/total"]
    await person.press("=")
    assert person.at(CompareScreen)
    screen = person.app.comparison
    assert screen.verdict == "different: first difference #15"
    assert "state" in {getattr(row, "part", "") for row in screen.rows}
    everything = screen.list.count
    await person.press("v")
    assert screen.list.count < everything
    await person.press("q", "escape", "1", "home", "space", "j", "space", "=")
    assert (screen.held is not None and screen.held.a.text[:4]) == "req-"
    await person.press("1", "5")

    assert person.at(CompareScreen)


async def boards(person: Person) -> None:
    await person.press("3")
    assert person.message == "No request was opened yet: enter opens one."
    await person.open(ORDER)
    await person.press("3")
    assert person.at(WaterfallScreen)
    assert "effect pricing.quote" in person.text
    await person.press("end", "enter")
    assert person.at(RequestScreen)
    assert person.app.request.timeline is not None
    assert person.app.request.timeline.fact(person.revision).type == "hook.started"
    await person.press("6")
    assert person.at(ForksScreen)
    assert "at #18  restored" in person.text
    assert "@ priced  #14" in person.text
    await person.press("end", "enter")
    assert person.revision == 14
    await person.press("7")
    assert person.at(AuditScreen)
    await person.press("enter")
    assert "as written up to position" in person.text
    await person.press("4")
    assert person.at(VersionsScreen)

    assert "No version is deployed here." in person.text


async def rows(person: Person) -> None:
    pane = person.app.requests.list
    await person.press("j", "down")
    assert pane.cursor == 2
    await person.press("k", "up")
    assert pane.cursor == 0
    await person.press("pagedown")
    assert pane.cursor == 8
    await person.press("pageup")
    assert pane.cursor == 0
    await person.press("end")
    assert pane.cursor == 8
    await person.press("home")

    assert pane.cursor == 0


async def open_failed(person: Person) -> None:
    await person.open(FAILING)

    assert person.at(RequestScreen)
    assert person.revision == 8
    assert "handler.failed" in person.lines[3 + person.app.request.panes.timeline.cursor]


async def follow(person: Person) -> None:
    await person.press("t")
    assert not person.app.requests.following
    assert "not following" in person.lines[0]
    await person.press("t")

    assert person.app.requests.following


async def copy(person: Person) -> None:
    await person.open(ORDER)
    await person.press("g")
    await person.write("17")
    await person.press("enter", "y")

    assert person.app.clipboard.startswith("#17 of 23. The handler shop.place_order set /total")


async def search(person: Person) -> None:
    await person.press("slash")
    await person.write("status:500")
    await person.press("enter")

    assert [row.status for row in person.app.requests.list.rows] == [500]
    assert person.focused is person.app.requests.list


async def command(person: Person) -> None:
    await person.press("colon")
    await person.write("open 0aa011")
    await person.press("enter")
    assert person.app.request.loaded is not None
    assert person.app.request.loaded.summary.short_id == "req-0aa011"
    await person.press("colon")
    await person.write("end")
    await person.press("enter")

    assert person.revision == 10


async def panes(person: Person) -> None:
    await person.open(ORDER)
    seen = [person.focused]
    for _ in person.app.request.panes.order:
        await person.press("tab")
        seen.append(person.focused)
    assert seen[0] is seen[-1]
    assert [getattr(pane, "id", "") for pane in seen[:3]] == [
        "timeline",
        "source",
        "diff" if person.app.size.width > 100 else "state",
    ]
    await person.press("shift+tab")

    assert person.focused is seen[-2]


async def screens(person: Person) -> None:
    await person.press("2")
    assert "No request was opened yet" in person.message
    await person.open(ORDER)
    await person.press("1")
    assert person.at(RequestsScreen)
    await person.press("2")

    assert person.at(RequestScreen)
    assert person.revision == 23


async def back(person: Person) -> None:
    await search(person)
    await person.press("escape")

    assert person.app.requests.list.count == 9


async def level_up(person: Person) -> None:
    await person.open(ORDER)
    await person.press("q")
    assert person.at(RequestsScreen)
    await person.press("q")

    assert not person.app.is_running or person.app._exit


async def unlock(person: Person) -> None:
    await person.press("exclamation_mark")
    assert person.at(Confirm)
    await person.press("enter")
    assert "WRITE 5m00s" in person.lines[0]
    await person.press("exclamation_mark")

    assert "READ-ONLY" in person.lines[0]


async def theme(person: Person) -> None:
    await person.press("colon")
    await person.write("theme")
    await person.press("enter")
    assert person.app.theme == "timescape-light"
    await person.press("colon")
    await person.write("theme dark")
    await person.press("enter")

    assert person.app.theme == "timescape-dark"


async def palette(person: Person) -> None:
    await person.open(ORDER)
    await person.press("ctrl+p")
    assert person.at(Chooser)
    await person.write("previous event")
    await person.press("enter")

    assert person.at(RequestScreen)
    assert person.revision == 22


async def help_(person: Person) -> None:
    await person.press("question_mark")
    assert person.at(Chooser)
    await person.write("W")
    assert "back to what last changed the focused key" in person.text
    assert "on to the next change" not in person.text
    await person.press("escape")

    assert person.at(RequestsScreen)


async def quit_(person: Person) -> None:
    await person.press("ctrl+q")

    assert person.app._exit


CHECKS: dict[str, Check] = {
    "next-line": lines,
    "previous-line": lines,
    "over": lines,
    "over-back": lines,
    "out": lines,
    "out-back": lines,
    "breakpoint": breakpoints,
    "breakpoints": refused,
    "next-hit": breakpoints,
    "previous-hit": breakpoints,
    "watch": watch,
    "bookmark": bookmark,
    "bookmarks": bookmark,
    "mark": marks,
    "compare": marks,
    "variant": marks,
    "comparison": marks,
    "waterfall": boards,
    "versions": boards,
    "forks": boards,
    "audit": boards,
    "restore": fork,
    "next-event": stepping("s", 3, 4),
    "previous-event": stepping("S", 3, 2),
    "next-mutation": stepping("m", 11, 14),
    "previous-mutation": stepping("M", 14, 11),
    "next-hook": stepping("h", 3, 6),
    "previous-hook": stepping("H", 8, 7),
    "next-effect": stepping("e", 3, 12),
    "previous-effect": stepping("E", 23, 13),
    "next-phase": stepping("p", 5, 10),
    "previous-phase": stepping("P", 10, 5),
    "next-failure": open_failed,
    "previous-failure": open_failed,
    "next-write": next_write,
    "previous-write": previous_write,
    "next-match": matches,
    "previous-match": matches,
    "go-to": go_to,
    "next-base": next_base,
    "raw": raw,
    "zoom": zoom,
    "fork": fork,
    "row-down": rows,
    "row-up": rows,
    "page-down": rows,
    "page-up": rows,
    "first-row": rows,
    "last-row": rows,
    "open": open_failed,
    "follow": follow,
    "copy": copy,
    "search": search,
    "command": command,
    "next-pane": panes,
    "previous-pane": panes,
    "requests": screens,
    "request": screens,
    "back": back,
    "level-up": level_up,
    "unlock": unlock,
    "theme": theme,
    "palette": palette,
    "help": help_,
    "quit": quit_,
}


def check_of(name: str) -> Check:
    """Return what asserts that the action *name* works."""
    return CHECKS[name]


RUNNING = {"copy-link", "replay", "edit", "clear-draft", "trace", "name-fork", "remove-fork"}
"""Pressed in `test_tui_running.py`, `test_tui_forks.py` and `test_tui_links.py`."""
LIVE = {"live", "resume", "step-on", "fail", "extend", "arm-gate", "disarm-gate"}
"""Pressed in `test_tui_live.py`: they need somebody who holds requests."""
NAMES = list({check: name for name, check in CHECKS.items()}.values())
# An action is the same at any width; what is asked and laid out is not.
NARROW = ("go-to", "zoom", "raw", "next-base", "request", "copy")
PRESSED = [*((name, SIZES[0]) for name in NAMES), *((name, SIZES[1]) for name in NARROW)]


@pytest.mark.proves("TT-2", "KB-1", "KB-2", "UI-1")
@pytest.mark.parametrize(("name", "size"), PRESSED, ids=[f"{n}-{w}" for n, (w, _) in PRESSED])
def test_each_key_does_what_its_action_says(name: str, size: tuple[int, int]) -> None:
    drive(check_of(name), size=size)


@pytest.mark.proves("TT-2")
def test_every_action_has_a_check_and_a_method() -> None:
    assert set(CHECKS) | RUNNING | LIVE == set(BY_ID)
    faces: list[type[Face]] = [RequestsScreen, RequestScreen, *map(board_class, BOARDS)]
    for action in ACTIONS:
        for screen in faces:
            if action.acts_on(screen.face):
                assert callable(getattr(screen, action.method, None)), f"{screen} {action.method}"


@pytest.mark.proves("KB-1", "KB-2")
def test_a_key_means_one_thing_everywhere() -> None:
    keys = [key for action in ACTIONS for key in action.keys]

    assert len(keys) == len(set(keys))
    assert not [key for key in keys if "alt+" in key]
    assert {key for key in keys if "ctrl+" in key} == {"ctrl+p", "ctrl+q"}
    assert {name for names in LINES.values() for name in names} <= set(BY_ID)
    assert all(BY_ID[name].brief for names in LINES.values() for name in names)


@pytest.mark.proves("TM-3")
def test_the_ends_of_a_history_are_said() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await person.press("s")
        assert person.message == "No later event."
        await person.press("x")
        assert person.message == "No later failure."
        await person.press("home")
        assert person.revision == 0
        await person.press("S")

        assert person.message == "No earlier event."
        assert person.revision == 0

    drive(scenario)


@pytest.mark.proves("TM-3")
def test_failures_are_stepped_both_ways() -> None:
    async def scenario(person: Person) -> None:
        await person.open(FAILING)
        await person.press("x")
        assert person.revision == 10
        await person.press("X")

        assert person.revision == 8

    drive(scenario)


@pytest.mark.proves("KB-2")
@pytest.mark.parametrize("key", ["s", "M", "w", "g", "d", "i", "z", "f"])
def test_a_key_of_a_request_says_in_the_list_why_it_cannot_act(key: str) -> None:
    async def scenario(person: Person) -> None:
        await person.press(key)

        assert person.message.endswith(": open a request first")

    drive(scenario)


@pytest.mark.proves("UI-8")
def test_the_palette_says_why_an_action_cannot_run() -> None:
    async def scenario(person: Person) -> None:
        await person.press("ctrl+p")
        await person.write("next event")

        assert "open a request first" in person.text

    drive(scenario)


@pytest.mark.proves("UI-8")
def test_an_unknown_command_is_answered_with_the_nearest() -> None:
    async def scenario(person: Person) -> None:
        await person.press("colon")
        await person.write("folow")
        await person.press("enter")

        assert "Did you mean follow?" in person.message

    drive(scenario)


@pytest.mark.proves("TM-4")
def test_a_moment_that_cannot_be_read_is_refused_with_the_forms() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await person.press("g")
        await person.write("yesterday")
        await person.press("enter")

        assert person.message.startswith("'yesterday' is no moment of this request.")
        assert person.revision == 23

    drive(scenario)
