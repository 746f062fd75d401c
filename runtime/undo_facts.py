"""The vocabulary, continued: attempts to undo what a request did.

What is registered, and how it ends, stands in `runtime.facts`, which says what holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact, Failure


class CompensationRetried(Fact, frozen=True, gc=False):
    """An attempt to undo failed, and another follows. Key: the compensation's id."""

    type: ClassVar[str] = "compensation.retried"

    failure: Failure
    attempt: int = 1
    of: int = 1
    wait_s: float = 0.0
    """Before the next attempt, as drawn from the request's seed."""


UNDO_FACTS: tuple[type[Fact], ...] = (CompensationRetried,)
"""Those of a request's stream."""
