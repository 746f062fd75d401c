"""The debugger as a talk: commands in, sentences back (BY-2, AC-2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.errors import BadInputError, DebuggerError, NoSuchMomentError, NotFoundError
from debugger.session import Session
from debugger.session.dialogue import Dialogue
from debugger.timeline import StepKind, Timeline, sentence
from tests.debugger.stores import Shop, memory_store, shop

KINDS: dict[str, StepKind] = {
    "s": "event", "m": "mutation", "h": "hook", "e": "effect", "p": "phase", "x": "failure",
    "l": "line",
}  # fmt: skip


@pytest.fixture(scope="module")
def made() -> tuple[Session, Shop]:
    store = memory_store()
    return Session(store), shop(store)


@pytest.fixture
def talk(made: tuple[Session, Shop]) -> Dialogue:
    session, requests = made
    dialogue = Dialogue(session)
    list(dialogue.answer(f"open {requests.order.hex}"))
    return dialogue


@pytest.fixture
def timeline(made: tuple[Session, Shop]) -> Timeline:
    session, requests = made
    return session.timeline(requests.order)


def said(dialogue: Dialogue, line: str) -> list[str]:
    return list(dialogue.answer(line))


@pytest.mark.proves("BY-2", "AC-2")
def test_a_letter_steps_and_the_sentence_of_the_fact_comes_back(
    talk: Dialogue, timeline: Timeline
) -> None:
    said(talk, "g 5")

    assert said(talk, "s") == [sentence(timeline, 6)]
    assert said(talk, "S") == [sentence(timeline, 5)]
    assert said(talk, "where") == [sentence(timeline, 5)]
    assert said(talk, "0") == [f"#0 of {timeline.last}. Before the first fact."]
    assert said(talk, "S") == [f"There is no earlier event. You are at #0 of {timeline.last}."]


@pytest.mark.proves("BY-2", "TM-3")
@given(walk=st.text(alphabet="sSmMhHeEpPxXlL", max_size=30))
def test_wherever_one_walks_the_steps_are_those_of_the_timeline(
    made: tuple[Session, Shop], walk: str
) -> None:
    session, requests = made
    timeline, dialogue = session.timeline(requests.order), Dialogue(session)
    list(dialogue.answer(f"open {requests.order.hex}"))
    at = dialogue.at

    for letter in walk:
        find = timeline.next if letter.islower() else timeline.previous
        at = at if (to := find(at, KINDS[letter.lower()])) is None else to
        answer = said(dialogue, letter)
        assert dialogue.at == at
        assert answer[-1].startswith(f"#{at} of ") or f"at #{at} of " in answer[-1]


@pytest.mark.proves("BY-2", "TM-5")
def test_it_is_asked_who_wrote_a_value_and_answers_with_the_line(
    talk: Dialogue, timeline: Timeline
) -> None:
    key = timeline.keys[0]
    said(talk, "end")
    write = timeline.last_change(f"/{key}", timeline.last - 1)
    assert write is not None

    answer = said(talk, f"W {key}")

    assert answer[0] == sentence(timeline, write.revision)
    assert answer[1:] == ([f"By {write.by}, {write.site}."] if write.site else [])
    assert any(line.startswith(f"/{key}") for line in said(talk, "diff"))
    assert said(talk, f"state /{key}")[0].startswith(f"/{key} is ")


@pytest.mark.proves("BY-2", "TM-5")
def test_the_change_before_the_one_one_stands_on_is_an_earlier_one(
    made: tuple[Session, Shop],
) -> None:
    session, requests = made
    timeline, dialogue = session.timeline(requests.order), Dialogue(session)
    said(dialogue, f"open {requests.order.hex}")
    key, written = next(
        (key, found)
        for key in timeline.keys
        if len(found := [w.revision for w in timeline.writes(f"/{key}") if w.changed]) > 1
    )
    said(dialogue, "end")

    back = [(said(dialogue, f"W {key}"), dialogue.at)[1] for _ in written]
    forth = [(said(dialogue, f"w {key}"), dialogue.at)[1] for _ in written[1:]]

    assert back == written[::-1]
    assert forth == written[1:]


@pytest.mark.proves("BY-2", "TM-9")
def test_a_text_is_found_again_and_again_until_there_is_no_more(
    talk: Dialogue, timeline: Timeline
) -> None:
    said(talk, "0")
    places = list(timeline.search("context"))

    found = [(said(talk, "find context"), talk.at)[1] for _ in places]

    assert len(places) > 1
    assert found == sorted(places)
    assert said(talk, "find context")[0].startswith("No later fact has it.")


@pytest.mark.proves("BY-2", "TM-4")
def test_a_request_that_failed_is_opened_where_it_first_did(made: tuple[Session, Shop]) -> None:
    session, requests = made
    timeline, dialogue = session.timeline(requests.failing), Dialogue(session)

    told = said(dialogue, f"open {requests.failing.hex}")

    assert dialogue.at == timeline.first_failure != timeline.last
    assert told[-1] == sentence(timeline, dialogue.at)


@pytest.mark.proves("BY-2", "TM-7")
def test_breakpoints_are_those_of_the_screens(talk: Dialogue, timeline: Timeline) -> None:
    said(talk, "0")
    told = said(talk, "b kind:context.set")
    first = timeline.next(0, "mutation")

    assert told == ["A breakpoint: kind:context.set. c and C go to its hits."]
    assert said(talk, "c") == [sentence(timeline, first or 0)]
    assert said(talk, "b") == ["No breakpoint any more."]
    with pytest.raises(NotFoundError):
        said(talk, "c")


@pytest.mark.proves("BY-2")
@pytest.mark.parametrize(
    ("line", "error"),
    [("g 9999", NoSuchMomentError), ("k", BadInputError), ("W", BadInputError),
     ("b (", BadInputError), ("state /nothing", NotFoundError), ("open ffff", NotFoundError),
     ("what is this", BadInputError)],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_and_nothing_moves(
    talk: Dialogue, line: str, error: type[DebuggerError]
) -> None:
    said(talk, "g 3")

    with pytest.raises(error):
        said(talk, line)

    assert talk.at == 3


@pytest.mark.proves("BY-2")
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("stat /total", "'stat' is no command, and 'stat /total' no moment. Did you mean state?"),
        ("zz", "'zz' is no command, and 'zz' no moment. `help` lists both."),
        ("g zz", "'zz' is no moment of this request."),
        ("999", "There is no moment 999."),
    ],
)
def test_a_mistyped_command_is_answered_as_one(talk: Dialogue, line: str, told: str) -> None:
    with pytest.raises(DebuggerError) as refused:
        said(talk, line)

    assert f"{refused.value.problem} {refused.value.remedy}".startswith(told)


@pytest.mark.proves("BY-2", "RN-2")
def test_no_control_byte_of_what_was_recorded_is_said(made: tuple[Session, Shop]) -> None:
    session, _ = made
    dialogue = Dialogue(session)
    for each in session.requests().requests:
        lines = said(dialogue, f"open {each.stream.hex}") + said(dialogue, "0")
        for _ in range(session.timeline(each.stream).last):
            lines += said(dialogue, "s") + said(dialogue, "diff")
        lines += said(dialogue, "state") + said(dialogue, "requests")
        assert all(line.isprintable() for line in lines)
