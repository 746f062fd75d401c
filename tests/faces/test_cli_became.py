"""Since when something holds: `timescape blame --became` (TM-5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.session import Session
from debugger.session.watches import breakpoint_of, turned_true
from eventstore import StreamId, uuid7
from tests.debugger.stores import Story, memory_store, record, shop
from tests.faces.command_line import run

REDACTED = {"$redacted": True}


@pytest.mark.proves("TM-5", "CL-7")
def test_blame_names_the_write_by_which_a_filter_turned_true() -> None:
    store = memory_store()
    shop(store)
    said = run("blame", "0aa000", "total", "--became", "state.total > 118", store=store)
    before = run(
        "blame", "0aa000", "total", "--became", "state.total > 1", "--at", "16", store=store
    )
    never = run("blame", "0aa000", "total", "--became", "state.total > 400", store=store)
    wrong = run("blame", "0aa000", "total", "--became", "state.total >", store=store)

    assert said.err == "It turned true at #17.\n"
    assert [line.split() for line in said.out.splitlines()][1:] == [
        ["17", "context.set", "118.00", "121.50", "shop.place_order", "shop.py:36"]
    ]
    assert before.err == "It turned true at #14.\n"
    assert (never.status, "did not turn true up to #23" in never.err) == (3, True)
    assert (wrong.status, "^" in wrong.err) == (2, True)


def oracle(values: list[object]) -> int | None:
    """Return the last index of 3 that no 3 stands before; of what was there first, nothing."""
    turns = [n for n in range(len(values)) if values[n] == 3 and (n == 0 or values[n - 1] != 3)]
    return turns[-1] if turns else None


@pytest.mark.proves("TM-5", "TM-8")
@given(values=st.lists(st.sampled_from([3, 3, 4, "three", REDACTED]), max_size=8))
def test_the_last_turn_is_the_one_a_full_scan_finds(values: list[object]) -> None:
    with memory_store() as store, Session(store) as session:
        story = Story().received("GET /items", "/items")
        first = len(story.events) + 1
        for value in values:
            story.set("n", value)
        stream = record(store, story, stream=StreamId(uuid7(1, bytes(10))), close=False)
        timeline = session.timeline(stream)
        wanted = breakpoint_of("state.n == 3").predicate

        hit = turned_true(session, timeline, wanted, timeline.last)

    expected = oracle(values)
    assert hit.revision == (None if expected is None else first + expected)
    behind = values[max((expected or 0) - 1, 0) :] if expected is not None else values
    assert hit.unknown == sum(value in (REDACTED, "three") for value in behind)
