"""How a version does in one process, and for how long what was unhealthy is held (PL-1). Pure.

What was unhealthy gets no requests, so nothing would tell that it does well again: it is held
for a time, which doubles if it relapses soon, and then tried again.
"""

from typing import Final, Literal, TypeAlias

import msgspec

Verdict: TypeAlias = Literal["healthy", "degraded", "unhealthy"]
HOLD_S: Final = 30.0
"""What it is held at least."""
MOST_HOLD_S: Final = 300.0
RELAPSE_S: Final = 600.0
"""Unhealthy again within so many seconds is a relapse."""


class Standing(msgspec.Struct, frozen=True):
    """How a version stands; times are on a clock that goes forward."""

    state: Verdict = "healthy"
    held_until_s: float = 0.0
    """Of what is unhealthy: not before then it is tried again."""
    hold_s: float = 0.0
    """How long it was held last; 0: never."""
    recovered_s: float = 0.0
    """When that ended."""


NEW: Final = Standing()
"""Of a version of which nothing is known."""


def judged(before: Standing, verdict: Verdict, now_s: float) -> Standing:
    """Return how a version stands, of which *verdict* is what can be seen of it now."""
    if before.state == "unhealthy":
        # Requests that were under way may go on failing; then it is held longer.
        if verdict == "unhealthy" or now_s < before.held_until_s:
            return before
        return msgspec.structs.replace(before, state=verdict, recovered_s=now_s)
    if verdict == "unhealthy":
        hold_s = _hold_s(before, now_s)
        return Standing("unhealthy", now_s + hold_s, hold_s, before.recovered_s)
    return before if before.state == verdict else msgspec.structs.replace(before, state=verdict)


def _hold_s(before: Standing, now_s: float) -> float:
    if not before.hold_s or now_s - before.recovered_s > RELAPSE_S:
        return HOLD_S
    return min(2 * before.hold_s, MOST_HOLD_S)
