"""Gates: hold live requests at a point, look at them, edit them, let them go (GA-1…11).

A process keeps its gates itself; who debugs it asks by its admin listener (`runtime.app.gating`).
They fail open: whatever happens to a debugger, requests go on after seconds. What happens to a
gate is told to the app's control stream, and what it does to a request stands in its stream.
"""

from typing import TYPE_CHECKING

from eventstore.doors import opener

if TYPE_CHECKING:
    from runtime.gates.keeper import Keeper
    from runtime.gates.views import GateView, PauseView
    from runtime.gates.wanted import Condition, Moment, ReadCondition, Wanted

__all__ = [
    "Condition",
    "GateView",
    "Keeper",
    "Moment",
    "PauseView",
    "ReadCondition",
    "Wanted",
]

_ROOMS = {
    "Condition": "runtime.gates.wanted",
    "GateView": "runtime.gates.views",
    "Keeper": "runtime.gates.keeper",
    "Moment": "runtime.gates.wanted",
    "PauseView": "runtime.gates.views",
    "ReadCondition": "runtime.gates.wanted",
    "Wanted": "runtime.gates.wanted",
}
if not TYPE_CHECKING:  # else the type checker would take any name for one of this door
    __getattr__ = opener(__name__, _ROOMS)
