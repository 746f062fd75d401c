"""Which refusals leave a stream, and a count of the rest (IN-16).

Strangers decide how many requests are refused. So that they cannot fill the log, of each
code and handler the first of a minute are recorded one by one, and of the rest their number.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from eventstore import EventStoreError
from runtime.ingress_facts import RefusalsCounted

Recorded: TypeAlias = Literal["counted", "all"]
"""Of refusals: the first of a minute and a count, or each of them."""
FIRST: Final = 20
"""Refusals of a code and handler that leave a stream each minute."""
MINUTE_S: Final = 60
_MINUTE_US: Final = MINUTE_S * 1_000_000
_OPTIONS: Final = "options"
"""Stands for the code of an OPTIONS request that no handler takes, which is no error."""
COUNTED: Final = frozenset(
    {
        # Head and target.
        "", "bad-framing", "bad-path", "coding-unknown", "expectation-failed", "header-malformed",
        "header-repeated", "headers-too-large", "invalid-host", "method-not-allowed",
        "method-unknown", "query-malformed", "route-not-found", "shutting-down", "target-too-long",
        # Credentials; what they may do is decided, and recorded, request by request.
        "auth-unavailable", "credentials-ambiguous", "credentials-invalid",
        # More than there is room for.
        "log-unavailable", "overloaded", "rate-limited",
        # Bodies that are not read, or not to their end.
        "body-too-large", "encoding-unsupported", "malformed-body", "media-unsupported",
        "request-timeout", "too-complex",
    }
)  # fmt: skip
"""Codes that anybody can bring about as often as they like."""
Tell: TypeAlias = Callable[[RefusalsCounted, str], None]
_log = logging.getLogger("timescape")


class Refusals:
    """Counts the refusals of one app on one event loop.

    Args:
        tell: writes a fact, with its key, into the log.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._kept: dict[tuple[str, str], int] = {}
        """How many left a stream this minute, by code and handler."""
        self._rest: dict[tuple[str, str], int] = {}
        self._since_us = 0
        self._timer: asyncio.TimerHandle | None = None

    def leaves_a_stream(self, code: str, handler: str, now_us: int, *, may: bool = True) -> bool:
        """Count a refusal; say whether it is recorded by itself, if it *may* be."""
        if code not in COUNTED:
            return True
        # The clock may step back: a minute of the future is none.
        if not self._since_us <= now_us < self._since_us + _MINUTE_US:
            self.end_minute()
            self._since_us = now_us
        of = code, handler
        kept = self._kept.get(of, 0)
        if may and kept < FIRST:
            self._kept[of] = kept + 1
            return True
        self._rest[of] = self._rest.get(of, 0) + 1
        if self._timer is None:
            # Somebody has to tell of them even if nobody comes any more.
            left_s = (self._since_us + _MINUTE_US - now_us) / 1_000_000
            self._timer = asyncio.get_running_loop().call_later(left_s, self.end_minute)
        return False

    def end_minute(self) -> None:
        """Tell of those that left no stream, and begin anew."""
        rest, self._rest, self._kept = self._rest, {}, {}
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for (code, handler), n in rest.items():
            self._told(code, handler, n)

    def _told(self, code: str, handler: str, n: int) -> None:
        try:
            self._tell(RefusalsCounted(n, handler), code or _OPTIONS)
        except EventStoreError as error:
            _log.warning("refusals not counted: code=%s n=%d error=%s", code, n, error.code)
