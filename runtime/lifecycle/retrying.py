"""How often what failed is tried again, and what is waited for between (HO-8, CN-5)."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from runtime.effects.chance import seeded_share
from runtime.errors import PolicySyntaxError
from runtime.lifecycle.run import Run
from runtime.lifecycle.sections import drive
from runtime.supervision import Backoff

MAX_RETRIES = 100
Plain: TypeAlias = tuple[float, float, float]
"""A backoff as facts have it."""


class Retrying(msgspec.Struct, frozen=True):
    """A function with the attempts it may have; made by `runtime.retrying`."""

    fn: Callable[..., Any]
    retries: int
    backoff: Backoff | None = None


def retrying(fn: Callable[..., Any], retries: int, backoff: Backoff | None = None) -> Retrying:
    """Give a compensation further attempts: `lctx.compensate(retrying(release, 3), order_id)`.

    Args:
        fn: what undoes.
        retries: attempts after the first, if it fails; each has five seconds.
        backoff: what is waited between them; None: nothing.

    Raises:
        PolicySyntaxError: *retries* is not from 0 to 100, or *backoff* is for none.
    """
    check_retries(retries, backoff)
    return Retrying(fn, retries, backoff)


def check_retries(retries: object, backoff: object) -> None:
    """Refuse retries that cannot be.

    Raises:
        PolicySyntaxError: names the value.
    """
    counts = isinstance(retries, int) and not isinstance(retries, bool)
    if not counts or not 0 <= retries <= MAX_RETRIES:  # type: ignore[operator]
        raise PolicySyntaxError(
            problem=f"retries={retries!r:.80} is no number of retries.",
            remedy=f"Write a whole number from 0 to {MAX_RETRIES}.",
        )
    if backoff is not None and (retries == 0 or not isinstance(backoff, Backoff)):
        raise PolicySyntaxError(
            problem=f"backoff={backoff!r:.120} with retries={retries} says nothing.",
            remedy="Write backoff=Backoff(0.1, 2.0, 5.0) beside retries from 1.",
        )


def wait_s(run: Run, what: str, backoff: Backoff | None, attempt: int) -> float:
    """Return what is waited after *attempt* failed: drawn from the request's seed.

    Args:
        run: the request.
        what: failed; another id draws other numbers.
        backoff: None: nothing is waited.
        attempt: from 1.
    """
    if backoff is None:
        return 0.0
    chance = seeded_share(run.arrival.seed, f"retry {what}", attempt)
    return round(backoff.delay_s(attempt, chance), 6)


async def pause(run: Run, seconds: float, *, capped: bool) -> None:
    """Let *seconds* pass between two attempts; run again, they are over at once.

    Raises:
        RequestTimedOutError: the deadline passed, which counts if *capped*.
        RequestStoppedError: the request was stopped.
    """
    if seconds:
        await drive(run, asyncio.sleep(seconds), None, capped)


def as_plain(backoff: Backoff | None) -> Plain | None:
    """Give a backoff as facts and manifests have it."""
    if backoff is None:
        return None
    return float(backoff.initial), float(backoff.factor), float(backoff.cap)


def from_plain(backoff: Plain | None) -> Backoff | None:
    """Read what `as_plain` gave."""
    return None if backoff is None else Backoff(*backoff)
