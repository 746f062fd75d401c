"""The vocabulary, continued: what the edge tells of many requests at once.

They stand in control streams of their own. See `runtime.facts` for what holds of all facts.
"""

from typing import ClassVar

from runtime.facts import Fact


class RefusalsCounted(Fact, frozen=True, gc=False):
    """Requests of one minute were refused and left no stream. Key: the code."""

    type: ClassVar[str] = "maintenance.refusals_counted"

    n: int
    """How many; those that left a stream are not among them."""
    handler: str = ""
    """Its id; `` where no route fitted."""


INGRESS_FACTS: tuple[type[Fact], ...] = (RefusalsCounted,)
"""All of them."""
