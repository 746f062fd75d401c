"""How handlers reach the outside, once, with the answer kept."""

from runtime.effects.clock import system_clock
from runtime.effects.ids import SystemIds
from runtime.effects.outside import Desk, Live, Outside
from runtime.effects.sites import Sites
from runtime.effects.tripwire import Tripping, Tripwire
from runtime.effects.workers import Workers

__all__ = [
    "Desk",
    "Live",
    "Outside",
    "Sites",
    "SystemIds",
    "Tripping",
    "Tripwire",
    "Workers",
    "system_clock",
]
