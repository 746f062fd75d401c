"""Links: one text for each, and nothing that a link may not name (TM-13)."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.errors import BadInputError
from debugger.timeline.links import BASES, SCREENS, Link, is_link, read_link
from eventstore import StreamId

STREAM = StreamId(UUID("01a2111d5af2701fb1fe36f1bb96fedd"))
AT = f"timescape://shop/req-{STREAM.hex}"

any_text = st.text(st.characters(exclude_categories=()), max_size=30)
streams = st.uuids().map(StreamId)
revisions = st.integers(0, 50_000)
links = st.builds(
    Link,
    store=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True),
    stream=streams,
    revision=revisions,
    step=st.none() | st.integers(0, 200_000),
    path=any_text,
    base=st.sampled_from(("", *BASES)),
    b=st.none() | st.tuples(streams, revisions),
    screen=st.sampled_from(("", *SCREENS)),
    filter=any_text,
)


@pytest.mark.proves("TM-13")
@given(link=links)
def test_a_link_is_read_as_it_was_written_and_has_one_text(link: Link) -> None:
    text = str(link)

    assert read_link(text) == link
    assert str(read_link(text)) == text
    assert is_link(text)
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text


@pytest.mark.proves("TM-13")
def test_a_link_says_moment_line_and_view() -> None:
    other = StreamId(UUID(int=7))
    link = Link("shop", STREAM, 1729, 3, "/lines/0/net", "start", (other, 9), "compare", "a b")

    assert str(link) == (
        f"{AT}@1729.3?path=/lines/0/net&base=start&b=req-{other.hex}@9&screen=compare&filter=a%20b"
    )
    assert str(Link("shop", STREAM, 0)) == f"{AT}@0"


@pytest.mark.proves("TM-13")
@pytest.mark.parametrize(
    "text",
    [
        "https://shop/req-1@2",
        f"{AT}@01",
        f"{AT}@-1",
        f"{AT}@1?",
        f"{AT}@1?path=",
        f"{AT}@1?path=/a&path=/b",
        f"{AT}@1?run=rm",
        f"{AT}@1?screen=9",
        f"{AT}@1?base=later",
        f"{AT}@1?b=shop",
        f"{AT}@1?filter=%FF",
        f"timescape://postgresql://host/db/req-{STREAM.hex}@1",
        f"timescape://shop.db/req-{STREAM.hex}@1",
        f"timescape://host:5432/req-{STREAM.hex}@1",
        f"timescape://a@b/req-{STREAM.hex}@1",
        f"timescape:////srv/shop.db/req-{STREAM.hex}@1",
        f"{AT}@1?filter=" + "x" * 9_000,
    ],
)
def test_what_is_no_link_or_names_an_address_is_refused(text: str) -> None:
    with pytest.raises(BadInputError):
        read_link(text)
