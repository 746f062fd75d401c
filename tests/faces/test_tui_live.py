"""Screen 8: gates, held requests, and what a person does about them (UI-7, GA-8…10, ST-6)."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
import pytest

from debugger.errors import AlreadyReleasedError, GatesOffError
from debugger.session import Session
from debugger.tui.compare_screen import CompareScreen
from debugger.tui.confirm import Confirm
from debugger.tui.live_rows import point_text
from debugger.tui.live_screen import LiveScreen
from debugger.tui.request_screen import RequestScreen
from eventstore import StreamId
from runtime.gate_facts import GateHit
from runtime.gates import GateView, PauseView, Wanted
from runtime.gates.views import Held
from runtime.lifecycle.editing import SetState
from tests.debugger.stores import START_US, CountedIds, Story, Ticks, memory_store, record
from tests.faces.rerun import Here, order
from tests.faces.tui import ORDER, RUNNING, Person, drive

GATE = GateView(
    gate="gate-0a1b2c3d", by="eve", match={"hook": "tax"}, when="state.total > 4", hold=300.0,
    cap=1, note=False, hits=2, paused=1,
)  # fmt: skip


class FakeGates:
    """Holds what it is told to; the first who releases wins."""

    def __init__(self) -> None:
        self.gates: list[GateView] = [GATE]
        self.paused: list[PauseView] = []
        self.done: list[tuple[object, ...]] = []
        self.is_off = False

    def hold(self, stream: StreamId, revision: int, point: str = "hook.started tax") -> None:
        request = f"req-{stream.hex}"
        self.paused.append(
            PauseView(f"{request}@{revision + 1}", request, GATE.gate, point, revision, 2.0, 28.0,
                      "not stated", "eve")
        )  # fmt: skip

    def beat(self) -> Held:
        if self.is_off:
            problem = "No process that records to this store takes gates."
            raise GatesOffError(problem, "Serve the app with `timescape serve … --gates`.")
        return Held(tuple(self.gates), tuple(self.paused))

    def arm(self, wanted: Wanted) -> str:
        self.gates.append(
            msgspec.structs.replace(GATE, gate="gate-new", match={}, when=wanted.when)
        )
        return "gate-new"

    def disarm(self, gate: str) -> Held:
        self.gates = [each for each in self.gates if each.gate != gate]
        return self.beat()

    def release(self, of: str, how: str, *, edits: Sequence[SetState] = (), fork: str = "") -> str:
        if of not in [each.pause for each in self.paused]:
            problem = f"{of} is held no more: resumed by eve."
            raise AlreadyReleasedError(problem, "eve", "resumed")
        self.paused = [each for each in self.paused if each.pause != of]
        said = (fork,) if fork else ()
        self.done.append((how, *((each.path, each.value) for each in edits), *said))
        return of

    def extend(self, of: str, seconds: float) -> float:
        self.paused = [msgspec.structs.replace(each, left=seconds + 28) for each in self.paused]
        self.done.append(("extend", seconds))
        return seconds + 28


Scenario = Callable[[Person, FakeGates, LiveScreen], Awaitable[None]]


def live(scenario: Scenario, *, unlocked: bool = True, held: int = RUNNING) -> None:
    """Be on screen 8, with one request held."""
    gates = FakeGates()

    async def play(person: Person) -> None:
        summary = person.app.requests.list.rows[held - 1]
        gates.hold(summary.stream, summary.facts)
        if unlocked:
            await person.press("!", "enter")
        await person.press("8")
        screen = person.app.screen
        assert isinstance(screen, LiveScreen)
        await scenario(person, gates, screen)

    drive(play, gates=lambda: gates)


@pytest.mark.proves("UI-7", "ST-6", "GA-10", "TT-2")
def test_gates_held_requests_and_what_comes_in_are_shown() -> None:
    async def scenario(person: Person, gates: FakeGates, screen: LiveScreen) -> None:
        assert "hook:tax state.total > 4" in person.text
        assert "hook.started tax" in person.text
        assert "28 s left  caller not stated  by eve" in person.text
        assert "1 paused" in person.lines[0]
        assert person.text.count("/cart ") == 1
        await person.press("j", "enter")
        assert person.at(RequestScreen)
        assert "1 paused" in person.lines[0]
        await person.press("8", "end", "enter")
        assert person.at(RequestScreen)

    live(scenario)


@pytest.mark.proves("GA-8", "TT-2")
def test_a_request_is_resumed_stepped_and_held_longer() -> None:
    async def scenario(person: Person, gates: FakeGates, screen: LiveScreen) -> None:
        await person.press("+")
        assert person.message == "30 s more."
        assert "58 s left" in person.text
        stream = person.app.requests.list.rows[RUNNING - 1].stream
        await person.press(";")
        assert person.message.endswith("goes to its next point.")
        await person.press(".")
        assert person.message.endswith("no request is held, or several: choose one")
        gates.hold(stream, 5)
        await person.tick()
        await person.press(".")
        assert person.message.endswith("goes on.")
        assert gates.done == [("extend", 30.0), ("step",), ("resumed",)]

    live(scenario)


@pytest.mark.proves("GA-9", "KB-4", "TT-2")
def test_a_draft_is_shown_as_a_diff_and_asked_about_before_it_goes_live() -> None:
    async def scenario(person: Person, gates: FakeGates, screen: LiveScreen) -> None:
        await person.press("~")
        await person.write("/total = 99")
        await person.press("enter")
        assert "1 edit " in person.text
        assert "/total" in person.text
        assert "121.50 → 99" in person.text
        screen.act("clear-draft")
        await person.settled()
        assert "1 edit " not in person.text
        for text in ("/total = 98", "/total = 99", '/note = "gift"'):
            await person.press("~")
            await person.write(text)
            await person.press("enter")
        await person.press(".")
        assert person.at(Confirm)
        assert "+ /note" in person.text
        await person.press("enter")
        assert gates.done == [("resumed", (("total",), 99), (("note",), "gift"))]
        await person.press("~")
        assert person.message.endswith("choose one")

    live(scenario, held=ORDER)


@pytest.mark.proves("GA-9", "WI-1", "TT-2")
def test_a_held_request_is_run_on_in_a_fork_that_its_release_names() -> None:
    gates = FakeGates()

    async def scenario(person: Person) -> None:
        session = person.app.desk.session
        stream = person.app.requests.list.rows[0].stream
        written = next(n for n, e in enumerate(session.timeline(stream).events, 1)
                       if e.type == "context.set")  # fmt: skip
        gates.hold(stream, written)
        await person.press("!", "enter", "8", "f")
        assert person.at(CompareScreen), person.text
        (fork,) = session.forks(stream)
        assert gates.done == [("forked", fork.request_id)]
        assert (
            person.message == f"The fork is {fork.request_id}; the live request went on unedited."
        )

    drive(scenario, fill=order, again=Here, gates=lambda: gates)


@pytest.mark.proves("GA-8", "GA-10", "KB-4", "TT-2")
def test_failing_a_request_asks_first_and_who_comes_second_is_told_who_was_first() -> None:
    async def scenario(person: Person, gates: FakeGates, screen: LiveScreen) -> None:
        await person.press("\\")
        assert person.at(Confirm)
        assert "GateFailedError" in person.text
        await person.press("escape")
        assert gates.done == []
        await person.press("\\")
        gates.release(gates.paused[0].pause, "resumed")
        await person.press("enter")
        assert "held no more: resumed by eve" in person.message

    live(scenario)


@pytest.mark.proves("GA-1", "TM-7", "TT-2")
def test_a_gate_is_armed_from_a_breakpoint_and_disarmed() -> None:
    async def scenario(person: Person, gates: FakeGates, screen: LiveScreen) -> None:
        await person.press("1")
        await person.open(ORDER)
        await person.press("b", "enter", "8", ":")
        await person.write("arm gate")
        await person.press("enter", "enter")
        (point,) = person.app.desk.notes.breakpoints
        assert [each.when for each in gates.gates] == ["state.total > 4", point.text]
        await person.press("home", "j", ":")
        await person.write("disarm gate")
        await person.press("enter")
        assert [each.gate for each in gates.gates] == [GATE.gate]

    live(scenario)


@pytest.mark.proves("GA-1", "KB-4", "TT-2")
def test_without_the_unlock_nothing_goes_to_a_live_request() -> None:
    async def scenario(person: Person, gates: FakeGates, screen: LiveScreen) -> None:
        for key in (".", ";", "\\", "+"):
            await person.press(key)
            assert person.message.endswith("the store is locked: ! unlocks it"), key
        assert gates.done == []

    live(scenario, unlocked=False)


@pytest.mark.proves("GA-1", "ST-1")
def test_where_nobody_takes_gates_it_is_said_how_to_and_requests_are_shown_all_the_same() -> None:
    async def scenario(person: Person, gates: FakeGates, screen: LiveScreen) -> None:
        gates.is_off = True
        await person.tick()
        assert "timescape serve … --gates" in person.text
        assert "paused" not in person.lines[0]
        assert screen.list.count > 5

    live(scenario)


@pytest.mark.proves("UI-7", "GA-2")
@pytest.mark.parametrize(
    ("point", "short", "outcome"),
    [
        ("hook.started debugger.demo.shop.tax", "hook.started tax", "paused: tax"),
        ("handler.ended post-orders", "handler.ended post-orders", "paused: post-orders"),
        ("effect.requested bank.charge", "effect.requested bank.charge", "paused: bank.charge"),
    ],
)
def test_a_point_is_named_by_what_tells_most(point: str, short: str, outcome: str) -> None:
    """80 columns cut the long name of a hook before the part that says which."""
    store, clock = memory_store(), Ticks()
    story = Story(clock).received("GET /items", "/items").add(GateHit(point, paused=True), "gate-1")
    stream = record(store, story, stream=StreamId(CountedIds().uuid7(START_US)), close=False)

    assert point_text(point) == short
    assert Session(store, clock=clock).summary(stream).outcome == outcome
