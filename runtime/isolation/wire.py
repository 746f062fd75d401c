"""Frames between the runtime and a process, without a task of their own (RPC-1).

Each call crosses here twice: a stream and a task that reads it would cost every answer two more
turns of the event loop.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from runtime.supervision import Frame, FrameFault, Frames


class Wire(asyncio.Protocol):
    """Hands over what comes, frame by frame.

    Args:
        limit: bytes of a frame.
        take: given each frame.
        ended: told once that nothing comes any more; True: as what came was no frame.
    """

    def __init__(
        self, limit: int, take: Callable[[Frame], None], ended: Callable[[bool], None]
    ) -> None:
        self._frames = Frames(limit=limit)
        self._take = take
        self._ended = ended
        self._is_bad = False
        self._transport: asyncio.Transport | None = None

    @property
    def is_open(self) -> bool:
        """Whether something may be written."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # Of a stream socket. Loops other than asyncio's own have transports of their own classes.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take what came; what is no frame ends it."""
        try:
            for frame in self._frames.feed(data):
                self._take(frame)
        except FrameFault:
            self._is_bad = True
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._ended(self._is_bad)

    def write(self, data: bytes) -> None:
        """Write a whole frame; if *is_open*."""
        assert self._transport is not None  # noqa: S101 - open
        self._transport.write(data)

    def close(self) -> None:
        """Write nothing more, and read nothing more."""
        if self._transport is not None:
            self._transport.close()
