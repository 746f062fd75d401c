"""One request: where it opens, what the panes say, hostile text, live ones, sizes."""

import pytest

from debugger.session import Session
from debugger.timeline import is_hidden
from debugger.tui.requests_screen import RequestsScreen
from eventstore import NEW, Store, StreamId
from runtime import facts
from tests.debugger.stores import CountedIds, Shop, Story, Ticks, record, shop
from tests.faces.test_tui_actions import focus_path
from tests.faces.tui import (
    FAILING,
    FORK,
    HOSTILE,
    ORDER,
    RUNNING,
    SIZES,
    Person,
    drive,
)


@pytest.mark.proves("UI-2", "UI-3")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_a_failed_request_opens_at_its_first_failure(size: tuple[int, int]) -> None:
    async def scenario(person: Person) -> None:
        await person.open(FAILING)

        assert person.revision == 8
        assert "500 KeyError" in person.lines[0]
        assert "handler.failed" in person.text
        assert "#8" in person.lines[1]

    drive(scenario, size=size)


@pytest.mark.proves("UI-2")
def test_a_request_that_went_well_opens_at_its_end() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)

        assert person.revision == 23

    drive(scenario)


@pytest.mark.proves("UI-3", "TM-12", "TM-6")
def test_all_panes_speak_of_the_same_moment() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await person.press("g")
        await person.write("17")
        await person.press("enter")
        panes = person.app.request.panes

        assert "#17 of 23" in person.lines[1]
        assert "17 16.000 ~  context.set" in person.text
        assert panes.diff.title == "diff #16 → #17"
        assert "~ /total  118.00 → 121.50" in person.text
        assert panes.state.title == "state @ #17"
        assert "total  121.50  was 118.00" in person.text
        assert "#17 place_order" in person.text
        assert panes.source.title == "source shop.py"
        assert ">   36 line 36 of the shop" in person.text

    drive(scenario)


@pytest.mark.proves("TM-5")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_asking_who_wrote_a_key_arrives_at_the_fact_and_the_line(size: tuple[int, int]) -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await focus_path(person, "/total")
        await person.press("W", "W")
        assert person.revision == 14
        assert "set 118.00 by place_order at shop.py:30" in person.message
        source = person.app.request.panes.source.source
        assert source is not None
        assert source.line == 30
        await person.press("W")

        assert person.message == "/total has no earlier change."
        assert person.revision == 14

    drive(scenario, size=size)


@pytest.mark.proves("TM-5")
def test_the_focused_leaf_shows_its_whole_history() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await focus_path(person, "/total")
        writes = person.app.request.panes.writes
        assert writes.title == "writes /total"
        assert [write.revision for write in writes.writes] == [14, 17]
        assert writes.cursor == 1
        person.app.request.bring(writes)
        await person.settled()
        await person.press("k", "enter")

        assert person.revision == 14
        assert writes.cursor == 0

    drive(scenario)


@pytest.mark.proves("TM-5")
def test_the_focus_stays_on_a_leaf_through_moments_without_it() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await focus_path(person, "/total")
        await person.press("g")
        await person.write("3")
        await person.press("enter", "w")

        assert person.app.request.path == "/total"
        assert person.revision == 14

    drive(scenario)


@pytest.mark.proves("RN-5")
def test_parts_of_the_state_fold_and_unfold() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await focus_path(person, "/items")
        state = person.app.request.panes.state
        before = state.count
        await person.press("enter")
        assert state.count < before
        assert state.path == "/items"
        await person.press("enter")
        assert state.count == before
        await person.press("end", "enter")

        assert person.message == "There is nothing to unfold."

    drive(scenario)


@pytest.mark.proves("TM-12")
def test_a_row_of_the_difference_leads_to_its_place_in_the_state() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await person.press("g")
        await person.write("17")
        await person.press("enter")
        screen = person.app.request
        screen.bring(screen.panes.diff)
        await person.settled()
        await person.press("enter")

        assert person.focused is screen.panes.state
        assert screen.panes.state.path == "/total"

    drive(scenario)


@pytest.mark.proves("TM-4")
def test_enter_on_a_line_of_source_goes_to_the_facts_that_came_from_it() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        screen = person.app.request
        await person.press("g")
        await person.write("shop.py:36")
        await person.press("enter")
        assert person.revision == 17
        screen.bring(screen.panes.source)
        await person.settled()
        await person.press("j", "enter")
        assert person.revision == 18
        await person.press("home", "enter")

        assert person.message == "No fact of this request came from that line."

    drive(scenario)


@pytest.mark.proves("UI-3")
def test_a_click_on_the_scrubber_seeks() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await person.pilot.click("#scrubber", offset=(6, 0))
        await person.settled()

        assert person.revision == 1

    drive(scenario)


