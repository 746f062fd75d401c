"""The list tells when facts stand and how often a failure came, at both sizes (UI-2)."""

import pytest

from eventstore import Store, StreamId
from tests.debugger.stores import CountedIds, Shop, Story, Ticks, record, shop
from tests.faces.tui import FAILING, ORDER, SIZES, Person, drive


def failing_thrice(store: Store, clock: Ticks) -> Shop:
    """Record the shop, whose order has failed twice before."""
    ids = CountedIds(0xC000)
    for _ in range(2):
        story = Story(clock).received("POST /orders/{order_id:int}", "/orders/3").handler()
        record(store, story.failed(), stream=StreamId(ids.uuid7(clock.now_us)))
    return shop(store, clock)


@pytest.mark.proves("UI-2")
@pytest.mark.parametrize("size", SIZES)
def test_a_failure_is_told_with_how_often_it_came_in_a_day(size: tuple[int, int]) -> None:
    async def scenario(person: Person) -> None:
        await person.press("home", *["j"] * (FAILING - 1))
        heading = next(line for line in person.lines if " failed " in line)
        assert "3 in 24 h" in heading
        assert "same fault  3 in 24 h: 2026-10-01 3" in person.text
        await person.press("j")

        assert person.app.requests.list.cursor == ORDER - 1
        assert "in 24 h" not in person.text

    drive(scenario, size=size, fill=failing_thrice)


@pytest.mark.proves("UI-2", "AC-1")
def test_a_row_shows_when_its_facts_stand_where_there_is_room() -> None:
    async def scenario(person: Person) -> None:
        failing, order = (person.lines[3 + row] for row in (FAILING, ORDER))
        assert person.lines[3].rstrip().endswith("when")
        assert failing.rstrip().endswith("x")
        assert order.rstrip()[-10:].strip(".-~=+*%#") == ""
        await person.resize(100, 36)

        assert "when" not in person.lines[3]
        assert "500 KeyError" in person.lines[3 + FAILING]

    drive(scenario, ascii_only=True)
