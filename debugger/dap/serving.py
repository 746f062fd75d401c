"""A client on two streams of bytes, until it leaves.

A thread reads, so that what takes long can be broken off by what the client sends next, or by
its end; answers are given one after the other.
"""

import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from debugger.dap.adapter import Adapter, Opened
from debugger.dap.framing import framed, read_message
from debugger.dap.protocol import Asked, Cancel, Launch, read, read_asked
from debugger.errors import BadInputError

_HURRIES = frozenset({"pause", "cancel", "disconnect", "terminate"})
_MOST_WAITING = 1_000
"""Requests that are read before they are answered."""


def serve(opening: Callable[[Launch], Opened], incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Answer a client until it disconnects, or its stream ends.

    Raises:
        BadInputError: what came is no message, so that nothing after it can be understood.
    """
    adapter = Adapter(opening, Sending(outgoing).send)
    reading = _Reading(incoming, adapter)
    threading.Thread(target=reading.run, name="timescape-dap", daemon=True).start()
    while not adapter.is_done:
        came = reading.queue.get()
        if isinstance(came, BadInputError):
            raise came
        if came is None:
            return
        if came.command in _HURRIES:
            adapter.calm()
        adapter.answer(came)


class Sending:
    """Numbers what is sent, and sends it."""

    def __init__(self, outgoing: BinaryIO) -> None:
        self._outgoing = outgoing
        self._seq = 0

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message, whole."""
        self._seq += 1
        self._outgoing.write(framed({"seq": self._seq, **message}))
        self._outgoing.flush()


class _Reading:
    def __init__(self, incoming: BinaryIO, adapter: Adapter) -> None:
        self._incoming = incoming
        self._adapter = adapter
        self.queue: queue.Queue[Asked | BadInputError | None] = queue.Queue(_MOST_WAITING)

    def run(self) -> None:
        try:
            while (body := read_message(self._incoming)) is not None:
                asked = read_asked(body)
                if self._hurries(asked):
                    self._adapter.hurry()
                self.queue.put(asked)
        except BadInputError as error:
            self._adapter.hurry()
            self.queue.put(error)
            return
        self._adapter.hurry()
        self.queue.put(None)

    def _hurries(self, asked: Asked) -> bool:
        """Say whether what is being answered is not wanted any more.

        Editors also cancel what was answered long ago: that must not end something else.
        """
        if asked.command != "cancel":
            return asked.command in _HURRIES
        return read(asked, Cancel).request_id == self._adapter.working_on
