"""The plain linear form: a sentence a fact (AC-2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.timeline import Timeline, printable, sentence, subject
from eventstore import Event, NewEvent, Position, Revision, UnknownEvent
from runtime import facts
from runtime.transform_facts import TransformApplied, VersionPlaced
from runtime.undo_facts import CompensationRetried
from tests.debugger.stores import Story
from tests.strategies import STREAM, as_events, new_events


def told(*events: Event) -> str:
    return sentence(Timeline(STREAM, events), len(events))


@pytest.mark.proves("AC-2", "RN-2")
@given(drawn=st.lists(new_events, min_size=1, max_size=6))
def test_any_fact_in_any_order_is_told_in_one_printable_sentence(drawn: list[NewEvent]) -> None:
    timeline = Timeline(STREAM, tuple(as_events(drawn)))

    for revision in range(1, timeline.last + 1):
        text = sentence(timeline, revision)
        assert text.startswith(f"#{revision} of {timeline.last}. ")
        assert text.endswith(".")
        assert printable(text) == text
        assert printable(subject(timeline.fact(revision))) == subject(timeline.fact(revision))


@pytest.mark.proves("ST-5", "UP-4")
def test_a_fact_of_an_unknown_type_is_named() -> None:
    event = Event(
        Position(1), STREAM, Revision(1), "gate.armed", UnknownEvent({"a": 1}), "g\x1b", 0, None
    )

    assert told(event) == r"#1 of 1. gate.armed g\x1b."


@pytest.mark.proves("AC-2")
@pytest.mark.parametrize(
    ("story", "text"),
    [
        (Story().set("a", 1), "The runtime set /a to 1."),
        (Story().handler("h").set("a", 1).set("a", 1), "The handler h set /a to the value it had."),
        (
            Story().handler("h").set("a", [1, 2]).edit("a", facts.Change("splice", (0,), [], 1)),
            "The handler h removed /a/0, which was 1.",
        ),
        (
            Story().set("a", {"b": 1, "c": 2}).edit(
                "a", facts.Change("replace", ("b",), 3), facts.Change("replace", ("c",), 4)
            ),
            "The runtime set /a/b from 1 to 3, and 1 more.",
        ),
        (Story().set("a", 1).add(facts.ContextCleaned()), "The runtime removed all keys."),
        (
            Story().add(
                facts.HookFailed("before", facts.Failure("E"), 1, 3, will_retry=True, wait_s=0.25),
                "tax",
            ),
            "The before hook tax failed with E, attempt 1 of 3; the next follows after 0.25 s.",
        ),
        (
            Story().add(CompensationRetried(facts.Failure("E"), 1, 2), "c1"),
            "The compensation c1 failed with E, attempt 1 of 2; the next follows after 0 s.",
        ),
        (
            Story().add(facts.ContextRestored(3), "s"),
            "The runtime restored the moment #3.",
        ),
        (
            Story().add(facts.ContextRestored(3, origin="fork", by="ann"), "s"),
            "ann restored the moment #3 as a fork.",
        ),
        (
            Story().add(facts.VersionResolved(error="version-not-found"), None),
            "No version was found: version-not-found.",
        ),
        (
            Story().add(
                facts.VersionResolved(None, "query", contract="tsv:1-a-001"), "tsv:2-a-002"
            ),
            "The version tsv:2-a-002 was chosen by query, for callers of tsv:1-a-001.",
        ),
        (
            Story().add(TransformApplied("tsv:1-a-001", "request"), "tsv:2-a-002"),
            "The request of tsv:1-a-001 was made one of tsv:2-a-002.",
        ),
        (
            Story().add(
                TransformApplied("tsv:1-a-001", "request", error=facts.Failure("KeyError")),
                "tsv:2-a-002",
            ),
            "The request of tsv:1-a-001 could not be made one of tsv:2-a-002: KeyError.",
        ),
        (
            Story().add(VersionPlaced("transform-failed"), "tsv:1-a-001"),
            "The version tsv:1-a-001 ran instead: transform-failed.",
        ),
        (
            Story().add(facts.CompensationFailed(reason="not-recoverable"), "c1"),
            "The compensation c1 failed with no reason given.",
        ),
        (
            Story().add(facts.ResponseSent(200, delivered=False), "200"),
            "The answer 200 was sent; the caller was gone.",
        ),
    ],
)  # fmt: skip
def test_a_fact_is_told_as_one_would(story: Story, text: str) -> None:
    events = as_events(story.events)

    assert told(*events) == f"#{len(events)} of {len(events)}. {text}"


def test_an_edit_is_about_the_deepest_place_that_holds_all_of_it() -> None:
    lines = [facts.Change("replace", ("lines", n, "net"), 1) for n in (0, 1)]
    both = as_events(Story().edit("cart", *lines).events)[0]
    one = as_events(Story().edit("cart", lines[0]).events)[0]
    none = as_events(Story().edit("a/b").events)[0]

    assert subject(both) == "/cart/lines"
    assert subject(one) == "/cart/lines/0/net"
    assert subject(none) == "/a~1b"
