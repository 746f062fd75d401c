"""Gates and held requests, as they are shown; the same on both ends of the admin listener."""

from collections.abc import Mapping

import msgspec

BEAT_S = 1.0
"""How often who has armed gates says that it lives (GA-11)."""


class GateView(msgspec.Struct, frozen=True):
    """An armed gate."""

    gate: str
    by: str
    match: Mapping[str, str]
    when: str
    hold: float
    """Seconds."""
    cap: int
    note: bool
    hits: int
    paused: int
    """How many requests it holds now."""
    processes: int = 1
    """At how many it is armed, of those that were asked."""


class PauseView(msgspec.Struct, frozen=True):
    """A request that is held."""

    pause: str
    """`<request id>@<revision of its gate.hit>`."""
    request: str
    gate: str
    point: str
    """Type and key of the last fact before it was held."""
    revision: int
    """The moment it is held at: that of the fact."""
    waited: float
    """Seconds."""
    left: float
    """Seconds until it goes on by itself."""
    caller: float | str
    """Seconds that its caller still waits; `not stated`, or `gone`."""
    by: str
    """Whose gate it is."""


class Held(msgspec.Struct, frozen=True):
    """All there is."""

    gates: tuple[GateView, ...] = ()
    paused: tuple[PauseView, ...] = ()
