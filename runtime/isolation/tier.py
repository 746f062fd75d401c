"""The port between a host, which decides, and what runs a module."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from runtime.isolation.failing import Ending
from runtime.modules import HostedCall, Method

START_S = 30.0
STOP_S = 9.5
"""A little less than all that is allowed for: what is ended then has ended in time."""


class Counts(NamedTuple):
    """Processes of a module."""

    total: int = 0
    in_use: int = 0
    idle: int = 0


Crashed = Callable[[str, Ending], None]
"""Told why something that ran ended by itself, and how."""


class Tier(Protocol):
    """Runs a module."""

    @property
    def running(self) -> int:
        """How many there are that could answer."""
        ...

    @property
    def counts(self) -> Counts:
        """Its processes; none in process."""
        ...

    @property
    def enforced(self) -> tuple[str, ...]:
        """What keeps it within bounds."""
        ...

    async def start(self) -> None:
        """Start one more, and return when it is ready.

        Raises:
            Exception: it did not start; nothing of it is left.
        """
        ...

    async def attempt(
        self,
        method: Method,
        given: tuple[tuple[Any, ...], dict[str, Any]],
        call: HostedCall,
        limit_s: float,
    ) -> Any:
        """Run a method once; when this returns or raises, nothing of it runs any more.

        But for a thread, which nobody can end, and a caller that was cancelled: what it
        asked for is being ended then.

        Raises:
            Failed: it did not give a value.
        """
        ...

    async def is_healthy(self) -> bool:
        """Ask the module how it is."""
        ...

    async def end(self, reason: str) -> None:
        """End all that runs, as failed."""
        ...

    async def stop(self) -> bool:
        """Let it stop, within 10 s; say whether it did so by itself."""
        ...
