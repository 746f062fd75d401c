"""How handlers reach the outside, once, with the answer kept."""

from typing import TYPE_CHECKING

from eventstore.doors import opener

if TYPE_CHECKING:
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

_ROOMS = {
    "Desk": "runtime.effects.outside",
    "Live": "runtime.effects.outside",
    "Outside": "runtime.effects.outside",
    "Sites": "runtime.effects.sites",
    "SystemIds": "runtime.effects.ids",
    "Tripping": "runtime.effects.tripwire",
    "Tripwire": "runtime.effects.tripwire",
    "Workers": "runtime.effects.workers",
    "system_clock": "runtime.effects.clock",
}
if not TYPE_CHECKING:  # else the type checker would take any name for one of this door
    __getattr__ = opener(__name__, _ROOMS)
