"""The log rules admission: what it cannot take, no handler is begun for (AD-2).

A handler whose facts are lost has changed the world and nobody knows. So while the log is
behind, or refuses facts, requests are turned away before anything is done for them.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from runtime.ingress.arriving import Refused
from runtime.ingress.refusals import LOG_UNAVAILABLE
from runtime.lifecycle.finishing import Finishing
from runtime.timescape import Refusal

MOST: Final = 4_096
"""Commits that may wait to be durable."""
OLDEST_US: Final = 1_000_000
"""How long each may."""
_AGAIN_US: Final = 1_000_000
"""Between two tries whether a log that refused facts takes them again."""
LOG_BEHIND: Final = Refusal(
    503, "overloaded", "The log is behind with what it was given.", "Send it again after a second."
)
Probe = Callable[[], Awaitable[bool]]


class LogWatch:
    """Says whether the log can take one more request.

    Args:
        finishing: hands requests to the log.
        probe: tries whether it takes facts again, which it had refused.
    """

    __slots__ = ("_finishing", "_next_us", "_pending", "_probe")

    def __init__(self, finishing: Finishing, probe: Probe) -> None:
        self._finishing = finishing
        self._pending = finishing.pending
        self._probe = probe
        self._next_us = 0

    def is_pressed(self, now_us: int) -> bool:
        """Say whether to ask `refusal`; asked for every request, so that does not look closely."""
        if self._finishing.refused is not None:
            return True
        pending = self._pending
        # In order of arrival: the first is the oldest.
        return bool(pending) and (
            now_us - next(iter(pending.values())) > OLDEST_US or len(pending) > MOST
        )

    async def refusal(self, now_us: int) -> Refusal | None:
        """Say why a request may not be let in; None: it may.

        Of those that come while the log refuses facts, one a second finds out whether it
        still does.
        """
        if self._finishing.refused is None:
            return LOG_BEHIND
        # The clock may step back, and then nobody should wait until it is there again.
        if abs(now_us - self._next_us) > _AGAIN_US or now_us >= self._next_us:
            self._next_us = now_us + _AGAIN_US
            if await self._probe():
                return None
        return LOG_UNAVAILABLE


async def press(log: LogWatch, received_us: int) -> None:
    """Ask whether *log* can take one more request.

    Raises:
        Refused: it cannot; counted, and not recorded, for it is the log that cannot take it.
    """
    refusal = await log.refusal(received_us)
    if refusal is not None:
        raise Refused(refusal, (("retry-after", "1"),), recorded=False)
