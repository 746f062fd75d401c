"""The event loop of a run that is done again."""

import asyncio
from collections.abc import Callable

from runtime.effects.virtual_loop import VirtualLoop


class ReplayLoop(VirtualLoop):
    """A virtual loop that asks before time passes.

    Args:
        idle: is told in how many seconds the next alarm rings when nothing else can happen;
            None: there is none. Says whether it set something going.
    """

    def __init__(self, idle: Callable[[float | None], bool]) -> None:
        super().__init__(stuck=lambda: None)
        self._idle = idle

    def may_pass(self, wait_s: float | None) -> bool:
        """Say whether time may pass."""
        return not self._idle(wait_s)


def runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    """Say whether this code runs in *loop*."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
