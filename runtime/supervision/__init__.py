"""How a module is kept alive, in values: states, retries, restarts, a breaker, frames. Pure.

`runtime.isolation` acts on what is decided here; it hands in the time and the chance.
"""

from runtime.supervision.backoff import CALLS, RESTARTS, Backoff
from runtime.supervision.breaker import Breaker
from runtime.supervision.frames import (
    MAX_FRAME,
    Answer,
    Call,
    Cancel,
    Frame,
    FrameFault,
    Frames,
    Ping,
    Refusal,
    pack,
)
from runtime.supervision.life import IllegalMove, State, move
from runtime.supervision.restarts import Restarts
from runtime.supervision.retrying import Cause, may_retry

__all__ = [
    "CALLS",
    "MAX_FRAME",
    "RESTARTS",
    "Answer",
    "Backoff",
    "Breaker",
    "Call",
    "Cancel",
    "Cause",
    "Frame",
    "FrameFault",
    "Frames",
    "IllegalMove",
    "Ping",
    "Refusal",
    "Restarts",
    "State",
    "may_retry",
    "move",
    "pack",
]
