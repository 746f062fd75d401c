"""Messages of the Debug Adapter Protocol on a stream of bytes: a length, a blank line, JSON.

What is read was written by another program. No message and no header is taken that is larger
than it can need to be, so that a wrong length cannot make us wait for gigabytes.
"""

from typing import Protocol

import msgspec

from debugger.errors import BadInputError

MOST_HEADER = 4_096
"""Bytes of all headers of a message."""
MOST_BODY = 4 * 1024 * 1024
"""Bytes of a message that comes in: breakpoints of a large file take a hundredth of it."""
_LENGTH = b"content-length"


class Reads(Protocol):
    """What messages are read from: a buffered stream of bytes."""

    def readline(self, limit: int = -1, /) -> bytes:
        """Give the bytes up to the end of the line, at most *limit*; none at the end."""
        ...

    def read(self, size: int = -1, /) -> bytes:
        """Give *size* bytes, fewer only at the end."""
        ...


def read_message(stream: Reads) -> bytes | None:
    """Read the next message; None: there are no more.

    Raises:
        BadInputError: the bytes are no message. Where the next one begins is not known then.
    """
    length = _read_headers(stream)
    if length is None:
        return None
    if length > MOST_BODY:
        problem = f"A message of {length} bytes is larger than the {MOST_BODY} that are taken."
        raise BadInputError(problem, "Send fewer breakpoints at once.")
    body = stream.read(length)
    if len(body) < length:
        problem = f"The stream ended {length - len(body)} bytes before its message did."
        raise BadInputError(problem, "Only what is whole can be answered.")
    return body


def _read_headers(stream: Reads) -> int | None:
    """Read up to the blank line and return the length told; None: the stream has ended."""
    room, length = MOST_HEADER, None
    first = True
    while line := stream.readline(room):
        room -= len(line)
        if not line.endswith(b"\n") and room <= 0:
            problem = f"The headers of a message have more than {MOST_HEADER} bytes."
            raise BadInputError(problem, _FORM)
        if not line.strip():
            if length is None:
                problem = "A message does not say how long it is."
                raise BadInputError(problem, _FORM)
            return length
        first = False
        name, _, value = line.partition(b":")
        if name.strip().lower() == _LENGTH:
            length = _length_of(value.strip())
    if first:
        return None
    problem = "The stream ended within the headers of a message."
    raise BadInputError(problem, _FORM)


_FORM = "Each message begins with `Content-Length: N` and a blank line."


def _length_of(text: bytes) -> int:
    if not text.isdigit() or len(text) > 9:
        problem = f"{text[:40]!r} is no length."
        raise BadInputError(problem, _FORM)
    return int(text)


def framed(message: object) -> bytes:
    """Return *message* as the bytes that are sent."""
    body = _encode(message)
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


_encode = msgspec.json.Encoder().encode
