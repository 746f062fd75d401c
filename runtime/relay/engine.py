"""The port of what carries messages between logs. It carries; what is so, the logs say.

Rules that each engine keeps, and that the conformance tests check:

- What `publish` was given is carried once it returns: it survives the death of either side.
- Of one subject it is handed out in the order in which it was published first.
- What was handed out and not acknowledged is handed out again, here or to who takes its place.
- What was acknowledged is not handed out to the same consumer again, but for what cannot be
  known: a duplicate may come, and whoever takes it recognises it.
- A consumer gets what is published once it was opened the first time.
"""

from collections.abc import Sequence
from typing import Protocol

from runtime.relay.parcels import Parcel


class Arrival(Protocol):
    """A parcel that was handed out."""

    @property
    def data(self) -> bytes:
        """What was published."""
        ...

    async def done(self) -> None:
        """Acknowledge it: it is in the log. Raises `OSError` if that cannot be said now."""
        ...


class Engine(Protocol):
    """See the module's words. On one event loop."""

    async def open(self, consumers: Sequence[tuple[str, str]]) -> None:
        """Connect, and see that there are these consumers: a name, and its subject.

        Raises:
            OSError: it cannot be reached.
        """
        ...

    async def publish(self, parcels: Sequence[Parcel]) -> None:
        """Carry *parcels*, in this order; those of an id that came lately are dropped.

        Raises:
            OSError: it is not known of all whether they are carried.
        """
        ...

    async def fetch(self, consumer: str, most: int) -> Sequence[Arrival]:
        """Hand out up to *most*, in order; none, if none came within a moment.

        Raises:
            OSError: it cannot be reached.
        """
        ...

    async def close(self) -> None:
        """Let go; twice is once."""
        ...
