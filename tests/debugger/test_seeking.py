"""Moments as people name them (TM-4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.errors import BadInputError, DebuggerError, NoSuchMomentError
from debugger.timeline import Timeline
from runtime import facts
from tests.debugger.stores import START_US, Story, Ticks, order
from tests.strategies import STREAM, History, as_events, histories


def the_order() -> Timeline:
    """23 facts, 1 ms apart, from 12:03:01.001 on."""
    return Timeline(STREAM, tuple(as_events(order(Ticks()).events)))


@pytest.mark.proves("TM-4")
@pytest.mark.parametrize(
    ("text", "cursor", "found"),
    [
        ("17", 0, (17, True)),
        ("#17", 0, (17, True)),
        ("0", 9, (0, True)),
        ("99", 0, (23, False)),
        ("+5", 10, (15, True)),
        ("-4", 10, (6, True)),
        ("-40", 10, (0, False)),
        ("+40", 10, (23, False)),
        ("0%", 5, (0, True)),
        ("50%", 0, (11, False)),
        ("100%", 0, (23, True)),
        ("start", 9, (0, True)),
        ("end", 0, (23, True)),
        ("0ms", 9, (1, True)),
        ("5ms", 9, (6, True)),
        ("5.5 ms", 9, (6, False)),
        ("2s", 0, (23, False)),
        ("12:03:01.006", 0, (6, True)),
        ("12:03:01", 9, (0, False)),
        ("12:04", 0, (23, False)),
        ("priced", 0, (14, True)),
        ("snapshot priced", 0, (14, True)),
        (f"req-{STREAM.hex}@9", 0, (9, True)),
        ("hook audit", 0, (8, True)),
        ("hook shop.audit", 23, (8, True)),
        ("hook place_order", 0, (10, True)),
        ("shop.py:36", 0, (17, True)),
        ("shop.py:35", 23, (16, False)),
        ("shop.py:30", 23, (14, True)),
        ("shop.py:30", 12, (11, True)),
        (" 17 ", 0, (17, True)),
    ],
)
def test_a_form_means_its_moment(text: str, cursor: int, found: tuple[int, bool]) -> None:
    assert the_order().seek(text, cursor) == found


@pytest.mark.parametrize("text", ["failure", "hook nobody", "other.py:3", "snapshot none"])
def test_what_can_be_read_but_is_not_there_says_so(text: str) -> None:
    with pytest.raises(NoSuchMomentError) as caught:
        the_order().seek(text, 0)

    assert caught.value.exit == "not-found"
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["", "yesterday", "1e3", "--5", "101%", "25:00", "1.5", "٣", "+"])
def test_what_cannot_be_read_names_the_forms_and_the_snapshots(text: str) -> None:
    with pytest.raises(BadInputError, match="401ms") as caught:
        the_order().seek(text, 0)

    assert "priced" in caught.value.remedy


def test_failure_is_the_first_one() -> None:
    story = Story().received("GET /a", "/a").handler().failed()
    timeline = Timeline(STREAM, tuple(as_events(story.events)))

    assert timeline.seek("failure", 0) == (7, True)
    assert timeline.first_failure == 7


def test_a_time_of_day_after_midnight_is_the_next_day() -> None:
    midnight = START_US - START_US % 86_400_000_000 + 86_400_000_000
    story = Story(Ticks(midnight - 2_000_000, 1_000_000))
    for _ in range(4):
        story.add(facts.PhaseChanged(), "validated")
    timeline = Timeline(STREAM, tuple(as_events(story.events)))

    assert timeline.seek("00:00:01", 0) == (3, True)
    assert timeline.seek("23:59:59", 0) == (1, True)


def test_a_request_without_facts_has_a_moment() -> None:
    assert Timeline(STREAM, ()).seek("end", 0) == (0, True)
    assert Timeline(STREAM, ()).seek("5ms", 0) == (0, False)


@pytest.mark.proves("TM-4")
@given(history=histories(), data=st.data())
def test_a_time_means_the_last_moment_not_after_it(history: History, data: st.DataObject) -> None:
    timeline = Timeline(STREAM, tuple(history.events))
    passed = data.draw(st.integers(0, 2_000))
    at_us = history.events[0].at_us + passed
    found, exact = timeline.seek(f"{passed}us", 0)

    assert found == max(n for n, event in enumerate(history.events, 1) if event.at_us <= at_us)
    assert exact == (history.events[found - 1].at_us == at_us)


@given(history=histories(), text=st.text(max_size=20), cursor=st.integers(0, 5))
def test_any_text_gives_a_moment_or_a_refusal(history: History, text: str, cursor: int) -> None:
    timeline = Timeline(STREAM, tuple(history.events))
    try:
        found, _ = timeline.seek(text, min(cursor, timeline.last))
    except DebuggerError as refused:
        assert refused.remedy  # noqa: PT017 - either is right
    else:
        assert 0 <= found <= timeline.last
