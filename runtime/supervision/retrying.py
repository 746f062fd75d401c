"""Which calls are made again (RPC-4)."""

from typing import Literal, TypeAlias

Cause: TypeAlias = Literal[
    "transport", "timeout", "crash", "retryable",  # may pass
    "unavailable",  # nothing runs that could be asked
    "pool", "circuit",  # refused at once on purpose
    "serialization", "contract", "capability", "unknown-method", "application",
]  # fmt: skip
"""Why an attempt failed."""

PASSING: frozenset[Cause] = frozenset({"transport", "timeout", "crash", "retryable"})
"""What the next attempt may not meet again."""
UNSENT: frozenset[Cause] = PASSING | {"unavailable"}
"""Likewise, where nothing was sent yet."""
COUNTED: frozenset[Cause] = frozenset({"transport", "timeout", "crash"})
"""What the breaker takes for failures."""


def may_retry(cause: Cause, *, idempotent: bool, sent: bool) -> bool:
    """Say whether an attempt may be followed by another.

    Args:
        cause: of its failure.
        idempotent: whether the method may run twice.
        sent: whether a byte of the call was sent, so that it may have run.
    """
    if not sent:
        return cause in UNSENT
    return idempotent and cause in PASSING
