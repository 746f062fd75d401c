"""Messages on a stream: whole or refused, whatever the pieces they come in."""

import io
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debugger.dap import framing
from debugger.dap.framing import framed, read_message
from debugger.dap.protocol import OfThread, SetBreakpoints, read, read_asked
from debugger.errors import BadInputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_messages = st.dictionaries(_texts, _texts | st.integers(-9, 9) | st.none(), max_size=4)


class Pieces(io.RawIOBase):
    """Bytes that come in pieces of the sizes drawn, then of 64."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data, self._sizes = data, sizes

    def readable(self) -> bool:
        return True

    def readinto(self, into: "WriteableBuffer") -> int:
        room = memoryview(into).cast("B")
        size = min(self._sizes.pop() if self._sizes else 64, len(room))
        piece, self._data = self._data[:size], self._data[size:]
        room[: len(piece)] = piece
        return len(piece)


@pytest.mark.proves("BY-1")
@given(messages=st.lists(_messages, max_size=5), sizes=st.lists(st.integers(1, 40), max_size=9))
def test_what_is_framed_is_read_whatever_the_pieces(
    messages: list[dict[str, object]], sizes: list[int]
) -> None:
    stream = io.BufferedReader(Pieces(b"".join(map(framed, messages)), sizes))

    assert [json.loads(read_message(stream) or b"") for _ in messages] == messages
    assert read_message(stream) is None


@pytest.mark.proves("BY-1")
@given(messages=st.lists(_messages, min_size=1, max_size=3), cut=st.integers(1, 30))
def test_a_stream_that_is_cut_gives_what_was_whole_and_refuses_the_rest(
    messages: list[dict[str, object]], cut: int
) -> None:
    last = len(framed(messages[-1]))
    data = b"".join(map(framed, messages))
    stream = io.BufferedReader(io.BytesIO(data[: -1 - cut % (last - 1)]))

    for message in messages[:-1]:
        assert json.loads(read_message(stream) or b"") == message
    with pytest.raises(BadInputError):
        read_message(stream)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"Content-Length: 99999999\r\n\r\n", "larger than"),
        (b"Content-Length: 9999999999\r\n\r\n", "no length"),
        (b"Content-Length: -1\r\n\r\n", "no length"),
        (b"Content-Type: x\r\n\r\n{}", "how long"),
        (b"X" * (framing.MOST_HEADER + 1), "headers"),
        (b"A: b\n" * framing.MOST_HEADER, "headers"),
    ],
)
@pytest.mark.proves("BY-1")
def test_wrong_and_endless_headers_are_refused(data: bytes, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        read_message(io.BytesIO(data))


@pytest.mark.proves("BY-1")
def test_names_of_headers_have_no_case_and_others_are_passed_by() -> None:
    assert read_message(io.BytesIO(b"x-y: z\r\nCONTENT-length:2\r\n\r\n{}")) == b"{}"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"seq":"1","command":"next"}', b"[" * 99_999])
@pytest.mark.proves("BY-1")
def test_what_is_no_request_is_refused_not_read(body: bytes) -> None:
    with pytest.raises(BadInputError, match="no request"):
        read_asked(body)


@pytest.mark.proves("BY-1")
def test_arguments_of_another_kind_are_refused_by_the_name_of_their_field() -> None:
    asked = read_asked(b'{"seq":1,"command":"next","arguments":{"threadId":"one"}}')
    with pytest.raises(BadInputError, match=r"`next` cannot be read: .*threadId"):
        read(asked, OfThread)
    deep = b'{"seq":1,"command":"x","arguments":{"source":' + b"[" * 9_000 + b"}"
    with pytest.raises(BadInputError, match="no request"):
        read(read_asked(deep), SetBreakpoints)
