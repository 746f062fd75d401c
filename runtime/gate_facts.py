"""The vocabulary, continued: gates, and the requests that they held (GA-1…11).

See `runtime.facts` for what holds of all facts. What is edited at a gate is a `context.edited`
of origin `gate`.
"""

from collections.abc import Mapping
from typing import ClassVar

from runtime.facts import Fact


class GatesOpened(Fact, frozen=True, gc=False):
    """A process takes gates from now on. Key: the app."""

    type: ClassVar[str] = "gates.opened"

    address: str
    """Of its admin listener, `http://127.0.0.1:9090`."""
    node: str = ""
    """The process, where several serve from the log."""


class GateArmed(Fact, frozen=True, gc=False):
    """Requests that come from now on may be held. Key: the gate."""

    type: ClassVar[str] = "gate.armed"

    by: str
    match: Mapping[str, str]
    """route, version, principal, stream, hook, effect, fact, line; all that are given hold."""
    when: str = ""
    """A filter; `` for none."""
    hold: float = 300.0
    """Seconds after which a request goes on by itself."""
    cap: int = 1
    """Requests it holds at once."""
    note: bool = False
    """It tells of requests and holds none."""
    node: str = ""
    """The process that hears whether it is still wanted, where several serve from the log."""


class GateDisarmed(Fact, frozen=True, gc=False):
    """A gate holds no more requests. Key: the gate."""

    type: ClassVar[str] = "gate.disarmed"

    by: str
    how: str
    """disarmed, owner-lost or shutdown."""


class GateHit(Fact, frozen=True, gc=False):
    """A gate matched a request, at the point of the fact before this one. Key: the gate."""

    type: ClassVar[str] = "gate.hit"

    point: str
    """Of which fact the point is, and what it is about: `hook.started shop.tax`."""
    paused: bool
    reason: str = ""
    """Why it did not pause."""


class GateReleased(Fact, frozen=True, gc=False):
    """A request goes on. Key: the gate that held it."""

    type: ClassVar[str] = "gate.released"

    hit: int
    """Revision of its `gate.hit`."""
    how: str
    """resumed, edited, step, failed, forked; expired, disarmed, owner-lost, shutdown; stopped:
    the request was; ended: the request did not wait for it."""
    by: str
    waited: float
    """Seconds that it was held; its deadline stood still for as long."""
    fork: str = ""
    """Of `forked`: the id of the fork."""


GATE_FACTS: tuple[type[Fact], ...] = (GateHit, GateReleased)
"""Those that stand in a request's stream."""

GATE_CONTROL_FACTS: tuple[type[Fact], ...] = (GatesOpened, GateArmed, GateDisarmed)
"""Those that stand in an app's control stream."""
