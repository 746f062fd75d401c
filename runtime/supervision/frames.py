"""What goes over the socket between the runtime and a module's process (RPC-1).

A frame is a length of four bytes, big-endian, and that many bytes of msgpack: an array
whose first item names its kind. Values stand in it as the JSON text of the value codec,
which carries what msgpack lacks. A frame that is not so ends the process that sent it.
"""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

MAX_FRAME = 1024 * 1024
"""Bytes a frame may have, where nobody says otherwise."""
_HEAD = 4


class FrameFault(Exception):
    """A frame is malformed or too long."""


class Call(msgspec.Struct, frozen=True, array_like=True, tag="call", gc=False):
    """Call *method*; the answer has the same *id*."""

    id: int
    method: str
    args: bytes
    """A list of the arguments by position, and a dict of those by name: JSON of the codec."""
    about: bytes = b"null"
    """For whom it is called, as JSON."""


class Answer(msgspec.Struct, frozen=True, array_like=True, tag="answer", gc=False):
    """What the call gave: JSON of the codec."""

    id: int
    value: bytes = b"null"


class Refusal(msgspec.Struct, frozen=True, array_like=True, tag="error", gc=False):
    """The call raised."""

    id: int
    error: str
    """Name of the class."""
    args: bytes = b"[]"
    """JSON of the codec: what it was raised with, as far as that is plain data."""
    retryable: bool = False
    cause: str = "application"
    """application, capability, serialization, unknown-method or cancelled."""


class Cancel(msgspec.Struct, frozen=True, array_like=True, tag="cancel", gc=False):
    """Stop the call *id*; it is answered all the same."""

    id: int


class Ping(msgspec.Struct, frozen=True, array_like=True, tag="ping", gc=False):
    """Answer, if you are alive."""

    id: int


Frame: TypeAlias = Call | Answer | Refusal | Cancel | Ping
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Frame)


def pack(frame: Frame, *, limit: int = MAX_FRAME) -> bytes:
    """Return the bytes of *frame*.

    Raises:
        FrameFault: they are more than *limit*.
    """
    body = _encode(frame)
    if len(body) > limit:
        msg = f"a frame of {len(body)} bytes is longer than {limit}"
        raise FrameFault(msg)
    return len(body).to_bytes(_HEAD, "big") + body


class Frames:
    """Puts frames together from bytes as they come.

    Args:
        limit: bytes a frame may have.
    """

    def __init__(self, *, limit: int = MAX_FRAME) -> None:
        self._limit = limit
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterable[Frame]:
        """Take *data*; give each frame that it completes.

        Raises:
            FrameFault: it is none. Nothing more can be read then.
        """
        size = len(data) - _HEAD
        fits = not self._bytes and 0 <= size <= self._limit
        if fits and int.from_bytes(data[:_HEAD], "big") == size:
            return (_frame(data[_HEAD:]),)  # as nearly always: one, and all of it
        return self._pieced(data)

    def _pieced(self, data: bytes) -> Iterator[Frame]:
        self._bytes += data
        while len(self._bytes) >= _HEAD:
            size = int.from_bytes(self._bytes[:_HEAD], "big")
            if size > self._limit:
                msg = f"a frame of {size} bytes is longer than {self._limit}"
                raise FrameFault(msg)
            if len(self._bytes) < _HEAD + size:
                return
            body = bytes(self._bytes[_HEAD : _HEAD + size])
            del self._bytes[: _HEAD + size]
            yield _frame(body)


def _frame(body: bytes) -> Frame:
    try:
        frame: Frame = _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        msg = f"a frame cannot be read: {type(error).__name__}"
        raise FrameFault(msg) from error
    return frame
