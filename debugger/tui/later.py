"""One thing done a while after it was last asked for.

Textual's own timers leave out a tick they are too late for, and one that ticks once then
never does: on a busy machine a preview would not come before the next key.
"""

import asyncio
from collections.abc import Callable

from textual.message_pump import MessagePump


class Later:
    """A wait that asking again begins anew.

    Args:
        host: whose message queue the thing is done in.
    """

    def __init__(self, host: MessagePump) -> None:
        self._host = host
        self._wait: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> bool:
        """Whether the thing is still to be done."""
        return self._wait is not None

    def ask(self, wait_s: float, do: Callable[[], None]) -> None:
        """Have *do* done in *wait_s* seconds, in place of what waits."""
        self.stop()

        def due() -> None:
            if not self._host.call_later(done):
                self.stop()  # the screen is closing

        def done() -> None:
            if self._wait is wait:
                self._wait = None
                do()

        wait = self._wait = asyncio.get_running_loop().call_later(wait_s, due)

    def stop(self) -> None:
        """Have nothing done."""
        if self._wait is not None:
            self._wait.cancel()
            self._wait = None
