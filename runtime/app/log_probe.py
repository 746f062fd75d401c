"""Finds out whether a log that refused facts takes them again (AD-2, SD-3)."""

import asyncio
from typing import Final

from eventstore import EventStoreError
from runtime.app.life import ControlLog
from runtime.ingress.log_watch import LogWatch
from runtime.lifecycle.finishing import Finishing
from runtime.service_facts import MaintenanceResumed

LOOK_S: Final = 2.0


class LogProbe:
    """Writes a fact that says so: where nobody sends requests, no request would show it.

    Args:
        finishing: knows that facts were refused.
        control: of the app.
        app: its name.
    """

    def __init__(self, finishing: Finishing, control: ControlLog, app: str) -> None:
        self._finishing = finishing
        self._control = control
        self._app = app

    async def __call__(self) -> bool:
        """Say whether the log takes facts; try it, if it did not the last time."""
        refused = self._finishing.refused
        if refused is None:
            return True
        try:
            async with asyncio.timeout(LOOK_S):
                self._control.tell(MaintenanceResumed(refused), self._app)
                await self._control.durable()
        except (EventStoreError, TimeoutError):
            return False
        self._finishing.refused = None
        return True


def watched(finishing: Finishing, control: ControlLog, app: str) -> LogWatch:
    """Return what keeps requests from a log that cannot take them."""
    return LogWatch(finishing, LogProbe(finishing, control, app))
