"""The vocabulary, continued: what the edge tells of many requests at once.

They stand in control streams of their own. See `runtime.facts` for what holds of all facts.
"""

from typing import ClassVar

import msgspec

from runtime.facts import Fact


class RefusalsCounted(Fact, frozen=True, gc=False):
    """Requests of one minute were refused and left no stream. Key: the code."""

    type: ClassVar[str] = "maintenance.refusals_counted"

    n: int
    """How many; those that left a stream are not among them."""
    handler: str = ""
    """Its id; `` where no route fitted."""


class KeptWindow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A window of a rate limit: whose it is, and how it stood. Stored as an array."""

    handler: str
    caller: str
    """As in `policy.decided`."""
    window_s: int
    start: int
    """When its first request was allowed, µs since 1970."""
    used: int
    """Requests that it has let in."""


class WindowsKept(Fact, frozen=True, gc=False):
    """How windows stand that changed since they were told last. No key."""

    type: ClassVar[str] = "policy.windows_counted"

    windows: tuple[KeptWindow, ...]


INGRESS_FACTS: tuple[type[Fact], ...] = (RefusalsCounted, WindowsKept)
"""All of them."""