@pytest.mark.proves("UI-3")
def test_a_click_on_a_row_of_the_timeline_goes_there() -> None:
    async def scenario(person: Person) -> None:
        await person.open(FAILING)
        await person.pilot.click("#timeline", offset=(12, 4))
        await person.settled()

        assert person.revision == 3

    drive(scenario)


@pytest.mark.proves("RN-2", "RN-3", "ST-5")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_hostile_text_is_shown_escaped_in_every_pane(size: tuple[int, int]) -> None:
    async def scenario(person: Person) -> None:
        await person.press("j")
        seen = [person.text]
        await person.press("enter")
        screen = person.app.request
        for revision in range(screen.loaded.timeline.last + 1 if screen.loaded else 0):
            screen.go(revision)
            await person.settled()
            for pane in screen.panes.all:
                screen.bring(pane)
                await person.settled()
                seen.append(person.text)
        everything = "".join(seen)

        assert [char for char in everything if char != "\n" and is_hidden(char)] == []
        assert "\\x1b[2J" in everything
        assert "[red]markup[/red]" in everything

    drive(scenario, size=size)


@pytest.mark.proves("RN-2")
def test_what_is_copied_is_escaped_too() -> None:
    async def scenario(person: Person) -> None:
        await person.open(HOSTILE)
        await person.press("g")
        await person.write("9")
        await person.press("enter", "y")

        assert person.app.clipboard
        assert [char for char in person.app.clipboard if is_hidden(char)] == []

    drive(scenario)


@pytest.mark.proves("TM-1", "UI-2")
def test_a_running_request_grows_and_the_cursor_stays() -> None:
    async def scenario(person: Person) -> None:
        await person.open(RUNNING)
        assert person.revision == 7
        await person.press("S")
        add(person, Story(Ticks(1_790_900_000_000_000)).set("cart", {"lines": [1]}))
        await person.tick()
        assert person.app.request.panes.timeline.count == 9
        assert person.revision == 6
        await person.press("t")
        assert person.revision == 8
        add(person, Story(Ticks(1_790_900_001_000_000)).sent(200), expected=8, close=True)
        await person.tick()

        assert person.revision == 9
        assert "200" in person.lines[0]

    drive(scenario)


def add(person: Person, story: Story, *, expected: int = 7, close: bool = False) -> None:
    """Let the server go on with the running request."""
    person.store.append(
        person.made.running, story.events, kind="request", expected=expected, close=close
    ).result()


@pytest.mark.proves("TM-1")
def test_an_ended_request_cannot_be_followed() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await person.press("t")

        assert person.message.endswith("the request has ended")

    drive(scenario)


# --- sizes ---


@pytest.mark.proves("UI-1")
def test_a_resize_keeps_cursor_focus_and_filter() -> None:
    async def scenario(person: Person) -> None:
        await person.press("slash")
        await person.write("status:500")
        await person.press("enter", "enter")
        await focus_path(person, "/total")
        screen = person.app.request
        for size in ((80, 24), (70, 16), (40, 10), (200, 60), (120, 36)):
            await person.resize(*size)
            assert person.revision == 8
            assert person.focused is screen.panes.state
            assert screen.panes.state.path == "/total"
        await person.press("q")

        assert person.app.requests._field.value == "status:500"
        assert person.app.requests.list.count == 1

    drive(scenario)


@pytest.mark.proves("UI-1")
def test_a_screen_too_small_names_the_size_that_is_needed() -> None:
    async def scenario(person: Person) -> None:
        await person.resize(50, 12)
        assert person.text.strip() == "60x15 is needed, not 50x12"
        await person.resize(80, 24)

        assert "requests" in person.text

    drive(scenario)


@pytest.mark.proves("UI-1")
def test_a_low_screen_shows_the_focused_pane_alone() -> None:
    async def scenario(person: Person) -> None:
        await person.open(FAILING)
        panes = person.app.request.panes
        assert [pane for pane in panes.all if pane.display] == [panes.timeline]
        await person.press("tab", "tab", "tab")

        assert [pane for pane in panes.all if pane.display] == [panes.state]

    drive(scenario, size=(80, 18))


@pytest.mark.proves("UI-1")
def test_a_narrow_screen_has_a_tab_strip_on_each_half() -> None:
    async def scenario(person: Person) -> None:
        await person.open(FAILING)
        assert any("[timeline] waterfall source" in line for line in person.lines)
        assert any("[state] diff writes fact" in line for line in person.lines)
        await person.press("tab", "tab")

        assert any("timeline waterfall [source]" in line for line in person.lines)
        assert any("[state] diff writes fact" in line for line in person.lines)

    drive(scenario, size=(80, 24))


# --- restore as a fork ---


