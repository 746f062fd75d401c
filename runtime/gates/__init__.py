"""Gates: hold live requests at a point, look at them, edit them, let them go (GA-1…11).

A process keeps its gates itself; who debugs it asks by its admin listener (`runtime.app.gating`).
They fail open: whatever happens to a debugger, requests go on after seconds. What happens to a
gate is told to the app's control stream, and what it does to a request stands in its stream.
"""

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
