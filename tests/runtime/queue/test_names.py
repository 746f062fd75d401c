"""Names of topics, and patterns of them."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from runtime.errors import TopicNameError
from runtime.queue import check_pattern, check_topic_name, matcher

segment = st.sampled_from(["a", "b", "ab", "0_"])
names = st.lists(segment, min_size=1, max_size=4).map(".".join)
patterns = st.builds(
    lambda head, tail: ".".join([*head, *tail]) or "**",
    st.lists(st.one_of(segment, st.just("*")), max_size=4),
    st.sampled_from([[], [], ["**"]]),
)


def fits(pattern: list[str], topic: list[str]) -> bool:
    """Say it segment by segment."""
    if not pattern or not topic:
        return not pattern and not topic
    if pattern == ["**"]:
        return True
    return pattern[0] in ("*", topic[0]) and fits(pattern[1:], topic[1:])


@pytest.mark.proves("QF-1")
@given(pattern=patterns, topic=names)
def test_a_pattern_has_the_topics_that_fit_segment_by_segment(pattern: str, topic: str) -> None:
    expected = fits(pattern.split("."), topic.split("."))
    event(f"fits: {expected}")

    assert matcher(check_pattern(pattern))(check_topic_name(topic)) is expected


@pytest.mark.proves("QF-1")
@pytest.mark.parametrize("name", ["", ".", "a.", "A", "a b", "a..b", "a.*", "é", "a" * 129, None])
def test_what_is_no_name_is_refused(name: object) -> None:
    with pytest.raises(TopicNameError, match="no name of a topic"):
        check_topic_name(name)


@pytest.mark.proves("QF-1")
@pytest.mark.parametrize("pattern", ["", "**.a", "a.**.b", "a*", "*a", "***", 7])
def test_what_is_no_pattern_is_refused(pattern: object) -> None:
    with pytest.raises(TopicNameError, match="no name of a subscription"):
        check_pattern(pattern)


@pytest.mark.proves("QF-1")
def test_two_stars_stand_for_one_segment_or_more() -> None:
    assert matcher("orders.**")("orders.placed.late")
    assert not matcher("orders.**")("orders")
    assert not matcher("orders.*")("orders.placed.late")