@pytest.mark.proves("RS-11", "KB-4")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_a_moment_is_restored_as_a_fork_and_the_original_is_left_alone(
    size: tuple[int, int],
) -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        before = list(person.store.read(person.made.order))
        await person.press("g")
        await person.write("14")
        await person.press("enter", "exclamation_mark", "enter", "f")
        assert "restore #14 as a fork" in person.text
        assert "Not rewound: nothing was done to the outside after it." in person.text
        await person.press("enter")

        made = list(person.store.forks_of(person.made.order))
        assert len(made) == 2
        assert person.message.startswith(f"Restored #14 as req-{made[-1].hex};")
        fork = Session(person.store).timeline(made[-1])
        original = Session(person.store).timeline(person.made.order)
        assert fork.state_at(fork.last).values == original.state_at(14).values
        assert list(person.store.read(person.made.order)) == before

    drive(scenario, size=size)


@pytest.mark.proves("RS-11")
def test_on_a_fact_that_took_a_snapshot_the_snapshot_is_restored() -> None:
    async def scenario(person: Person) -> None:
        await person.open(ORDER)
        await person.press("g")
        await person.write("15")
        await person.press("enter", "exclamation_mark", "enter", "f")
        assert "restore snapshot priced, #14 as a fork" in person.text
        await person.press("enter", "q")
        await person.tick()
        newest = person.app.requests.list.rows[0]

        assert newest.parent == person.made.order
        assert newest.outcome == "fork @14"

    drive(scenario)


@pytest.mark.proves("RS-11", "KB-4", "TT-2")
def test_nothing_is_written_unless_it_was_unlocked_and_agreed_to() -> None:
    async def scenario(person: Person) -> None:
        end = person.store.end()
        await person.open(ORDER)
        await person.press("f")
        assert person.message.endswith("the store is locked: ! unlocks it")
        await person.press("exclamation_mark", "escape", "f")
        assert person.message.endswith("the store is locked: ! unlocks it")
        await person.press("exclamation_mark", "enter", "f", "escape")
        assert person.store.end() == end
        await person.press("f")
        person.clock.now_s += 301
        await person.press("enter")

        assert person.message == "restore: the store is locked: ! unlocks it"
        assert person.store.end() == end

    drive(scenario)


@pytest.mark.proves("KB-4")
@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
def test_read_only_takes_the_lock_s_key_away(size: tuple[int, int]) -> None:
    async def scenario(person: Person) -> None:
        await person.press("exclamation_mark")
        assert "opened for reading only" in person.message
        assert person.at(RequestsScreen)
        await person.open(ORDER)
        await person.press("f")

        assert "opened for reading only" in person.message

    drive(scenario, size=size, read_only=True)


@pytest.mark.proves("UI-2")
def test_a_fork_opens_with_the_facts_it_shares() -> None:
    async def scenario(person: Person) -> None:
        await person.open(FORK)

        assert person.revision == 19
        assert "fork @18" in person.lines[0]
        assert "request.received" in (await top(person))

    drive(scenario)


async def top(person: Person) -> str:
    await person.press("home")
    return person.text


@pytest.mark.proves("ST-5")
def test_a_fact_of_a_kind_this_program_does_not_know_is_shown_as_stored() -> None:
    def future(store: Store, clock: Ticks) -> Shop:
        made = shop(store, clock)
        story = Story(clock).received("GET /later", "/later")
        stream = StreamId(CountedIds(0xD000).uuid7(clock.now_us))
        store.append(stream, story.events, kind="request", expected=NEW).result()
        # A type registered by nobody: plain data under a new name.
        event = story.events[0].__class__("tomorrow.came", {"sun": "\x1b[31m"}, "sky", clock())
        store.append(stream, [event], kind="request", expected=5).result()
        return made

    async def scenario(person: Person) -> None:
        await person.press("home", "enter")
        assert "tomorrow.came" in person.text
        await person.press("i")

        assert "does not know the type: shown as stored" in person.text
        assert '"sun": "\\u001b[31m"' in person.text

    drive(scenario, fill=future)


@pytest.mark.proves("ST-5")
def test_what_was_redacted_says_so() -> None:
    def redacted(store: Store, clock: Ticks) -> Shop:
        made = shop(store, clock)
        story = Story(clock).received("POST /pay", "/pay", {"card": {"$redacted": True}})
        story.set("card", {"$redacted": True}).add(facts.HandlerEnded(), "x").sent()
        record(store, story, stream=StreamId(CountedIds(0xD000).uuid7(clock.now_us)))
        return made

    async def scenario(person: Person) -> None:
        await person.press("home", "enter")

        assert "card  <redacted>" in person.text
        assert 'body        {"card": <redacted>}' in await preview(person)

    async def preview(person: Person) -> str:
        await person.press("q")
        return person.text

    drive(scenario, fill=redacted)
