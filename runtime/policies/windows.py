"""Fixed windows, each opened by the first request it lets in (RL-1)."""

from typing import NamedTuple

import msgspec

SECOND_US = 1_000_000


class Window(msgspec.Struct, frozen=True):
    """A window that was opened; it lasts from its start until just before its end."""

    start_us: int
    used: int
    """Requests that it has let in."""


class Outcome(NamedTuple):
    """What a limit says of one more request."""

    window: Window | None
    """As it is then; of a refused request as it was."""
    allowed: bool
    remaining: int
    """Requests that it still lets in after this one."""
    reset_us: int
    """Until another window may open, from now on."""


def charge(window: Window | None, now_us: int, limit: int, window_us: int) -> Outcome:
    """Say whether one more request is let in, and what the window is then.

    Args:
        window: the last one; None: there was none.
        now_us: when the request came.
        limit: requests a window lets in; 0: none, ever.
        window_us: how long a window lasts.
    """
    if limit == 0:
        return Outcome(window, allowed=False, remaining=0, reset_us=window_us)
    if window is None or now_us >= window.start_us + window_us:
        return Outcome(Window(now_us, 1), allowed=True, remaining=limit - 1, reset_us=window_us)
    reset_us = window.start_us + window_us - now_us
    if window.used >= limit:
        return Outcome(window, allowed=False, remaining=0, reset_us=reset_us)
    used = window.used + 1
    return Outcome(Window(window.start_us, used), True, limit - used, reset_us)  # noqa: FBT003


def seconds_up(span_us: int) -> int:
    """Return a span in whole seconds, rounded up: waiting so long is enough, less is not."""
    return -(-span_us // SECOND_US)
